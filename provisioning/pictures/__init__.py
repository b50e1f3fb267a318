# SPDX-License-Identifier: GPL-2.0-or-later
"""The week and the flow of a number as models, in words, and drawn."""
