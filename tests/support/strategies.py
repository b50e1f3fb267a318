# SPDX-License-Identifier: GPL-2.0-or-later
"""What hypothesis draws: everything that the writer accepts, and what must never get through."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import reject
from hypothesis import strategies as st

from kemi_routing import sequence, targets
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Call, Line, Mode, Number, Ring, Sequence
from kemi_routing.plan import Planned
from kemi_routing.schedule import DAY_MINUTES, Window
from kemi_routing.targets import VOICEMAIL, Kind, Target

HOSTILE = st.sampled_from([
    "\r\n", "\n", "\0", "\t", "\x7f", "\u2028", '"', "'", "<", ">", ";", "?", ",", "\\", "$", "$ru",
    "%", "%0d%0a", "{", "}", "\u0663", "\uff11", "\u00b2", "\u00e9", "\ud800",
])
"""Line ends, quotes, separators, pseudo-variables, escapes, digits and letters outside ASCII."""

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
written_targets = st.one_of(
    outside_targets, names.map(lambda name: Target(Kind.LINE, name)), st.just(VOICEMAIL))

planned_steps = st.lists(st.lists(st.builds(
    Planned, written_targets, st.integers(1, 600), st.none() | numbers, labels, labels),
    min_size=1, max_size=4).map(tuple), max_size=5).map(tuple)

windows = st.builds(
    lambda days, hours, name: Window(frozenset(days), hours[0], hours[1] or DAY_MINUTES, name),
    st.sets(st.integers(1, 7), min_size=1),
    st.tuples(st.integers(0, DAY_MINUTES - 1), st.integers(0, DAY_MINUTES))
    .filter(lambda hours: hours[0] != (hours[1] or DAY_MINUTES)),
    st.sampled_from(["day", "night"]))


@st.composite
def accepted_numbers(draw: st.DrawFn) -> Number:
    """A number that the writer accepts."""
    lines = tuple(draw(st.lists(
        st.builds(Line, names, st.integers(1, 4)), max_size=3, unique_by=lambda line: line.name)))
    inside = [Target(Kind.LINE, line.name) for line in lines]
    target = st.one_of(outside_targets, st.sampled_from(inside)) if inside else outside_targets
    ring = st.builds(Ring, target, st.integers(1, sequence.MAX_RING_S), labels)
    steps = st.lists(st.lists(ring, min_size=1, max_size=3).map(tuple), max_size=3)
    last = st.sampled_from([(), ((Ring(VOICEMAIL),),)])
    modes = st.sampled_from(Mode)
    sequences = tuple(
        Sequence(name, (*draw(steps), *draw(last)), draw(st.none() | modes))
        for name in ("day", "night"))
    number = Number(
        draw(numbers), draw(names), draw(zones), draw(st.integers(1, 10**9)),
        tuple(draw(st.lists(numbers, max_size=3))), lines, draw(modes),
        draw(st.integers(1, sequence.MAX_RING_S)), tuple(draw(st.lists(windows, max_size=3))),
        sequences, draw(st.sampled_from([None, "day", "night"])), draw(st.booleans()),
        draw(st.booleans()))
    try:
        sequence.check(number)
    except InvalidValue:
        reject()
    return number


calls = st.builds(
    Call, st.none() | numbers, st.booleans(), st.booleans(), st.booleans(), st.none() | names,
    st.none() | numbers)
