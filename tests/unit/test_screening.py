# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import screening
from kemi_routing.errors import InvalidValue
from kemi_routing.screening import Action, CallerRule, Pattern, Reasons, Screen
from tests.support.strategies import HOSTILE, numbers

CALLER = "42075553333"
WORDS = ["anonymous", "unverified", "*"]


def lists(*entries: str) -> tuple[Screen, ...]:
    """``lists("allow 42075553333", "voicemail 42075*")``."""
    words = (entry.split() for entry in entries)
    return tuple(Screen(screening.pattern(text), Action(action), *name)
                 for action, text, *name in words)


def rules(*entries: str) -> tuple[CallerRule, ...]:
    """``rules("42075* vip")``."""
    return tuple(CallerRule(screening.pattern(text), sequence)
                 for text, sequence in map(str.split, entries))


@pytest.mark.parametrize(("text", "stored"), [
    ("42075553333", "42075553333"),
    ("+420 755 533 33", "42075553333"),
    ("42075*", "42075*"),
    ("+420 75 *", "42075*"),
    ("4*", "4*"),
    (" * ", "*"),
    ("anonymous", "anonymous"),
    ("Unverified ", "unverified"),
])
def test_patterns_are_stored_in_one_form(text: str, stored: str) -> None:
    assert screening.pattern(text) == Pattern(stored)


@pytest.mark.parametrize(("text", "right_form"), [
    ("0042075553333", "starts with the dialling prefix 00; write 42075553333; or 42075* for all"),
    ("420755", "write 7 to 15 digits, not 6: 49115234567; or 42075* for all that start so, * for "
               "all callers, anonymous, unverified"),
    ("private", "or 42075* for all that start so"),
    ("", "anonymous, unverified"),
    ("00420*", "'00420*' is not a prefix of callers; write 1 to 14 digits, the country code first, "
               "and *: 420*"),
    ("420*5*", "and *: 42075*"),
    ("*5", "or 42075* for all that start so"),  # never a suffix
    ("**", "and *: 42075*"),
    ("+*", "and *: 42075*"),
    ("123456789012345*", "write 1 to 14 digits"),
    ("\u0664*", "write 1 to 14 digits"),
])
def test_a_refused_pattern_comes_with_the_right_form(text: str, right_form: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        screening.pattern(text)
    assert right_form in str(refused.value)


@pytest.mark.parametrize(("text", "ani", "anonymous", "verified", "held"), [
    (CALLER, CALLER, False, True, True),
    (CALLER, CALLER, True, False, True),  # withheld from the callee, not from the lists
    (CALLER, "142075553333", False, True, False),  # the whole number, never a suffix
    ("5553333", CALLER, False, True, False),
    (CALLER, "420755533331", False, True, False),
    (CALLER, None, True, False, False),
    ("42075*", CALLER, False, True, True),
    ("42075*", "42076553333", False, True, False),
    ("42075*", "142075553333", False, True, False),
    ("42075*", None, False, True, False),
    ("*", None, True, False, True),
    ("anonymous", None, True, False, True),
    ("anonymous", CALLER, False, False, False),
    ("unverified", CALLER, False, False, True),
    ("unverified", CALLER, False, True, False),
])
def test_who_a_pattern_means(
        text: str, ani: str | None, anonymous: bool, verified: bool, held: bool) -> None:
    assert screening.holds(screening.pattern(text), ani, anonymous, verified) is held


@pytest.mark.parametrize(("entries", "applies"), [
    ((), None),
    (("reject 42076*",), None),
    (("allow *",), None),
    (("reject *",), 0),
    (("reject 42075*", "voicemail 42075553333"), 1),  # a whole number is the longest
    (("reject 420*", "voicemail 42075*", "reject 4*"), 1),
    (("allow 42075*", "reject 42075553333"), 1),
    (("reject 42075*", "allow 42075553333"), None),
    (("reject 42075553333", "allow 42075553333"), None),  # allow beats block
    (("reject 42075*", "allow 42075*"), None),
    (("allow *", "reject *"), None),
    (("announcement * closed", "reject *"), 0),  # of equals the first
    (("reject 4*", "allow *"), 0),
])
def test_the_longest_entry_for_a_caller_wins(entries: tuple[str, ...], applies: int | None) -> None:
    screens = lists(*entries)
    expected = None if applies is None else screens[applies]
    assert screening.screen(screens, CALLER, anonymous=False, verified=True)[0] == expected


@pytest.mark.parametrize(("entries", "applies"), [
    (("reject anonymous", "voicemail unverified"), 0),  # of equals the first
    (("reject *", "voicemail unverified"), 1),
    (("reject unverified", "voicemail 4*"), 1),  # any number is longer
    (("reject unverified", "allow anonymous"), None),  # equals: allow beats block
    (("reject unverified", "allow unverified"), None),
    (("reject *", "allow unverified"), None),
    (("reject anonymous", "allow 42075553333"), None),
    (("reject unverified", "allow 42075553333"), 0),  # that number can be forged
    (("reject unverified", "allow 4*"), 0),
    (("reject unverified", "allow *"), 0),
    (("reject unverified", "allow 42075553333", "voicemail 420*"), 2),
])
def test_anonymous_and_unverified_callers(entries: tuple[str, ...], applies: int | None) -> None:
    screens = lists(*entries)
    expected = None if applies is None else screens[applies]
    assert screening.screen(screens, CALLER, anonymous=True, verified=False)[0] == expected


@pytest.mark.parametrize(("entries", "verified", "reasons"), [
    (("reject 42075*", "reject 42076*"), True, ()),
    (("reject 42076*",), True, ()),
    (("reject 420*", "allow 42075*"), True, (("block 420*", "allow 42075* is more exact"),)),
    (("voicemail 42075*", "allow 42075*"), True, (("block 42075*", "allow 42075* lets him in"),)),
    (("reject *", "voicemail *"), True, (("block *", "block * comes first"),)),
    (("reject unverified", "allow 42075553333", "reject *"), False, (
        ("allow 42075553333", "an allowed number does not help an unverified caller"),
        ("block *", "block unverified is more exact"))),
])
def test_entries_that_lose_say_why(
        entries: tuple[str, ...], verified: bool, reasons: Reasons) -> None:
    assert screening.screen(
        lists(*entries), CALLER, anonymous=False, verified=verified)[1] == reasons


@pytest.mark.parametrize(("entries", "sequence", "reasons"), [
    ((), None, ()),
    (("42076* vip",), None, ()),
    (("42075* friends", "42075553333 vip"), "vip",
     (("callers 42075*", "callers 42075553333 is more exact"),)),
    (("42075* friends", "420* vip"), "friends",
     (("callers 420*", "callers 42075* is more exact"),)),
    (("42075* friends", "42075* vip"), "friends",
     (("callers 42075*", "callers 42075* comes first"),)),
    (("unverified strangers", "42075553333 vip"), "vip",  # needs no verification
     (("callers unverified", "callers 42075553333 is more exact"),)),
    (("anonymous strangers",), None, ()),
])
def test_the_longest_rule_by_caller_wins(
        entries: tuple[str, ...], sequence: str | None, reasons: Reasons) -> None:
    rule, lost = screening.caller_rule(rules(*entries), CALLER, anonymous=False, verified=False)
    assert (rule and rule.sequence, lost) == (sequence, reasons)


@pytest.mark.parametrize(("entries", "conflict"), [
    ((), None),
    (("allow 42075*", "reject 420755*", "reject *"), None),
    (("reject *", "reject 420*", "voicemail 420*"), (1, 2, "420* stands twice in block; keep one")),
    (("allow 420*", "allow 420*"), (0, 1, "420* stands twice in allow; keep one")),
    (("allow 420*", "reject 420*"), (0, 1, "420* stands in allow and in block; keep one")),
])
def test_a_pattern_stands_once_in_the_lists(
        entries: tuple[str, ...], conflict: tuple[int, int, str] | None) -> None:
    assert screening.first_conflict(lists(*entries)) == conflict


def test_a_pattern_stands_once_in_the_rules_by_caller() -> None:
    assert screening.first_conflict(rules("420* vip", "4207* vip")) is None
    assert screening.first_conflict(rules("420* vip", "420* friends")) == (
        0, 1, "420* stands twice in callers; keep one")


patterns = st.one_of(
    numbers.map(Pattern), st.sampled_from(WORDS).map(Pattern),
    st.tuples(numbers, st.integers(1, 7)).map(lambda one: Pattern(one[0][:one[1]] + "*")))
screens_of_any_kind = st.lists(st.builds(Screen, patterns, st.sampled_from(Action)), max_size=8)


@given(screens_of_any_kind, st.none() | numbers, st.booleans(), st.booleans())
def test_each_entry_that_holds_won_or_says_why_it_lost(
        screens: list[Screen], ani: str | None, anonymous: bool, verified: bool) -> None:
    held = [one for one in screens if screening.holds(one.pattern, ani, anonymous, verified)]
    won, reasons = screening.screen(screens, ani, anonymous, verified)
    assert won is None or won in held
    assert len(reasons) == max(0, len(held) - 1)


@given(patterns)
def test_a_pattern_is_its_own_written_form(pattern: Pattern) -> None:
    assert screening.pattern(pattern.text) == pattern


@given(numbers, st.integers(1, 7), HOSTILE)
def test_nothing_hostile_gets_into_a_pattern(number: str, place: int, hostile: str) -> None:
    for text in (number, f"{number[:7]}*"):
        with pytest.raises(InvalidValue):
            screening.pattern(text[:place] + hostile + text[place:])
