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
