# SPDX-License-Identifier: GPL-2.0-or-later
"""All probes by name: importing their modules collects them."""

from tests.contract import (
    probes_failover,
    probes_flows,
    probes_message,
    probes_nat,
    probes_parallel,
    probes_registrar,
    probes_relay,
    probes_sending,
    probes_serial,
    probes_shared,
    probes_transaction,
    probes_waiting,
)
from tests.contract.probing import COLLECTED as PROBES

MODULES = (
    probes_message,
    probes_nat,
    probes_parallel,
    probes_registrar,
    probes_relay,
    probes_sending,
    probes_serial,
    probes_failover,
    probes_flows,
    probes_shared,
    probes_transaction,
    probes_waiting,
)

__all__ = ["PROBES"]
