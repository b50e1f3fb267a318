# SPDX-License-Identifier: GPL-2.0-or-later
"""The router's core: values in, values out. No KSR, no Redis, no clock, no environment."""
