# SPDX-License-Identifier: GPL-2.0-or-later
from ipaddress import ip_network

import pytest

from kemi_routing.model import (
    Call,
    Line,
    MailboxPolicy,
    Mode,
    Number,
    Outcome,
    Platform,
    Ring,
    Sequence,
    Verdict,
)
from kemi_routing.permissions import Rights
from kemi_routing.schedule import Holiday, Override
from kemi_routing.targets import VOICEMAIL
from tests.support.builders import NOW, PRAGUE, number, sequence, step, window

DAY, NIGHT = sequence("day", step("voicemail")), sequence("night")


@pytest.mark.parametrize(("name", "found"), [
    ("day", DAY), ("night", NIGHT), ("weekend", Sequence("")), (None, Sequence("")),
])
def test_a_sequence_is_found_by_its_name(name: str | None, found: Sequence) -> None:
    assert number(sequences=(DAY, NIGHT)).sequence(name) == found


def test_what_nobody_said() -> None:
    """The defaults that operators rely on: 20 s, 3 phones, nothing allowed, nobody trusted."""
    bare = Number("42027777100", "acme/jana", PRAGUE)
    assert Ring(VOICEMAIL).ring_s == bare.ring_s == 20
    assert (Ring(VOICEMAIL).delay_s, Ring(VOICEMAIL).confirm) == (0, False)
    assert Line("jana-desk").max_phones == 3
    assert bare.mode is Mode.RING_THEN_VOICEMAIL
    assert bare.rights == Rights(voicemail=False, forward_external=False)
    assert bare.cli == "personal number"
    assert (Call().asserted, Call().anonymous, Call().diverted) == (False, False, False)
    assert Call().verdict is Verdict.NONE
    assert Platform().sip_hosts == frozenset()
    assert bare.mailbox is Platform().mailbox is MailboxPolicy.PIN_UNLESS_TRUSTED


def test_what_files_and_records_call_things() -> None:
    """These words are written by people and stored: they cannot change."""
    assert list(Mode) == [
        "ring_only", "ring_then_voicemail", "ring_then_forward", "ring_forward_then_voicemail",
        "forward_only", "forward_then_voicemail", "voicemail_only", "forward_unconditionally",
        "reject"]
    assert list(Outcome) == ["declined", "no_answer", "busy", "unreachable"]
    assert list(MailboxPolicy) == ["pin_unless_trusted", "pin_unless_attested", "always_pin"]


def test_what_decides_by_time() -> None:
    windows, holidays = (window("mon", "08:00-18:00"),), (Holiday(NOW.date(), "night"),)
    overrides = (Override("night", set_at=0),)
    timetable = number(windows=windows, holidays=holidays, overrides=overrides,
                       default="day").timetable
    assert timetable.zone == PRAGUE
    assert (timetable.windows, timetable.holidays, timetable.overrides, timetable.default) == (
        windows, holidays, overrides, "day")


@pytest.mark.parametrize(("owner", "organisation"), [("acme/jana", "acme"), ("jana", "jana")])
def test_the_organisation_of_a_number(owner: str, organisation: str) -> None:
    assert number(owner=owner).organisation == organisation


@pytest.mark.parametrize(("host", "refused"), [
    ("8.8.8.8", None),
    ("2a00::1", None),
    ("sip.example.net", None),  # listed
    ("10.1.2.3", None),  # listed
    ("followme.local", "followme.local is this platform; write the line: line NAME"),
    ("8.8.4.4", "8.8.4.4 belongs to this platform"),  # whatever is listed
    ("other.example.net", "the operator does not allow calls to the host other.example.net"),
    ("127.0.0.1", "127.0.0.1 is not a public address"),
    ("10.1.2.4", "10.1.2.4 is not a public address"),
    ("0.0.0.0", "0.0.0.0 is not a public address"),
    ("169.254.1.1", "169.254.1.1 is not a public address"),
    ("100.64.0.1", "100.64.0.1 is not a public address"),
    ("240.0.0.1", "240.0.0.1 is not a public address"),
    ("224.0.1.75", "224.0.1.75 is not a public address"),  # multicast
    ("ff02::1", "ff02::1 is not a public address"),
    ("::1", "::1 is not a public address"),
    ("fe80::1", "fe80::1 is not a public address"),
    ("fd00::1", "fd00::1 is not a public address"),
    ("fec0::1", "fec0::1 is not a public address"),
    ("::ffff:10.0.0.1", "::ffff:10.0.0.1 is not a public address"),  # private within IPv6
    ("64:ff9b::a00:1", "64:ff9b::a00:1 is not a public address"),
    ("::a00:1", "::a00:1 is not a public address"),
    ("2002:a00:1::1", "2002:a00:1::1 is not a public address"),
])
def test_the_hosts_that_a_sip_target_may_name(host: str, refused: str | None) -> None:
    platform = Platform(
        "followme.local", frozenset({"sip.example.net", "10.1.2.3", "followme.local", "8.8.4.4"}),
        own_hosts=frozenset({"8.8.4.4"}))
    assert platform.refused_host(host) == refused


@pytest.mark.parametrize(("listed", "host", "allowed"), [
    ("*.example.net", "pbx.example.net", True),
    ("*.example.net", "a.b.example.net", True),
    ("*.example.net", "example.net", False),
    ("*.example.net", "notexample.net", False),
    ("any", "pbx.example.com", True),
    ("any", "redis", False),  # a name of this network
    ("any", "10.1.2.3", False),
    ("any", "followme.local", False),
    ("any", "vienna.example.com", False),
])
def test_domains_and_all_names_may_be_listed(listed: str, host: str, *, allowed: bool) -> None:
    platform = Platform("followme.local", frozenset({listed}),
                        own_hosts=frozenset({"vienna.example.com"}))
    assert (platform.refused_host(host) is None) == allowed


def test_what_serves_the_platform_may_be_named_only_where_it_is_listed() -> None:
    inside = (ip_network("9.9.9.0/28"), ip_network("2a01:4f8::1/128"))
    platform = Platform(sip_hosts=frozenset({"9.9.9.2"}), inside=inside)
    reason = "is a trunk, or serves this platform"
    assert platform.refused_host("9.9.9.1") == f"9.9.9.1 {reason}"
    assert platform.refused_host("2a01:4f8::1") == f"2a01:4f8::1 {reason}"
    assert [platform.refused_host(host) for host in ("9.9.9.2", "9.9.9.16")] == [None, None]
