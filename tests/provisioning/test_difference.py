# SPDX-License-Identifier: GPL-2.0-or-later
"""What changed in a number, in telephone words."""

from datetime import UTC, datetime

import pytest

from kemi_routing.model import Number, Platform
from provisioning import difference
from provisioning.check import check_text

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = "42027777101"

BASE = """\
mode: forward_then_voicemail
schedule:
  - {days: mon-fri, from: 08:00, to: 18:00, sequence: day}
sequences:
  day:
    - {to: line desk, ring: 20, label: desk}
    - {to: 49115234567, ring: 30, label: office}
  night: [{to: 42073723101, ring: 20}]
"""
HOURS = "coverage 50 h a week unchanged; next change Mon 08:00"


def number(text: str, *, permissions: str = "voicemail, forward_external",
           lines: str = "{desk: {password: blue-kettle-7391}}", more: str = "") -> Number:
    checked = check_text(
        f"organisation: acme\ntime_zone: Europe/Prague\n{more}subscribers:\n  jana:\n"
        f"    permissions: [{permissions}]\n    lines: {lines}\n    numbers:\n      {KEY}:\n"
        + "".join(f"        {line}\n" for line in text.splitlines()), "f.yaml", Platform(), SUNDAY)
    assert checked.problems.errors == []
    return checked.numbers[0].number


def told(old: Number, new: Number) -> list[str]:
    return difference.of_number(old, new, SUNDAY)


@pytest.mark.parametrize(("before", "after", "said"), [
    ("ring: 30, label: office", "ring: 25, label: office",
     ["sequence day, step 2 office (49115234567): ring time 30 s → 25 s", HOURS]),
    ("label: office", "label: lab, delay: 0",
     ["sequence day, step 2 lab (49115234567): label office → lab", HOURS]),
    ("mode: forward_then_voicemail", "mode: forward_only",
     ["mode forward_then_voicemail → forward_only"]),
    ("mode:", "ring: 25\nmode:", ["own lines: ring time 20 s → 25 s"]),
    ("mode:", "cli: caller\nmode:", ["outside targets see personal number → caller"]),
    ("mode:", "mailbox: always_pin\nmode:", ["mailbox pin_unless_trusted → always_pin"]),
    ("mode:", "aliases: [42073723123@pstn]\nmode:", ["alias 42073723123: new"]),
    ("mode:", "default: night\nmode:", ["outside all windows none → night", HOURS]),
    ("mode:", "on: {busy: night}\nmode:", ["when busy: new, sequence night"]),
    ("mode:", "block: [{from: 42075*, action: voicemail}]\nmode:",
     ["calls from 42075*: new, voicemail"]),
    ("mode:", "callers: [{from: 42075*, sequence: night}]\nmode:",
     ["calls from 42075*: new, sequence night"]),
    ("mode:", "time_zone: Europe/London\nmode:", [
        "time zone Europe/Prague → Europe/London", HOURS]),
    ("to: 18:00", "to: 17:30", [
        "window mon-fri 08:00-18:00 → mon-fri 08:00-17:30, leads to day",
        "coverage 50 h a week → 47 h 30 min; next change Mon 08:00"]),
    ("to: 18:00, sequence: day", "to: 18:00, sequence: night", [
        "window mon-fri 08:00-18:00: day → night", HOURS]),
    ("sequences:", "  - {days: sat, from: 22:00, to: 04:00, sequence: night}\nsequences:", [
        "window sat 22:00-04:00: new, leads to night",
        "coverage 50 h a week → 56 h; next change Mon 08:00"]),
    ("sequences:", "vacation: [{first: 2026-12-20, last: 2027-01-03, sequence: night}]\nsequences:",
     ["vacation 2026-12-20 00:00 to 2027-01-04 00:00: new, sequence night", HOURS]),
    ("  night:", "    - {to: 42073723102}\n  night:",
     ["sequence day, step 3 42073723102: new, rings 20 s", HOURS]),
    ("    - {to: 49115234567, ring: 30, label: office}\n", "",
     ["sequence day, step 2 office (49115234567): gone", HOURS]),
    ("    - {to: line desk, ring: 20, label: desk}\n", "",
     ["sequence day, step 1 desk (line desk): gone", HOURS]),
    ("  night: [{to: 42073723101, ring: 20}]\n", "", ["sequence night: gone", HOURS]),
    ("  night:", "  late: [{to: voicemail}]\n  night:",
     ["sequence late: new", "sequence late, step 1 voicemail: new", HOURS]),
    ("  night:", "  late: []\n  night:", ["sequence late: new, without steps", HOURS]),
])  # fmt: skip
def test_a_change_is_said_in_a_sentence(before: str, after: str, said: list[str]) -> None:
    assert BASE.count(before) == 1
    assert told(number(BASE), number(BASE.replace(before, after))) == said


def test_nothing_is_said_of_what_is_the_same() -> None:
    assert told(number(BASE), number("# another comment\n" + BASE)) == []


def test_a_step_that_changes_places_has_moved() -> None:
    desk, office = [line for line in BASE.splitlines(keepends=True) if "label:" in line]
    assert told(number(BASE), number(BASE.replace(desk + office, office + desk))) == [
        "sequence day, step 2 → 1 office (49115234567)", HOURS]


def test_a_target_that_joins_a_step_has_moved() -> None:
    desk, office = [line for line in BASE.splitlines(keepends=True) if "label:" in line]
    together = "    - together:\n" + "".join(f"    {line}" for line in (
        desk, office.replace("ring: 30", "ring: 30, delay: 5")))
    assert told(number(BASE), number(BASE.replace(desk + office, together))) == [
        "sequence day, step 2 → 1 office (49115234567)",
        "sequence day, step 1 office (49115234567): start delay 0 s → 5 s", HOURS]


def test_rights_are_said_by_their_names() -> None:
    old = number("mode: ring_only", permissions="voicemail")
    new = number("mode: ring_only", permissions="forward_external")
    assert told(old, new) == ["permission voicemail: taken away",
                              "permission forward_external: given"]


def test_a_line_is_said_with_its_phones() -> None:
    old = number("mode: ring_only")
    new = number("mode: ring_only", lines="{desk: {password: blue-kettle-7391, max_phones: 1}, "
                                          "hall: {password: blue-kettle-7392}}")
    assert told(old, new) == ["line desk: at most 3 at once → at most 1 at once",
                              "line hall: new, at most 3 at once"]
    assert told(new, old)[1:] == ["line hall: gone"]


@pytest.mark.parametrize(("added", "said"), [
    ("2026-12-24", ["holiday off 2026-12-24: new"]),
    ("2026-12-24, 2026-12-25, 2026-12-26, 2027-01-01",
     ["holidays: 4 new, 2026-12-24 to 2027-01-01"]),
])
def test_many_holidays_are_counted(added: str, said: list[str]) -> None:
    calendars = "calendars: {{off: {{add: [{}]}}}}\n".format
    text = BASE + "holidays: [{calendar: off, sequence: night}]\n"
    old = number(text, more=calendars(""))
    assert told(old, number(text, more=calendars(added)))[:-1] == said
    assert told(number(text, more=calendars(added)), old)[:-1] == [
        one.replace("new", "gone") for one in said]


def test_a_password_of_a_target_is_not_shown() -> None:
    one = number(BASE.replace("49115234567", "IAX2/u:first-secret@pbx.example/1"))
    other = number(BASE.replace("49115234567", "IAX2/u:other-secret@pbx.example/1"))
    said = " ".join(told(one, other))
    assert "secret" not in said
    assert "step 2" in said


def test_of_a_new_number_it_is_said_how_calls_are_answered() -> None:
    new = number(BASE.replace("mode:", "default: night\nmode:")
                 + "  both:\n    - together: [{to: line desk, delay: 3}, {to: 42073723102}]\n"
                 "    - {to: voicemail}\n"
                 "  empty: []\n")
    assert difference.of_new(new) == [
        "mode forward_then_voicemail",
        "mon-fri 08:00-18:00 leads to day",
        "outside all windows night",
        "sequence day: desk (line desk) 20 s, then office (49115234567) 30 s",
        "sequence night: 42073723101 20 s",
        "sequence both: line desk 20 s after 3 s and 42073723102 20 s, then voicemail",
        "sequence empty: no steps"]


def test_of_a_new_number_who_is_treated_in_another_way_and_when_is_said_too() -> None:
    new = number(BASE.replace("mode:", """aliases: [42073723123@pstn]
block: [42075*]
callers: [{from: 42060123456, sequence: night}]
on: {busy: night}
holidays: [{calendar: cz, sequence: night}]
vacation: [{first: 2027-08-02, last: 2027-08-03, sequence: night}]
mode:"""), more=(
        "calendars: {cz: {add: [2026-12-24, 2026-12-25]}}\n"))
    said = difference.of_new(new)
    assert [one for one in said if not one.startswith(("mode", "mon-fri", "sequence"))] == [
        "alias 42073723123",
        "calls from 42075*: reject",
        "calls from 42060123456: sequence night",
        "vacation 2027-08-02 00:00 to 2027-08-04 00:00: sequence night",
        "holidays: 2, 2026-12-24 to 2026-12-25, lead to night",
        "when busy: sequence night"]
