# SPDX-License-Identifier: GPL-2.0-or-later
"""What hypothesis draws: everything that the writer accepts, and what must never get through."""

import ipaddress
from datetime import UTC, date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from hypothesis import reject
from hypothesis import strategies as st

from kemi_routing import hunt, limits, steps, targets
from kemi_routing.dialplan import DialPlan
from kemi_routing.errors import InvalidValue
from kemi_routing.model import (
    Call,
    Continuations,
    Line,
    MailboxPolicy,
    Mode,
    Number,
    Outcome,
    Ring,
    Sequence,
    Verdict,
)
from kemi_routing.permissions import NumberClass, Rights
from kemi_routing.plan import Planned, PlannedStep
from kemi_routing.schedule import DAY_MINUTES, Holiday, Override, Window
from kemi_routing.screening import Action, CallerRule, Pattern, Screen
from kemi_routing.steps import PlannedBlock
from kemi_routing.targets import PARKING, VOICEMAIL, Kind, Target

T = TypeVar("T")

HOSTILE = st.sampled_from([
    "\r\n", "\n", "\0", "\t", "\x7f", "\u2028", '"', "'", "<", ">", ";", "?", ",", "\\", "$", "$ru",
    "%", "%0d%0a", "{", "}", "\u0663", "\uff11", "\u00b2", "\u00e9", "\ud800",
])
"""Line ends, quotes, separators, pseudo-variables, escapes, digits and letters outside ASCII."""



def hostile_texts(*words: str) -> st.SearchStrategy[str]:
    """Texts of pieces that break grammars, of these words, and of anything."""
    piece = st.one_of(HOSTILE, st.sampled_from(words), st.text(max_size=5))
    return st.lists(piece, max_size=6).map("".join)


def many(values: st.SearchStrategy[T], count: int) -> st.SearchStrategy[list[T]]:
    """So many values as one example: most of what an example costs is hypothesis's own."""
    return st.lists(values, min_size=count, max_size=count)


# A few stand out, so that a caller is an alias, or a line is the owner's, often enough.
numbers = st.sampled_from(["49115234567", "42073723123"]) | st.from_regex(
    r"[1-9][0-9]{6,14}", fullmatch=True)
names = st.sampled_from(["jana-desk", "petr-desk"]) | st.from_regex(
    r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True)
labels = st.from_regex(r"[ -~\u00c0-\u024f]{0,64}", fullmatch=True)
instants = st.integers(0, 4_102_444_800).map(lambda second: datetime.fromtimestamp(second, UTC))
zones = st.sampled_from([ZoneInfo(name) for name in (
    "Europe/Prague", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC")])

_hosts = st.sampled_from(["sip.example.net", "192.0.2.1", "8.8.8.8", "[2001:db8::1]", "A-1.x"])
_port = st.one_of(st.just(""), st.integers(1, 65535).map(":{}".format))
_user = st.from_regex(r"[A-Za-z0-9_.+~*-]{1,64}", fullmatch=True)
_transport = st.sampled_from(["", ";transport=udp", ";transport=tcp", ";transport=tls"])
_password = st.from_regex(r"(:[A-Za-z0-9_.!~*-]{1,64})?", fullmatch=True)

outside_targets = st.one_of(
    numbers.map(lambda digits: Target(Kind.PSTN, digits)),
    st.builds("sip:{}@{}{}{}".format, _user, _hosts, _port, _transport).map(targets.parse),
    st.builds("IAX2/{}{}@{}{}/{}".format, names, _password, _hosts, _port, numbers)
    .map(targets.parse))
keys = numbers | st.builds("{}/{}".format, names, st.from_regex(r"[0-9]{2,6}", fullmatch=True))
written_targets = st.one_of(
    outside_targets,
    st.builds(Target, st.sampled_from([
        Kind.LINE, Kind.ANNOUNCEMENT, Kind.MENU, Kind.QUEUE, Kind.CONFERENCE]), names),
    keys.map(lambda key: Target(Kind.NUMBER, key)), st.sampled_from([VOICEMAIL, PARKING]))

planned_targets = st.builds(
    Planned, written_targets, st.integers(1, 600), cli=st.none() | numbers, why=labels,
    label=labels, delay_s=st.integers(0, 60), confirm=st.booleans(), account=st.integers(0, 3),
    own=st.booleans(), redirected=st.booleans())


@st.composite
def planned_blocks(draw: st.DrawFn) -> list[PlannedBlock]:
    """Blocks, each of which leads to later ones only, or to the final answer."""
    names = [(account, name, False) for account in (0, 1) for name in ("day", "night")]
    blocks: list[PlannedBlock] = []
    for index, key in enumerate(names):
        later = st.sampled_from(names[index + 1:]) if names[index + 1:] else st.nothing()
        blocks.append(PlannedBlock(
            key, draw(st.lists(st.lists(planned_targets, min_size=1, max_size=3).map(tuple),
                               max_size=2).map(tuple)),
            draw(st.dictionaries(st.sampled_from(Outcome), later, max_size=3)),
            draw(st.none() | later), draw(st.none() | later)))
    return blocks


planned_steps = planned_blocks().map(steps.link)


def hunted(planned: tuple[PlannedStep, ...], data: st.DataObject) -> tuple[list[int], hunt.Tried]:
    """A whole hunt with outcomes that are drawn: the steps that ran, and how they all ended."""
    rung: list[int] = []
    tried: hunt.Tried = ()
    while not isinstance(coming := hunt.next_step(planned, tried), hunt.End):
        rung.append(coming)
        ended = data.draw(st.tuples(*(st.sampled_from(Outcome) for _ in planned[coming].targets)))
        tried = (*tried, *((),) * (coming - len(tried)), ended)
    return rung, tried


_hours = st.tuples(st.integers(0, DAY_MINUTES - 1), st.integers(0, DAY_MINUTES)).map(
    lambda hours: (hours[0], hours[1] or DAY_MINUTES)).filter(lambda hours: hours[0] != hours[1])
_sequence_names = st.sampled_from(["day", "night"])
_days = st.dates(date(2025, 1, 1), date(2030, 12, 31))
_dates = st.sampled_from([(None, None)]) | st.tuples(st.none() | _days, st.none() | _days)
_seconds = st.integers(1_600_000_000, 1_900_000_000)

windows = st.builds(
    lambda days, hours, name, dates: Window(frozenset(days), hours[0], hours[1], name, *dates),
    st.sets(st.integers(1, 7), min_size=1), _hours, _sequence_names, _dates)
holidays = st.builds(
    lambda day, name, title, hours: Holiday(day, name, title, *sorted(hours)),
    _days, _sequence_names, labels, _hours)
overrides = st.builds(Override, _sequence_names, _seconds, st.just(0) | _seconds,
                      st.none() | _seconds, labels)
patterns = st.sampled_from(["*", "anonymous", "unverified"]) | numbers | st.from_regex(
    r"[1-9][0-9]{0,13}\*", fullmatch=True)
screens = st.builds(
    lambda text, action: Screen(Pattern(text), *action), patterns, st.sampled_from([
        (Action.ALLOW, ""), (Action.REJECT, ""), (Action.VOICEMAIL, ""),
        (Action.ANNOUNCEMENT, "closed"), (Action.SEQUENCE, "night")]))
caller_rules = st.builds(lambda text, name: CallerRule(Pattern(text), name),
                         patterns, _sequence_names)
rights = st.builds(
    Rights, st.booleans(), st.booleans(), st.lists(st.builds(
        NumberClass, st.from_regex(r"[0-9]{0,6}", fullmatch=True), names, st.booleans()),
        max_size=3).map(tuple), st.integers(0, 9), st.integers(0, 99), st.booleans(), st.booleans())
_ends = st.sampled_from([(), ((Ring(VOICEMAIL),),), ((Ring(Target(Kind.MENU, "main")),),)])

_chained_steps = st.lists(st.lists(st.builds(
    Ring, st.sampled_from([Target(Kind.PSTN, "49115234567"), Target(Kind.LINE, "jana-desk")]),
    st.integers(1, 600), delay_s=st.integers(0, 60), confirm=st.booleans()),
    min_size=1, max_size=2).map(tuple), max_size=2)


@st.composite
def chained_sequences(draw: st.DrawFn, *, circles: bool) -> tuple[Sequence, ...]:
    """Four sequences that continue with each other: with any of them, or with later ones only."""
    names = ("one", "two", "three", "four")
    return tuple(
        Sequence(name, (*draw(_chained_steps), *draw(_ends)),
                 on=draw(continuations(names if circles else names[index:])))
        for index, name in enumerate(names, 1))


def continuations(names: tuple[str, ...]) -> st.SearchStrategy[Continuations]:
    """Up to two outcomes that lead to sequences of these names."""
    following = st.sampled_from(names) if names else st.nothing()
    return st.dictionaries(st.sampled_from(Outcome), following, max_size=2).map(
        lambda rows: tuple(rows.items()))


@st.composite
def accepted_numbers(draw: st.DrawFn) -> Number:
    """A number that the writer accepts."""
    lines = tuple(draw(st.lists(
        st.builds(Line, names, st.integers(1, 4)), max_size=3, unique_by=lambda line: line.name)))
    inside = [Target(Kind.LINE, line.name) for line in lines]
    others = st.sampled_from([Target(Kind.NUMBER, "42027777102"), Target(Kind.NUMBER, "acme/201")])
    target = st.one_of(outside_targets, others, *([st.sampled_from(inside)] if inside else []))
    ring = st.builds(Ring, target, st.integers(1, limits.MAX_RING_S), labels,
                     st.integers(0, limits.MAX_DELAY_S), st.booleans())
    steps = st.lists(st.lists(ring, min_size=1, max_size=3).map(tuple), max_size=3)
    modes = st.sampled_from(Mode)
    on = st.dictionaries(st.sampled_from(Outcome), _sequence_names, max_size=2).map(
        lambda rows: tuple(rows.items()))
    sequences = tuple(
        Sequence(name, (*draw(steps), *draw(_ends)), draw(st.none() | modes),
                 draw(on) if name == "day" else ())
        for name in ("day", "night"))
    number = Number(
        number=draw(numbers | st.just("acme/202")), owner=draw(names), zone=draw(zones),
        revision=draw(st.integers(1, 10**9)), aliases=tuple(draw(st.lists(numbers, max_size=3))),
        lines=lines, mode=draw(modes), ring_s=draw(st.integers(1, limits.MAX_RING_S)),
        windows=tuple(draw(st.lists(windows, max_size=3))), sequences=sequences,
        default=draw(st.sampled_from([None, "day", "night"])), rights=draw(rights),
        holidays=tuple(sorted(draw(st.lists(holidays, max_size=3, unique_by=lambda one: one.day)),
                              key=lambda one: one.day)),
        overrides=tuple(draw(st.lists(overrides, max_size=2))), on=draw(on),
        screens=tuple(draw(st.lists(screens, max_size=3))),
        callers=tuple(draw(st.lists(caller_rules, max_size=2))),
        cli=draw(st.sampled_from(["personal number", "caller"]) | numbers),
        mailbox=draw(st.sampled_from(MailboxPolicy)),
        dial_plan=draw(st.sampled_from([DialPlan(), DialPlan("420", emergency=("112",))])))
    try:
        limits.check(number)
    except InvalidValue:
        reject()
    return number


calls = st.builds(
    Call, ani=st.none() | numbers, asserted=st.booleans(), anonymous=st.booleans(),
    verdict=st.sampled_from(Verdict), diverted=st.booleans(), line=st.none() | names,
    cli=st.none() | numbers)


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """An IPv6 address in its one spelling, and in any (RFC 4291 section 2.2)."""
    groups = draw(many(st.sampled_from([0, 0, 1, 0xDB8]) | st.integers(0, 0xFFFF), 8))
    address = ipaddress.IPv6Address(sum(group << 16 * place for place, group in enumerate(groups)))
    groups.reverse()
    texts = [f"{group:0{draw(st.integers(1, 4))}x}" for group in groups]
    begin = draw(st.integers(0, 7))
    end = draw(st.integers(begin, 8))
    if end > begin and not any(groups[begin:end]):
        before, after = ":".join(texts[:begin]), ":".join(texts[end:])
        return str(address), _cased(draw, f"{before}::{after}")
    return str(address), _cased(draw, ":".join(texts))


def _cased(draw: st.DrawFn, text: str) -> str:
    return text.upper() if draw(st.booleans()) else text
