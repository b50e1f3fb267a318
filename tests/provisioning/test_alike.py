# SPDX-License-Identifier: GPL-2.0-or-later
"""A number like one in which nothing was found wrong is not looked into again; any other one is."""

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from kemi_routing.model import Number, Platform
from provisioning import alike, values
from provisioning.check import check_text
from provisioning.checked import Checked
from provisioning.problems import Problems
from provisioning.source import parse
from provisioning.written import Spot
from tests.support.builders import NOW, number, sequence, step

SOUND = """\
organisation: acme
time_zone: Europe/Prague
groups: {inside: {permissions: [voicemail]}}
subscribers:
  first:
    permissions: [voicemail, forward_external]
    lines: {first-desk: {password: blue-kettle-7391}}
    numbers:
      420277771000: {mode: forward_then_voicemail, default: usual, sequences: {usual: [
          {to: line first-desk}, {to: 49301234567, label: office}, {to: 49301234568}]}}
"""
OTHER = SOUND[SOUND.index("  first:"):].replace("first", "second").replace("420277771000",
                                                                         "420277771001")


def problems(text: str) -> list[str]:
    return told(check_text(text, "a.yaml", Platform(), NOW))


def told(checked: Checked) -> list[str]:
    found = checked.problems
    return [one.text for one in (*found.errors, *found.warnings)]


@pytest.mark.parametrize(("old", "new"), [
    ("49301234567", "420277771001"),  # itself
    ("49301234567", "4990012345678"),  # premium
    ("49301234567", "49301234568"),  # only the same again: nothing to say
    ("line second-desk", "line first-desk"),
    ("[voicemail, forward_external]", "[voicemail]"),
    ("[voicemail, forward_external]", "[forward_external]"),
    ("forward_then_voicemail", "voicemail_only"),
    ("forward_then_voicemail", "forward_unconditionally"),
    ("{to: 49301234568}", "{to: 49301234568, ring: 400}"),
    ("{to: 49301234567, label: office}", "{to: voicemail}"),
    ("{password: blue-kettle-7391}", "{password: blue-kettle-7391, max_phones: 12}"),
    ("{to: line second-desk}", "{together: [" + ", ".join(["{to: line second-desk}"] * 5) + "]}"),
    ("default: usual, ", "default: usual, on: {busy: usual}, "),
    ("second-desk:", "second desk:"),
])
def test_what_is_wrong_in_a_number_is_found_behind_a_sound_one_that_is_nearly_like_it(
        old: str, new: str) -> None:
    head = SOUND[:SOUND.index("  first:")]
    assert problems(SOUND + OTHER) == []
    assert old in OTHER
    odd = OTHER.replace(old, new)
    # A line of another subscriber is known only where there is one.
    assert problems(SOUND + odd) == problems(head + odd)


def looked(*numbers: Number) -> list[str]:
    """Those that were looked into, where nothing is wrong in any."""
    found: list[str] = []
    sound = alike.Sound(lambda _, one, __: found.append(one.number))
    tree = parse("a: {}", "a.yaml", Problems())
    assert tree is not None
    for one in numbers:
        sound.look(Spot(tree, Problems()), one, Platform())
    return found


def test_digits_and_names_make_no_number_unlike() -> None:
    assert looked(*(
        number(number=digits, owner=owner, sequences=(sequence("usual", step(target)),))
        for digits, owner, target in (("420277771000", "acme/jana", "49301234567"),
                                      ("420277771001", "novak/petr", "49301234568"))
    )) == ["420277771000"]


def test_of_many_unlike_ones_few_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "_KEPT", 2)
    assert len(looked(*(number(ring_s=ring) for ring in (20, 20, 21, 22, 20)))) == 4


def test_what_was_found_is_found_again() -> None:
    text = SOUND.replace("{to: 49301234568}", "{to: 49301234568, ring: 400}")
    again = text[text.index("  first:"):].replace("first", "second").replace("7771000", "7771001")
    assert len(problems(text + again)) == 2 * len(problems(text)) > 0


def test_no_plan_of_any_country_tells_by_later_digits_than_are_looked_at() -> None:
    """Else one number would be warned of, or not, because of another one."""
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            digits = phonenumbers.format_number(
                example, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
            parsed = phonenumbers.parse(f"+{digits}")
            mobile = phonenumbers.number_type(parsed) in (
                PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
            assert values.hint(digits) is None, digits
            assert values.may_be_mobile(digits) >= mobile, digits
