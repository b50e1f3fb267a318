# SPDX-License-Identifier: GPL-2.0-or-later
"""What we believe about Kamailio, held against the real one."""
