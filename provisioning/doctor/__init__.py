# SPDX-License-Identifier: GPL-2.0-or-later
"""``followme doctor``: what is wrong with this machine, and how to mend it."""
