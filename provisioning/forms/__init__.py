# SPDX-License-Identifier: GPL-2.0-or-later
"""What a file says in other forms: JSON lines, tables, calendars."""
