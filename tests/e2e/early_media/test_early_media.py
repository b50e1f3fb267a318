# SPDX-License-Identifier: GPL-2.0-or-later
"""183 with SDP from a step of two, from a step that is not the last, and from the last target."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.caller import Dialling, Outcome
from tests.support.phones import Behaviour, answer, busy, early_media
from tests.support.situation import Situation
from tests.support.trace import Message

NUMBER, ALONE, CALLER = "42027777101", "42027777102", "42075553333"
OFFICE, MOBILE = "49115234567", "42073723101"


def ringing(heard: Outcome) -> list[Message]:
    """What came before the final answer, of every phone; none sends it twice."""
    return [m for m in heard.messages if not m.sent and 100 < (m.code or 0) < 200]


def plays(heard: Outcome) -> list[tuple[int, str, bool]]:
    """Code, reason and whether there was a body."""
    return [(m.code or 0, m.reason_phrase, bool(m.body.strip())) for m in ringing(heard)]


BARE, HEARD = (180, "Ringing", False), (183, "Session Progress", True)


def played_once(behaviour: Behaviour) -> Behaviour:
    return early_media(replace(behaviour, ring_ms=200))


def test_only_what_the_media_server_plays_is_heard(situation: Situation) -> None:
    situation.line_phone("jana-desk", played_once(busy()))
    situation.outside_phone(OFFICE, played_once(busy()))  # in its second pass
    situation.outside_phone(MOBILE, played_once(busy()))  # alone, but not the last
    situation.media_server(played_once(answer()))

    heard = situation.call(NUMBER, CALLER)

    assert heard.code == 200
    assert plays(heard) == [BARE, BARE, BARE, HEARD]
    for message in ringing(heard)[:3]:
        assert message.header("Content-Type") is None
        assert message["Content-Length"] == "0"


def test_the_only_target_is_heard(situation: Situation) -> None:
    situation.outside_phone(OFFICE, played_once(answer()))
    heard = situation.call(ALONE, CALLER)
    assert (heard.code, plays(heard)) == (200, [HEARD])


@pytest.mark.parametrize(("headers", "told"), [
    (("Supported: timer, 100rel",), ["timer"]),
    (("Supported: 100rel", "Require: 100rel"), ["100rel"]),
])
def test_a_phone_that_is_not_heard_is_not_asked_for_reliable_answers(
    situation: Situation, headers: tuple[str, ...], told: list[str]
) -> None:
    desk = situation.line_phone("jana-desk", busy())
    office = situation.outside_phone(OFFICE, busy())
    mobile = situation.outside_phone(MOBILE, busy())
    media = situation.media_server()

    dialling = Dialling(NUMBER, CALLER, asserted=CALLER, headers=headers)
    heard = situation.dial(dialling).outcome()

    assert heard.code == 200
    assert [phone.invites[0].header("Supported") for phone in (desk, office, mobile)] == told * 3
    assert media.invites[0].header("Supported") == headers[0].removeprefix("Supported: ")


def test_what_the_caller_must_acknowledge_is_left_alone(situation: Situation) -> None:
    reliable = replace(played_once(busy()), ring_headers=("Require: 100rel", "RSeq: 1"))
    situation.line_phone("jana-desk", reliable)
    situation.outside_phone(OFFICE, busy())
    situation.outside_phone(MOBILE, busy())
    situation.media_server()

    heard = situation.call(NUMBER, CALLER)

    assert plays(heard)[0] == HEARD
    assert ringing(heard)[0]["RSeq"] == "1"


@pytest.fixture
def that_wants_it(situation: Situation) -> Iterator[Situation]:
    """A trunk that wants the early media of targets that ring alone."""
    with situation.with_network(trunks=situation.trunk(early_media="yes")):
        yield situation


def test_a_trunk_may_want_that_of_every_target_that_rings_alone(that_wants_it: Situation) -> None:
    that_wants_it.line_phone("jana-desk", played_once(busy()))
    that_wants_it.outside_phone(OFFICE, busy())
    that_wants_it.outside_phone(MOBILE, played_once(busy()))
    that_wants_it.media_server()

    heard = that_wants_it.call(NUMBER, CALLER)

    assert plays(heard)[:2] == [BARE, HEARD]
