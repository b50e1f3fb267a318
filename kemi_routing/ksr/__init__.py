# SPDX-License-Identifier: GPL-2.0-or-later
"""Adapter to Kamailio: reads the call, executes the plan. KEMI's return codes end here."""
