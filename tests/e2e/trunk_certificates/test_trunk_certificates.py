# SPDX-License-Identifier: GPL-2.0-or-later
"""Trunks by TLS certificate (SPEC B1), with authorities of our own."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import time

import pytest

from tests.support.certificate import self_signed, signed
from tests.support.loopback import free_udp_port
from tests.support.other_edge import OtherEdge, other_edge
from tests.support.phones import answer
from tests.support.raw_sip import RawSip, StreamSip
from tests.support.situation import DOMAIN, FIRST_PHONE, PASSWORD, STRANGER, Situation
from tests.support.softphone import SoftPhone

NUMBER, NOBODYS, MOBILE, CALLER = "42027777101", "42027777199", "42073723101", "42075553333"
LINE, RINGS = "jana-desk", "42027777102"
NAME, ELSEWHERE = "sbc.carrier.example", 77
MANY = 100


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """It signs what we trust; our own certificate is this one too."""
    return self_signed(tmp_path)


@pytest.fixture
def edge(
    request: pytest.FixtureRequest, situation: Situation, tmp_path: Path, authority: Path
) -> Iterator[OtherEdge]:
    """A proxy with one trunk, which may have more keys as the test's parameter."""
    carrier = {"certificate": NAME, "asserts": "P-Asserted-Identity"}
    trunks = {"carrier": {**carrier, **getattr(request, "param", {})}}
    with other_edge(situation, tmp_path, {"trunks": trunks}, TLS_PORT=str(free_udp_port()),
                    TLS_CERTIFICATE=str(authority), TLS_KEY=str(authority.with_suffix(".key")),
                    TLS_CA=str(authority)) as made:  # fmt: skip
        yield made


def caller(situation: Situation, edge: OtherEdge, authority: Path, own: str) -> StreamSip:
    at = (edge.edge.proxy[0], edge.edge.tls_port)
    return StreamSip(situation.network.address(STRANGER), at, str(authority), own)


def test_a_call_of_the_trunk_is_answered_and_ends(
    situation: Situation, edge: OtherEdge, authority: Path, tmp_path: Path
) -> None:
    mobile = situation.outside_phone(MOBILE, answer())
    own = signed(tmp_path, authority, NAME)
    with caller(situation, edge, authority, str(own)) as trunk:
        invite = trunk.request("INVITE", f"sip:{NUMBER}@{edge.edge.proxy[0]}", ani=CALLER,
                               headers=[f"P-Asserted-Identity: <sip:+{CALLER}@x>"])  # fmt: skip
        ok = trunk.answered(invite)
        uri = str(ok["Contact"]).strip("<>")
        trunk.send(trunk.within(invite, ok, "ACK", uri))
        heard = trunk.ask(trunk.within(invite, ok, "BYE", uri))
    assert heard is not None
    assert (heard.code, len(mobile.heard("BYE"))) == (200, 1)
    assert f" number={NUMBER} ani={CALLER} " in edge.edge.log


def test_who_is_called_hangs_up_wherever_the_trunk_says_that_it_is(
    situation: Situation, edge: OtherEdge, authority: Path, tmp_path: Path
) -> None:
    own, at = str(signed(tmp_path, authority, NAME)), edge.edge.proxy
    with ExitStack() as ends:
        desk, elsewhere, trunk = (ends.enter_context(SoftPhone(wire, user, DOMAIN, password))
                                  for wire, user, password in (
            (RawSip(situation.network.address(FIRST_PHONE), at), LINE, PASSWORD),
            (RawSip(situation.network.address(ELSEWHERE), at), CALLER, ""),
            (caller(situation, edge, authority, own), CALLER, "")))  # fmt: skip
        assert desk.register().code == 200
        asserted = f"P-Asserted-Identity: <sip:+{CALLER}@x>"
        calling = trunk.call(f"sip:{RINGS}@{at[0]}", asserted, contact=elsewhere.contact)
        called = desk.pick_up(desk.ring())
        trunk.talk(calling)
        desk.heard("ACK")
        desk.send(called, "BYE")
        elsewhere.answer(elsewhere.heard("BYE"), 200)
        assert desk.final("BYE").code == 200


def test_who_is_a_trunk(
    situation: Situation, edge: OtherEdge, authority: Path, tmp_path: Path
) -> None:
    (tmp_path / "itself").mkdir()
    shown = {
        "a trunk": (str(signed(tmp_path, authority, NAME)), 404),
        "in capitals": (str(signed(tmp_path, authority, NAME.upper())), 404),
        "by its DNS name": (str(signed(tmp_path, authority, "other.example", NAME)), 404),
        "by its common name alone": (str(signed(tmp_path, authority, NAME, "other.example")), 403),
        "of another name": (str(signed(tmp_path, authority, "other.example")), 403),
        "signed by itself": (str(self_signed(tmp_path / "itself", NAME)), 403),
        "none": ("", 403),
    }
    heard = {}
    for who, (own, _) in shown.items():
        with caller(situation, edge, authority, own) as trunk:
            answer_ = trunk.ask(trunk.request("INVITE", f"sip:{NOBODYS}@{edge.edge.proxy[0]}"))
        heard[who] = answer_ and answer_.code
    assert heard == {who: code for who, (_, code) in shown.items()}


def test_what_a_trunk_sends_is_not_counted(
    situation: Situation, edge: OtherEdge, authority: Path, tmp_path: Path
) -> None:
    ip = situation.network.address(STRANGER)
    counted = []
    for name in ("other.example", NAME):
        with caller(situation, edge, authority, str(signed(tmp_path, authority, name))) as sender:
            sender.ask(sender.request("INVITE", f"sip:{NOBODYS}@{edge.edge.proxy[0]}"))
        counted.append(ip not in edge.edge.kamcmd("htable.dump", "trusted"))
    assert counted == [True, False]


def test_by_another_transport_its_address_is_nobodys(
    situation: Situation, edge: OtherEdge
) -> None:
    with StreamSip(situation.network.address(STRANGER), edge.edge.proxy) as stranger:
        heard = stranger.ask(stranger.request("INVITE", f"sip:{NOBODYS}@{edge.edge.proxy[0]}"))
    assert heard is not None
    assert heard.code == 403


@pytest.mark.parametrize("edge", [{"max_per_second": 2}], indirect=True)
def test_within_a_second_no_more_calls_begin_than_the_trunk_may(
    situation: Situation, edge: OtherEdge, authority: Path, tmp_path: Path
) -> None:
    own = str(signed(tmp_path, authority, NAME))
    began = int(time())
    with caller(situation, edge, authority, own) as trunk:
        heard = [trunk.ask(trunk.request("INVITE", f"sip:{NOBODYS}@{edge.edge.proxy[0]}"))
                 for _ in range(MANY)]  # fmt: skip
    seconds = int(time()) - began + 1
    codes = [each.code for each in heard if each]
    assert codes[:3] == [404, 404, 503] or seconds > 1
    assert set(codes) == {404, 503}
    assert 2 <= codes.count(404) <= 2 * seconds
    assert len(codes) == MANY
