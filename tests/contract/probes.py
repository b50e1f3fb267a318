# SPDX-License-Identifier: GPL-2.0-or-later
"""All probes by name: importing their modules collects them."""

from tests.contract import (  # noqa: F401
    probes_message,
    probes_parallel,
    probes_registrar,
    probes_sending,
    probes_serial,
    probes_transaction,
)
from tests.contract.probing import COLLECTED as PROBES

__all__ = ["PROBES"]
