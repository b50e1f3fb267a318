# SPDX-License-Identifier: GPL-2.0-or-later
"""What targets are shown. ``golden/caller_id.txt`` has each header in each combination of what it
depends on, as it leaves; write it anew with ``python -m tests.unit.test_caller_id``.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from kemi_routing import caller_id, targets
from kemi_routing.caller_id import Dress, Forwarders, Profile, SoFar
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Outcome
from kemi_routing.plan import Account, Caller, Planned, PlannedStep

GOLDEN = Path(__file__).with_name("golden") / "caller_id.txt"
DOMAIN = "voice.example"
NUMBER, SECOND, EXTENSION = "42027777100", "42027777200", "acme/201"
ANI, LINE, FIXED, WISHED = "42075553333", "42027777999", "42020000000", "42021111111"
FIRST_BEFORE, LAST_BEFORE = "49301111111", "49302222222"

Headers = tuple[tuple[str, str], ...]

CHOICES = {"personal number": NUMBER, "caller": None, "fixed": FIXED}
"""What the owner of the number chose -> ``Planned.cli``."""

GIVEN: Headers = (
    ("P-Asserted-Identity", f"<sip:{ANI}@carrier.example>"),
    ("Remote-Party-ID", f"<sip:{ANI}@carrier.example>;party=calling"),
    ("Identity", "eyJhbGciOiJFUzI1NiJ9..sig;info=<https://cert.example/p.cer>"))
PRIVATE: Headers = (("Privacy", "id"),)
FROM_LINE = ("From", f"<sip:jana-desk@{DOMAIN}>;tag=a")
CALLERS: dict[str, tuple[Caller, Headers]] = {
    "plain": (Caller(ANI), (("From", f'"P" <sip:{ANI}@carrier.example>;tag=a'), *GIVEN)),
    "anonymous": (Caller(ANI, anonymous=True), (
        ("From", '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=a'), *PRIVATE, *GIVEN)),
    "no number": (Caller(), (("From", "<sip:eve@carrier.example>;tag=a"),)),
    "line": (Caller(LINE, cli=LINE), (FROM_LINE,)),
    "anonymous line": (Caller(LINE, anonymous=True, cli=LINE), (FROM_LINE, *PRIVATE)),
}

CALLS: dict[str, tuple[str, Headers]] = {
    "fresh": ("", ()),
    "diverted": ("1.1", (
        ("Diversion", f"<sip:{LAST_BEFORE}@carrier.example>;reason=user-busy"),
        ("History-Info", f"<sip:{LAST_BEFORE}@x>;index=1, <sip:{NUMBER}@x>;index=1.1;mp=1"))),
    "diverted twice": ("1.1.1", (
        ("Diversion", f"<sip:{LAST_BEFORE}@carrier.example>;reason=user-busy"),
        ("Diversion", f"<sip:{FIRST_BEFORE}@carrier.example>;reason=no-answer"),
        ("History-Info", f"<sip:{FIRST_BEFORE}@x>;index=1, <sip:{LAST_BEFORE}@x>;index=1.1;mp=1"),
        ("History-Info", f"<sip:{NUMBER}@x>;index=1.1.1;mp=1.1"))),
}
"""Index of the last History-Info entry, and the headers."""

JANA, PETR = Account(NUMBER, "acme/jana"), Account(SECOND, "acme/petr")
OFFICE = Account(EXTENSION, "acme/office")
HANDED: dict[str, tuple[tuple[Account, ...], tuple[Outcome | None, ...]]] = {
    "at once": ((JANA,), (None,)),
    "busy": ((JANA,), (Outcome.BUSY,)),
    "handed over": ((JANA, replace(PETR, by=0)), (Outcome.NO_ANSWER, Outcome.UNREACHABLE)),
    "by extension": ((JANA, replace(OFFICE, by=0)), (Outcome.DECLINED, None)),
    "of extension": ((OFFICE,), (None,)),
    "elsewhere": ((JANA, OFFICE, replace(PETR, by=0)), (Outcome.BUSY, Outcome.BUSY, None)),
    "outgoing": ((Account("49115234567", ""),), (None,)),
}
"""Through which numbers the call came to the target, and how their own targets had ended."""

TARGETS = {"gateway": "49115234567", "sip host": "sip:jana@example.net;transport=tls"}
URIS = {"gateway": "sip:49115234567@192.0.2.40:5060", "sip host": TARGETS["sip host"]}
WORDS = ("number", "personal", "caller", WISHED)
WORDS_OR_NONE = (*WORDS, "none")
ABSENT = "-"


def sent(received: Headers, dress: Dress) -> Headers:
    """The headers as they leave."""
    kept = [(name, value) for name, value in received if name not in dress.remove]
    if dress.from_uri:
        kept = [(name, f"<{dress.from_uri}>;tag=a" if name == "From" else value)
                for name, value in kept]
    for line in dress.on_top:
        name, _, value = line.partition(": ")
        names = [one for one, _ in kept]
        kept.insert(names.index(name) if name in names else len(kept), (name, value))
    added = [line.partition(": ") for line in dress.add]
    return (*kept, *((name, value) for name, _, value in added))


@cache
def leaves(profile: Profile, caller: str = "plain", choice: str = "personal number",
           target: str = "gateway", call: str = "fresh", *, handed: str = "at once") -> Headers:
    """The headers of an outside branch as they leave."""
    who, identity = CALLERS[caller]
    index, told = CALLS[call]
    accounts, why = HANDED[handed]
    cli = CHOICES[choice] or who.cli
    planned = Planned(targets.parse(TARGETS[target]), 20, cli, account=len(accounts) - 1)
    so_far = SoFar(accounts, replace(who, history=index), why, branch=3)
    dress = caller_id.outside(planned, URIS[target], so_far, profile, DOMAIN)
    return sent((*identity, *told), dress)


def only(headers: Headers, *names: str) -> str:
    found = [f"{name}: {value}" for name, value in headers if name in names]
    return " | ".join(found) or ABSENT


def shown(title: str, field: str, words: tuple[str, ...], *names: str) -> Iterator[str]:
    yield f"\n{title}: what the profile says, what the owner chose, who calls, where to"
    for word, choice, caller, target in product(words, CHOICES, CALLERS, TARGETS):
        headers = leaves(caller_id.profile(f"{field}={word}"), caller, choice, target)
        yield f"{word:<12}{choice:<16}{caller:<15}{target:<9} {only(headers, *names)}"


def told(title: str, profiles: dict[str, Profile], name: str) -> Iterator[str]:
    yield f"\n{title}: what the profile says, how the call came in, how it came to the target"
    for (word, profile), call, handed in product(profiles.items(), CALLS, HANDED):
        yield f"{word:<5}{call:<15}{handed:<13} " + only(
            leaves(profile, call=call, handed=handed), name)


def golden() -> str:
    lines = [
        "Each header as it leaves, in each combination of what it depends on.",
        f"Numbers: caller {ANI}, calling line {LINE}, personal {NUMBER}, then {SECOND},",
        f"chosen by the owner {FIXED}, by the profile {WISHED}.",
        *shown("From and Identity", "from", WORDS, "From", "Identity"),
        *shown("P-Asserted-Identity", "pai", WORDS_OR_NONE, "P-Asserted-Identity"),
        *shown("Remote-Party-ID", "rpid", WORDS_OR_NONE, "Remote-Party-ID"),
        *told("Diversion", {one: Profile(diversion=one) for one in Forwarders}, "Diversion"),
        *told("History-Info", {"yes": Profile(), "no": Profile(history=False)}, "History-Info"),
    ]
    return "\n".join(lines) + "\n"


def test_each_header_in_each_combination() -> None:
    assert golden().splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()


ONCE = {"From", "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Identity",
        "Privacy"}
ALL_PROFILES = [Profile(from_, pai, rpid, diversion, history) for from_, pai, rpid, diversion,
                history in product(WORDS, WORDS_OR_NONE, WORDS_OR_NONE, Forwarders, (True, False))]


@pytest.mark.parametrize(("caller", "choice", "target", "call"),
                         list(product(CALLERS, CHOICES, TARGETS, ["fresh", "diverted twice"])))
def test_the_laws_of_every_profile(caller: str, choice: str, target: str, call: str) -> None:
    who, identity = CALLERS[caller]
    before = dict(identity)
    for profile in ALL_PROFILES:
        headers = leaves(profile, caller, choice, target, call)
        names = [name for name, _ in headers]
        after = dict(headers)
        assert [name for name in names if name in ONCE] == list(
            dict.fromkeys(name for name in names if name in ONCE))
        assert not any(set("\r\n") & set(name + value) for name, value in headers)
        assert after.get("Privacy") == before.get("Privacy")
        stays = after["From"] == before["From"]
        assert after.get("Identity") == (before.get("Identity") if stays else None)
        if who.anonymous:
            assert ANI not in after["From"]
            assert LINE not in after["From"]
            assert "jana-desk" not in after["From"]
            assert target == "gateway" or ANI not in str(headers)
            assert target == "gateway" or LINE not in str(headers)
        for header, word in (("From", profile.from_), ("P-Asserted-Identity", profile.pai),
                             ("Remote-Party-ID", profile.rpid)):
            callers = word == "caller" or (word == "number" and choice == "caller")
            value = after.get(header, "")
            assert callers or not any(own in value for own in (ANI, LINE, "eve", "jana-desk"))
        # header by header they are what the golden table shows
        assert only(headers, "From") == only(
            leaves(Profile(from_=profile.from_), caller, choice, target), "From")
        assert only(headers, "P-Asserted-Identity") == only(
            leaves(Profile(pai=profile.pai), caller, choice, target), "P-Asserted-Identity")
        assert only(headers, "Remote-Party-ID") == only(
            leaves(Profile(rpid=profile.rpid), caller, choice, target), "Remote-Party-ID")
        assert only(headers, "Diversion") == only(
            leaves(Profile(diversion=profile.diversion), call=call), "Diversion")
        assert only(headers, "History-Info") == only(
            leaves(Profile(history=profile.history), target=target, call=call), "History-Info")


@pytest.mark.parametrize(("caller", "from_uri"), [
    ("plain", None),
    ("no number", None),
    ("line", f"sip:{LINE}@{DOMAIN}"),
    ("anonymous", caller_id.ANONYMOUS_URI),
    ("anonymous line", caller_id.ANONYMOUS_URI),
])
@pytest.mark.parametrize("target", ["line jana-desk", "menu main"])
def test_who_is_seen_inside(caller: str, from_uri: str | None, target: str) -> None:
    who, identity = CALLERS[caller]
    planned = Planned(targets.parse(target), 20, who.cli)
    dress = caller_id.inside(planned, SoFar((JANA,), who, (Outcome.BUSY,)), DOMAIN)
    headers = sent((*identity, *CALLS["diverted twice"][1]), dress)
    assert dress.from_uri == from_uri
    assert from_uri is None or only(headers, *caller_id.IDENTITY_HEADERS) == ABSENT
    assert from_uri is not None or headers[:len(identity)] == identity
    assert headers[-4:] == CALLS["diverted twice"][1]
    assert dress.private is who.anonymous


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("target", "trusted"), [
    ("line jana-desk", False), ("menu main", False), ("sip:jana@sip.example", False),
    ("42073723101", True)])
def test_what_else_may_tell_a_private_caller_reaches_nobody_but_the_gateway(
        caller: str, target: str, *, trusted: bool) -> None:
    who = CALLERS[caller][0]
    planned, so_far = Planned(targets.parse(target), 20), SoFar((JANA,), who, (None,))
    told: Headers = tuple((name, "Eve") for name in caller_id.TELLING_HEADERS)
    dress = (caller_id.outside(planned, "sip:x@y", so_far, Profile(), DOMAIN)
             if planned.target.kind.outside else caller_id.inside(planned, so_far, DOMAIN))
    assert dress.private is (who.anonymous and not trusted)
    left = tuple(one for one in sent(told, dress) if one in told)
    assert left == (() if dress.private else told)


@pytest.mark.parametrize(("of", "seen"), [("acme/petr", "201"), ("novak/petr", "201.acme")])
def test_a_line_that_has_an_extension_only_is_seen_by_it_inside_and_by_nothing_outside(
        of: str, seen: str) -> None:
    who = Caller("acme/201", cli="acme/201")
    so_far = SoFar((Account("42027777102", of),), who, (None,))
    desk, mobile = (Planned(targets.parse(text), 20, who.cli)
                    for text in ("line petr-desk", "42073723101"))
    uri = "sip:42073723101@192.0.2.30"
    dress = caller_id.outside(mobile, uri, so_far, Profile(), DOMAIN)
    assert caller_id.inside(desk, so_far, DOMAIN).from_uri == f"sip:{seen}@{DOMAIN}"
    assert dress.from_uri == caller_id.ANONYMOUS_URI
    assert not any("201" in header.replace(uri, "") for header in (*dress.add, *dress.on_top))


def test_voicemail_hears_by_which_numbers_and_why() -> None:
    accounts = (JANA, replace(OFFICE, by=0))
    so_far = SoFar(accounts, Caller(ANI), (Outcome.BUSY, None))
    dress = caller_id.inside(Planned(targets.VOICEMAIL, 20, account=1), so_far, DOMAIN)
    assert dress == Dress(on_top=(
        f"Diversion: <sip:201.acme@{DOMAIN}>;reason=unconditional;counter=1;privacy=off, "
        f"<sip:{NUMBER}@{DOMAIN}>;reason=user-busy;counter=1;privacy=off",))


@pytest.mark.parametrize(("tried", "why"), [
    ((), (None, None)),
    (((Outcome.BUSY, Outcome.NO_ANSWER),), (Outcome.NO_ANSWER, None)),
    (((), (Outcome.BUSY,)), (Outcome.BUSY, None)),
    (((Outcome.BUSY, Outcome.BUSY), (), (Outcome.UNREACHABLE,)),
     (Outcome.BUSY, Outcome.UNREACHABLE)),
])
def test_why_each_number_forwards(
        tried: tuple[tuple[Outcome, ...], ...], why: tuple[Outcome | None, ...]) -> None:
    own = Planned(targets.parse("line jana-desk"), 20)
    steps = (PlannedStep((own, own)), PlannedStep((own,)), PlannedStep((replace(own, account=1),)))
    assert caller_id.why_forwarded(2, steps, tried) == why


def test_every_outcome_has_a_reason_and_a_cause() -> None:
    assert set(caller_id.REASONS) == {None, *Outcome}
    assert {why: caller_id.cause(why) for why in caller_id.REASONS} == {
        None: 302, Outcome.BUSY: 486, Outcome.NO_ANSWER: 408, Outcome.UNREACHABLE: 404,
        Outcome.DECLINED: 480}


@pytest.mark.parametrize(("text", "profile"), [
    ("", Profile()),
    ("from=number pai=number rpid=none diversion=all history=yes", Profile()),
    (f" from=caller  pai={FIXED}\trpid=personal", Profile("caller", FIXED, "personal")),
    ("diversion=last history=no", Profile(diversion=Forwarders.LAST, history=False)),
    ("pai=none diversion=none", Profile(pai="none", diversion=Forwarders.NONE)),
])
def test_a_profile_as_operators_write_it(text: str, profile: Profile) -> None:
    assert caller_id.profile(text) == profile
    assert caller_id.profile(profile.text) == profile


@pytest.mark.parametrize("word", [
    "from", "from=", "from=none", "from=0042027777100", "pai=me", "rpid=\u0664\u0665", "privacy=id",
    "diversion=yes", "history=on", "From=number", "from_=number"])
def test_a_refused_profile_names_the_right_form(word: str) -> None:
    with pytest.raises(InvalidValue) as error:
        caller_id.profile(f"pai=none {word}")
    assert str(error.value).startswith(
        f"{word!r} is not known; write from=number pai=number rpid=none")


if __name__ == "__main__":
    GOLDEN.write_text(golden(), encoding="utf-8")
