# SPDX-License-Identifier: GPL-2.0-or-later
"""REGISTER at the real Kamailio: lifetimes, phones that move, Path (RFC 3327)."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Arrangements
from tests.support.caller import Dialling
from tests.support.digest_phone import Account, DigestPhone
from tests.support.situation import (
    DOMAIN,
    FIRST_PHONE,
    GATEWAY,
    PASSWORD,
    STRANGER,
    Situation,
)

DESK, SOFT = Account("jana-desk", PASSWORD), Account("jana-soft", PASSWORD)
JANA, CALLER = "42027777101", "42075553333"
EDGE_PROXY, BEHIND = 50, "10.0.0.7"
INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000a95a0e128>"'


@pytest.fixture
def situation(arrange: Arrangements) -> Situation:
    """With all networks' .50 an edge proxy."""
    proxies = ",".join(f"127.0.{number}.{EDGE_PROXY}" for number in range(1, 251))
    return arrange(environment={"FOLLOWME_EDGE_PROXIES": proxies})


def phone(situation: Situation, last: int) -> DigestPhone:
    return DigestPhone(situation.network.address(last), situation.edge.proxy, DOMAIN)


@pytest.fixture
def desk(situation: Situation) -> Iterator[DigestPhone]:
    with phone(situation, FIRST_PHONE) as made:
        yield made
        made.register(DESK, ("Contact", "*"), ("Expires", "0"))


@pytest.fixture
def proxy(situation: Situation) -> Iterator[DigestPhone]:
    with phone(situation, EDGE_PROXY) as made:
        yield made
    with phone(situation, EDGE_PROXY) as again:
        again.register(SOFT, ("Contact", "*"), ("Expires", "0"))


def path(proxy: DigestPhone) -> tuple[str, str]:
    return "Path", f"<sip:{proxy.source.ip}:{proxy.source.port};lr>"


@pytest.mark.parametrize(("own", "expires", "code"), [
    (None, "59", 423), ("59", "600", 423), (None, "60", 200), ("60", "1", 200), ("0", "600", 200),
])  # fmt: skip
def test_no_registration_is_too_brief(
    desk: DigestPhone, own: str | None, expires: str, code: int
) -> None:
    name, contact = desk.contact("jana-desk")
    written = contact if own is None else f"{contact};expires={own}"
    answer = desk.register(DESK, (name, written), ("Expires", expires))
    assert (answer.code, answer.header("Min-Expires")) == (code, "60" if code == 423 else None)


def test_a_phone_that_moved_takes_its_own_place(situation: Situation, desk: DigestPhone) -> None:
    name, contact = desk.contact("jana-desk")
    assert desk.register(DESK, (name, f"{contact};{INSTANCE};reg-id=1")).code == 200
    with phone(situation, FIRST_PHONE + 1) as moved:
        name, contact = moved.contact("jana-desk")
        answer = moved.register(DESK, (name, f"{contact};{INSTANCE};reg-id=1"))
        assert (answer.code, moved.source.ip in answer["Contact"]) == (200, True)
        assert desk.source.ip not in answer["Contact"]
        other = moved.register(DESK, (name, contact.replace("desk@", "other@")))
        assert other.code == 403
        assert "why='too many phones' line=jana-desk" in situation.edge.log


def test_the_way_to_a_phone_is_the_path_of_its_edge_proxy(
    situation: Situation, proxy: DigestPhone
) -> None:
    contact = ("Contact", f"<sip:jana-soft@{BEHIND}:5060>")
    answer = proxy.register(SOFT, contact, path(proxy), ("Supported", "path"))
    assert (answer.code, answer["Path"]) == (200, path(proxy)[1])

    call = situation.dial(Dialling(JANA, CALLER, asserted=CALLER))
    invite = proxy.heard()
    assert (invite.method, invite.uri) == ("INVITE", f"sip:jana-soft@{BEHIND}:5060")
    assert invite["Route"] == path(proxy)[1]
    assert call.outcome().code == 480


@pytest.mark.parametrize(("supported", "outbound", "code"), [
    ("path, outbound", "", 439), ("path, outbound", ";ob", 200), ("path", "", 200)])
def test_who_wants_flows_hears_where_its_edge_proxy_keeps_none(
    proxy: DigestPhone, supported: str, outbound: str, code: int
) -> None:
    """RFC 5626 section 6."""
    name, way = path(proxy)
    contact = "Contact", f"<sip:jana-soft@{BEHIND}:5060>;{INSTANCE};reg-id=1"
    through = name, way.replace(";lr", f";lr{outbound}")
    behind = "Via", f"SIP/2.0/UDP {BEHIND}:5060;branch=z9hG4bK1"
    assert proxy.register(SOFT, contact, through, behind, ("Supported", supported)).code == code


def test_nobody_else_has_a_path(situation: Situation, desk: DigestPhone) -> None:
    refused = desk.register(DESK, desk.contact("jana-desk"), path(desk))
    assert refused.code == 403
    with phone(situation, STRANGER) as stranger:
        elsewhere = ("Contact", f"<sip:jana-desk@{BEHIND}:5060>")
        assert stranger.register(DESK, elsewhere, path(stranger)).code == 403


def test_a_path_that_an_edge_proxy_passes_on_leads_nowhere_else(
    situation: Situation, proxy: DigestPhone
) -> None:
    inside = situation.network.address(GATEWAY)
    behind = ("Contact", f"<sip:49900123456@{inside}>"), ("Supported", "path")
    for way in (f"<sip:{inside}:5060;lr>", f"<sip:{inside};lr>, {path(proxy)[1]}"):
        assert proxy.register(SOFT, ("Path", way), *behind).code == 403


def test_an_edge_proxy_without_path_registers_itself_only(proxy: DigestPhone) -> None:
    assert proxy.register(SOFT, ("Contact", f"<sip:jana-soft@{BEHIND}:5060>")).code == 403


def test_what_a_phone_behind_an_edge_proxy_says_of_its_address_is_not_believed(
    situation: Situation, proxy: DigestPhone
) -> None:
    lie = "SIP/2.0/UDP 192.168.0.2:5060;received={};received=192.0.2.7;branch=z9hG4bK1"
    guesses = [proxy.register(Account("jana-soft", "guess"), ("Via", lie.format(f"10.0.1.{last}")))
               for last in range(6)]
    assert [one.code for one in guesses] == [400] * 6
    assert "10.0.1." not in situation.edge.kamcmd("htable.dump", "guesses")


def test_who_guesses_behind_an_edge_proxy_is_banned_alone(
    situation: Situation, proxy: DigestPhone
) -> None:
    def tries(account: Account, source: str) -> int | None:
        via = ("Via", f"SIP/2.0/UDP 192.168.0.2:5060;received={source};branch=z9hG4bK1")
        return proxy.register(account, via).code

    codes = [tries(Account("jana-soft", "guess"), BEHIND) for _ in range(6)]
    assert codes == [401] * 5 + [403]
    assert (tries(SOFT, BEHIND), tries(SOFT, "10.0.0.8"), proxy.register(SOFT).code) == (
        403, 200, 200)  # fmt: skip
    assert f"name: {BEHIND}\n" in situation.edge.kamcmd("htable.dump", "banned")
