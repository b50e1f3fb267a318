# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake Kamailio does what the real one does."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract import server, stub
from tests.contract.fake_line import FakeLine
from tests.contract.probes import PROBES
from tests.contract.probing import Probe, Record
from tests.contract.real_line import RealLine
from tests.support.fake_state import Misuse

ENTRY = Path(__file__).with_name("probe_entry.py")

EQUAL = [probe for probe in PROBES.values() if not probe.tolerated]
MISUSES = [probe for probe in PROBES.values() if probe.tolerated]


def name_of(probe: Probe) -> str:
    return probe.name


@pytest.fixture(scope="session")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Ports]:
    with server.running(ENTRY, tmp_path_factory.mktemp("kamailio")) as ports:
        yield ports


@pytest.mark.parametrize("probe", EQUAL, ids=name_of)
def test_fake_equals_real_kamailio(probe: Probe, ports: server.Ports) -> None:
    fake = FakeLine(probe.handler)
    probe.talk(fake)
    fake.settle()
    assert plain(fake.record, fake.phones) == real_record(probe, ports)


@pytest.mark.parametrize("probe", MISUSES, ids=name_of)
def test_fake_refuses_what_goes_wrong_in_real_kamailio(probe: Probe, ports: server.Ports) -> None:
    notes = [note for _, *noted in real_record(probe, ports)["notes"] for note in noted]
    assert notes[-len(probe.tolerated) :] == list(probe.tolerated)
    with pytest.raises(Misuse):
        probe.talk(FakeLine(probe.handler))


def test_stub_tells_the_types_of_variables(ports: server.Ports) -> None:
    record = real_record(PROBES["types_of_variables"], ports)
    text = dict.fromkeys(stub.TEXT_VARIABLES, "str")
    assert record["notes"] == [
        ["ksr_request_route", text | dict.fromkeys(stub.NUMBER_VARIABLES, "int")]
    ]


def real_record(probe: Probe, ports: server.Ports) -> dict[str, list[list[object]]]:
    """What the probe gives in the real Kamailio, with the addresses of the fake's line."""
    with RealLine(probe.name, ports) as line:
        probe.talk(line)
        line.settle()
    return plain(line.record, line.phones)


def plain(record: Record, phones: str) -> dict[str, list[list[object]]]:
    """A record as it comes through JSON, without the address of the phones."""
    text = json.dumps(record.__dict__).replace(phones, "PHONES")
    plain: dict[str, list[list[object]]] = json.loads(text)
    return plain
