# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever stands in a record: it is refused, or what leaves has the fixed headers (SPEC P6)."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kemi_routing import render, targets
from kemi_routing.caller_id import SoFar, profile, why_forwarded
from kemi_routing.decide import decide
from kemi_routing.errors import BrokenRecord, InvalidValue
from kemi_routing.model import Line, Mode, Number, Outcome, Ring
from kemi_routing.network import Network, Server
from kemi_routing.packed import VERSION, unpack
from kemi_routing.permissions import NumberClass
from kemi_routing.plan import Plan
from kemi_routing.record import decode_number, encode_number
from kemi_routing.schedule import Override
from kemi_routing.screening import Action, CallerRule, Pattern, Screen
from kemi_routing.settings import Settings, from_environment
from tests.support.builders import DESK, MOBILE, NOW, OFFICE, call, number, sequence, step
from tests.support.strategies import hostile_texts, many

SETTINGS: Settings = from_environment({"FOLLOWME_SIP_HOSTS": "sip.example.net"}).with_network(
    Network(gateways=(Server("127.0.0.40:5060"),), media_servers=(Server("127.0.0.30:5060"),),
            cli=profile("from=number pai=personal rpid=number diversion=all history=yes")))
HUNT = sequence("day", (
    Ring(targets.parse(OFFICE), 20, "office"), Ring(targets.parse("line jana-desk"), 20),
    Ring(targets.parse("sip:jana@sip.example.net;transport=tcp"), 10, "sip", delay_s=3),
    Ring(targets.parse("IAX2/jana:hush@pbx.example.net/1"), 10),
    Ring(targets.parse(f"+{MOBILE}"), 15, "mobile", confirm=True)),
    step("announcement closed"), on=((Outcome.BUSY, "queue"),))
FULL = number(
    mode=Mode.FORWARD_THEN_VOICEMAIL, default="day", lines=(DESK, Line("jana-soft", 2)),
    sequences=(HUNT, sequence("queue", step("queue sales")), sequence("menu", step("menu main")),
               sequence("conference", step("conference room"))),
    classes=(NumberClass("420", "national", allowed=True),), on=((Outcome.DECLINED, "menu"),),
    overrides=(Override("day", 1_600_000_000, name="always"),),
    screens=(Screen(Pattern("42070*"), Action.ANNOUNCEMENT, "closed"),),
    callers=(CallerRule(Pattern("anonymous"), "conference"),), cli="42027777103")
FIELDS: list[Any] = unpack(encode_number(FULL))


def places(value: Any, *path: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The texts of a record, and where they stand."""
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from places(part, *path, index)


PLACES = [pytest.param(path, id=f"{'.'.join(map(str, path))} {text}")
          for text, path in places(FIELDS)]
KINDS = {(path[0], len(path), path[-1]): (text, path) for text, path in places(FIELDS)}
"""One place of each kind of field."""
values = st.one_of(
    hostile_texts(OFFICE, MOBILE, "line ", "sip:", "SIP/", "IAX2/", "@", "@8.8.8.8", ":5060",
                  ";transport=tcp", "queue ", "number ", "voicemail", "acme/201", "*", "day")
    .filter(lambda text: "\ud800" not in text),
    st.binary(max_size=9), st.integers(-9, 10**12), st.none(), st.lists(st.just("day"), max_size=2))

TOGETHER = 25

URI = re.compile(r"sip:[A-Za-z0-9_.+~*=-]+@[A-Za-z0-9.\[\]:-]+(;[a-z]+=[A-Za-z0-9_.:%+~*\[\]-]+)*")
LINE = re.compile(
    r"(P-Asserted-Identity|Remote-Party-ID|Privacy|Diversion|History-Info|X-Followme-[A-Z][a-z]+)"
    r": [ -~]+", re.ASCII)


def changed(path: Sequence[int], value: object) -> bytes:
    """The record with this value there."""
    fields = msgpack.unpackb(msgpack.packb(FIELDS))
    part = fields
    for index in path[:-1]:
        part = part[index]
    part[path[-1]] = value
    return bytes([VERSION]) + msgpack.packb(fields)


def wrong(number: Number) -> list[str]:
    """What would leave and must not."""
    plans = [decide(each, number, NOW, SETTINGS.platform)
             for each in (call(), call(anonymous=True), call(ani="42070111111"))]
    return [each for plan in plans for each in _wrong_in(plan)]


def _wrong_in(plan: Plan) -> Iterator[str]:
    so_far = SoFar(plan.accounts, plan.caller, why_forwarded(len(plan.accounts), plan.steps, ()), 1)
    for planned in (one for each in plan.steps for one in each.targets):
        try:
            uri = render.target_uri(planned, plan.number, SETTINGS, cause=486)
        except InvalidValue:
            continue  # the edge leaves it out
        dress = render.dress(planned, so_far, plan.access, SETTINGS)
        yield from (f"R-URI {each!r}" for each in (uri, dress.from_uri or uri)
                    if not URI.fullmatch(each))
        yield from (repr(line) for line in (*dress.on_top, *dress.add) if not LINE.fullmatch(line))


def check(path: Sequence[int], value: object) -> None:
    try:
        number = decode_number(changed(path, value))
    except BrokenRecord:
        return
    assert wrong(number) == []


def test_the_record_itself_is_right() -> None:
    assert len(PLACES) > 30
    assert wrong(decode_number(encode_number(FULL))) == []
    assert wrong(decode_number(changed((17,), "caller"))) == []


@pytest.mark.parametrize("path", PLACES)
@given(value=values)
@settings(max_examples=50)
def test_no_text_of_a_record_changes_what_leaves(path: Sequence[int], value: object) -> None:
    check(path, value)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("text", "path"), KINDS.values())
@given(together=many(values, TOGETHER))
@settings(max_examples=50_000 // TOGETHER)
def test_no_text_of_fifty_thousand_changes_what_leaves(
        text: str, path: Sequence[int], together: list[object]) -> None:
    for value in together:
        check(path, value)
