# SPDX-License-Identifier: GPL-2.0-or-later
"""One number per mode; no phone answers."""

import pytest

from tests.support.phones import Behaviour, busy, decline, ring
from tests.support.planned import assert_as_explained
from tests.support.situation import Situation

CALLER, MOBILE = "42075553333", "42073723101"

MODES = [
    ("42027777101", 408, ["jana-desk", "jana-den"]),
    ("42027777103", 408, [MOBILE]),
    ("42027777104", 302, []),
    ("42027777105", 302, []),
    ("42027777106", 408, [MOBILE]),
]
CAUSES: list[tuple[Behaviour, int]] = [
    (busy(), 486), (busy(404), 404), (busy(503), 404), (decline(), 480), (ring(), 408),
    (busy(480), 408), (busy(408), 408),
]  # fmt: skip


@pytest.mark.parametrize(("number", "cause", "rung"), MODES)
def test_modes_that_end_in_voicemail(
    situation: Situation, number: str, cause: int, rung: list[str]
) -> None:
    phones = [situation.line_phone(name, ring()) for name in ("jana-desk", "jana-den")]
    phones.append(situation.outside_phone(MOBILE, ring()))
    media = situation.media_server()

    heard = situation.call(number, CALLER)

    assert heard.code == 200
    assert [phone.name for phone in phones if phone.invites] == rung
    assert [invite.uri for invite in media.invites] == [situation.voicemail_uri(number, cause)]
    assert_as_explained(situation.explain(number, CALLER), situation, heard)


def test_forward_only_ends_without_voicemail(situation: Situation) -> None:
    desk = situation.line_phone("jana-desk", ring())
    mobile = situation.outside_phone(MOBILE, ring())
    media = situation.media_server()

    heard = situation.call("42027777102", CALLER)

    assert heard.code == 480
    assert mobile.rang_s == pytest.approx(1, abs=0.2)
    assert desk.invites + media.invites == []
    assert_as_explained(situation.explain("42027777102", CALLER), situation, heard)


@pytest.mark.parametrize(("behaviour", "cause"), CAUSES, ids=str)
def test_voicemail_hears_why(situation: Situation, behaviour: Behaviour, cause: int) -> None:
    situation.line_phone("jana-desk", behaviour)
    situation.line_phone("jana-den", behaviour)
    media = situation.media_server()

    assert situation.call("42027777101", CALLER).code == 200

    assert [invite.uri for invite in media.invites] == [
        situation.voicemail_uri("42027777101", cause)
    ]
    assert media.invites[0].caller_number == CALLER
