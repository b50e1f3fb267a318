# SPDX-License-Identifier: GPL-2.0-or-later
"""The write side: files that people write become records that the edge routes by."""

VERSION = "0.1.0"
"""As in ``pyproject.toml``."""
