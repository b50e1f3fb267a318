# SPDX-License-Identifier: GPL-2.0-or-later
"""The store: keys, and reading within a bound."""
