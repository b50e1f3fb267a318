# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that come back (SPEC P5), through networks that keep or lose what would tell."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.caller import Dialling
from tests.support.far_network import FarNetwork
from tests.support.phones import answer, busy
from tests.support.situation import FROM_TRUNK, Situation

TEN_TARGETS, OWN_MOBILE, THERE, BACK, ROUND = (
    "42027777101", "42027777102", "42027777103", "42027777104", "42027777105",
)  # fmt: skip
MOBILE, CALLER = "42073723101", "42075553333"
TOLD = ("Diversion", "History-Info")
FAR = {f"420600000{last:02}": TEN_TARGETS for last in range(1, 11)} | {
    "42060000103": THERE, "42060000104": BACK, "42060000105": ROUND, MOBILE: OWN_MOBILE,
}  # fmt: skip

TOP = "42027777111"
DIAMOND = {f"420600001{last}": f"420277771{last}" for last in (12, 13, 14)}
"""What the two numbers lead to that the top one rings."""

FIRST = 42027777120
ROUND_TRIP = """\
organisation: round
time_zone: Europe/Prague
subscribers:
  eva:
    permissions: [forward_external]
    numbers:
"""

Arrange = Callable[..., FarNetwork]


@pytest.fixture
def far(situation: Situation) -> Iterator[Arrange]:
    """``far(loses=…, new_call=…)``: the network that forwards all those numbers back to us."""
    with contextlib.ExitStack() as ends:
        def start(
            *, loses: tuple[str, ...] = (), new_call: bool = False,
            forwarded: Mapping[str, str] = FAR,
        ) -> FarNetwork:  # fmt: skip
            network = FarNetwork(
                situation.network.address(FROM_TRUNK), situation.edge.proxy, forwarded.get,
                loses=loses, new_call=new_call)  # fmt: skip
            ends.callback(network.stop)
            for number in forwarded:
                situation.gateway.connect(number, network.address)
                ends.callback(situation.gateway.disconnect, number)
            return network
        yield start


def steps(own: int, fan_out: int) -> list[str]:
    """The targets of a number of a loop, at most five at the same time."""
    targets = [f"{{to: 4206{own}{way:02}0000, ring: 3}}" for way in range(fan_out)]
    return [f"{{together: [{', '.join(targets[first:first + 5])}]}}"
            for first in range(0, fan_out, 5)]


def looped(situation: Situation, call_id: str) -> list[str]:
    """The cycles that the log names for a call."""
    lines = [line for line in situation.edge.log.splitlines() if f"callid={call_id} " in line]
    return [line.rpartition("cycle=")[2] for line in lines if ": loop " in line]


@pytest.mark.parametrize("lost", [(), TOLD, ("Record-Route",)], ids=["nothing", "Diversion",
                                                                      "Record-Route"])
def test_ten_targets_that_come_back_make_eleven_invites(
    situation: Situation, far: Arrange, lost: tuple[str, ...]
) -> None:
    network, media = far(loses=lost), situation.media_server()

    ended = situation.call(TEN_TARGETS, CALLER)

    assert ended.code == 200
    assert sorted(network.calls) == sorted(number for number in FAR if FAR[number] == TEN_TARGETS)
    assert len(media.invites) == 1
    assert ended.took_s < 2
    cycles = looped(situation, ended.invite.call_id)
    assert cycles == [f"{TEN_TARGETS}>{TEN_TARGETS}"] * 10


@pytest.mark.parametrize("new_call", [False, True], ids=["same Call-ID", "new Call-ID"])
def test_a_loop_of_two_numbers_ends_where_it_closes(
    situation: Situation, far: Arrange, new_call: bool
) -> None:
    network = far(new_call=new_call)

    ended = situation.call(THERE, CALLER)

    assert ended.code == 480
    assert network.calls == ["42060000104", "42060000103"]
    call_id = ("far-far-" if new_call else "") + ended.invite.call_id
    assert looped(situation, call_id) == [f"{THERE}>{BACK}>{THERE}"]


def test_the_numbers_of_a_loop_are_known_by_our_route_too(
    situation: Situation, far: Arrange
) -> None:
    network = far(loses=TOLD)

    assert situation.call(THERE, CALLER).code == 480
    assert network.calls == ["42060000104", "42060000103"]


@pytest.mark.parametrize("lost", [(), TOLD], ids=["nothing", "Diversion"])
@pytest.mark.parametrize("size", [(1, 10), (2, 5), (3, 3), (5, 2), (5, 5), (2, 10)], ids=str)
def test_each_number_of_a_loop_forks_once_however_many_ways_lead_to_it(
    situation: Situation, far: Arrange, tmp_path: Path, size: tuple[int, int],
    lost: tuple[str, ...],
) -> None:  # fmt: skip
    numbers, fan_out = size
    forwarded = {f"4206{own}{way:02}0000": str(FIRST + (own + 1) % numbers)
                 for own in range(numbers) for way in range(fan_out)}  # fmt: skip
    written = tmp_path / "round.yaml"
    written.write_text(ROUND_TRIP + "".join(
        f"      {FIRST + own}:\n        mode: forward_only\n        default: on\n"
        f"        sequences: {{'on': [{', '.join(steps(own, fan_out))}]}}\n"
        for own in range(5)))
    situation.apply(written)
    network = far(loses=lost, forwarded=forwarded)

    ended = situation.call(str(FIRST), CALLER)

    assert ended.code == 480
    assert ended.took_s < 1
    assert sorted(network.calls) == sorted(forwarded)


@pytest.mark.parametrize("lost", [(), TOLD, ("Record-Route",)], ids=["nothing", "Diversion",
                                                                      "Record-Route"])
def test_two_ways_that_meet_again_ring_the_phone_behind_once(
    situation: Situation, far: Arrange, lost: tuple[str, ...]
) -> None:
    network = far(loses=lost, forwarded=DIAMOND)
    phone = situation.outside_phone("42073723102", answer(300))

    ended = situation.call(TOP, CALLER)

    assert ended.code == 200
    assert ended.was_hung_up
    assert sorted(network.calls) == ["42060000112", "42060000113", "42060000114", "42060000114"]
    assert len(phone.invites) == 1


def test_a_mobile_that_forwards_back_is_left_for_voicemail(
    situation: Situation, far: Arrange
) -> None:
    network, media = far(), situation.media_server()

    ended = situation.call(OWN_MOBILE, CALLER)

    assert ended.code == 200
    assert network.calls == [MOBILE]
    assert media.invites[0].uri.startswith("sip:voicemail@")


def test_the_owners_mobile_is_no_loop(situation: Situation) -> None:
    mobile = situation.outside_phone(MOBILE, answer())

    assert situation.call(OWN_MOBILE, CALLER).code == 200
    assert len(mobile.invites) == 1


def test_where_nothing_tells_the_cap_ends_it(situation: Situation, far: Arrange) -> None:
    network = far(loses=(*TOLD, "Record-Route"), new_call=True)

    ended = situation.call(ROUND, CALLER)

    assert ended.code == 480
    assert len(network.calls) == 4
    assert "ongoing: 0" in situation.edge.kamcmd("dlg.stats_active")


def test_a_forged_mark_makes_no_loop(situation: Situation) -> None:
    mobile = situation.outside_phone(MOBILE, busy())
    proxy = situation.settings["ADDRESS"]
    forged = f"Record-Route: <sip:{proxy};lr=on;fm={'0' * 24};fn={'0' * 12}>"
    situation.dial(Dialling(OWN_MOBILE, CALLER, CALLER, headers=(forged,))).outcome()
    assert len(mobile.invites) == 1
