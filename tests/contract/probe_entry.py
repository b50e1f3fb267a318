# SPDX-License-Identifier: GPL-2.0-or-later
"""The script that a real Kamailio loads for the probes; see `probing`."""

import json
import socket

import KSR

from tests.contract import probing
from tests.contract.probes import PROBES


class Entry:
    """Hands each callback to the probe that the message names and reports what it saw."""

    def child_init(self, rank: int) -> int:
        return 0

    def ksr_background(self, _message: object, _event: str) -> int:
        return 1

    def ksr_stray_answer(self, _message: object, _event: str) -> int:
        return 1

    def __getattr__(self, name: str) -> object:
        if name not in probing.CALLBACKS:
            raise AttributeError(name)
        return lambda _message: run(name)


def run(callback: str) -> int:
    """Runs one callback of a probe and sends its notes to the test."""
    name = KSR.hdr.get("X-Probe")
    if name is None:  # the test's own ACK
        return KSR.tm.t_check_trans()
    if name == "end_of_probe":
        return report("end", [])
    notes: list[object] = []
    status = probing.call(PROBES[name].handler(KSR, notes.append), callback, notes.append)
    report(callback, notes)
    return status


def report(callback: str, notes: list[object]) -> int:
    """Tells the test what happened."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        to = ("127.0.0.1", int(KSR.hdr.gete("X-Report")))
        return out.sendto(json.dumps([callback, notes]).encode(), to)


def mod_init() -> Entry:
    return Entry()
