# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing import errors


@pytest.mark.parametrize(("error", "answer"), [
    (errors.FollowMeError, (500, "Server Internal Error")),
    (errors.Forbidden, (403, "Forbidden")),
    (errors.InvalidValue, (480, "Temporarily Unavailable")),
    (errors.BrokenRecord, (480, "Temporarily Unavailable")),
    (errors.StoreUnavailable, (503, "Service Unavailable")),
])
def test_each_error_has_its_final_answer(
        error: type[errors.FollowMeError], answer: tuple[int, str]) -> None:
    with pytest.raises(errors.FollowMeError) as raised:
        raise error("why")
    assert (raised.value.status, raised.value.phrase) == answer


def test_a_silent_store_is_not_a_bad_value() -> None:
    assert not issubclass(errors.StoreUnavailable, ValueError)


@pytest.mark.parametrize(("word", "known", "said"), [
    ("rings", ["to", "ring"], "did you mean ring? known are: ring, to"),
    ("colour", ["to", "ring"], "known are: ring, to"),
    ("ring", [], "there are none"),
    ("ring_4", [f"ring_{index:02}" for index in range(30)], "did you mean ring_24?"),
])
def test_an_unknown_word_is_answered_by_the_known_ones(
        word: str, known: list[str], said: str) -> None:
    assert errors.suggest(word, known) == said


def test_where_nothing_is_known_something_else_may_be_said() -> None:
    assert errors.suggest("ring", [], "write  ring: 20") == "write  ring: 20"
