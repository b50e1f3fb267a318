# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``check`` refuses, warns of and accepts.

``refused/NAME.yaml`` is a situation, ``refused/NAME.txt`` all that is to be said about it.
"""

import hashlib
from pathlib import Path

import pytest

from kemi_routing import targets
from kemi_routing.model import Line, Mode, Number, Platform, Ring, Sequence
from kemi_routing.permissions import Rights
from kemi_routing.record import LineRecord
from kemi_routing.schedule import Window
from provisioning import codes
from provisioning.check import check, check_text
from provisioning.checked import Checked
from tests.provisioning.conftest import EXAMPLES
from tests.support.builders import NOW, PRAGUE

REFUSED = sorted((Path(__file__).parent / "refused").glob("*.yaml"))
PLATFORM = Platform(sip_hosts=frozenset(["sip.example.net"]), own_hosts=frozenset(["8.8.4.4"]),
                    iax_gateway=False)
FRAME = """\
organisation: acme
time_zone: Europe/Prague
subscribers:
  jana:
    permissions: [{permissions}]
    lines:
      desk: {{password: "{password}"}}
    numbers:
      420277771000:
        mode: forward_only
        default: all
        sequences:
          all: {steps}
"""


def framed(steps: str, permissions: str = "voicemail, forward_external",
           password: str = "blue-kettle") -> Checked:
    text = FRAME.format(steps=steps, permissions=permissions, password=password)
    return check_text(text, "a.yaml", PLATFORM, NOW)


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_all_errors_are_said_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    errors = check([Path(path.name)], PLATFORM, NOW).problems.errors
    assert "".join(f"{error}\n" for error in errors) == path.with_suffix(".txt").read_text()
    assert errors


def test_errors_of_several_files_come_together_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(FRAME.format(
        permissions="", password="blue-kettle", steps="[{to: 007}]"))
    (tmp_path / "a.yaml").write_text(FRAME.format(
        permissions="", password="blue-kettle", steps="[{to: 008}]"))
    errors = check([tmp_path / name for name in ("b.yaml", "nobody.yaml", "a.yaml")],
                   PLATFORM, NOW).problems.errors
    assert [str(error).removeprefix(f"{tmp_path}/").replace(f"{tmp_path}/", "")
            for error in errors] == [
        "a.yaml:4:3: subscriber acme/jana stands in b.yaml:4 already; write it once",
        "b.yaml:13:22: 007 starts with the dialling prefix 00; write country code and number: "
        "49115234567",
        "nobody.yaml:1:1: the file cannot be read: No such file or directory",
    ]


AS_BEFORE = """\
organisation: acme
time_zone: Europe/Prague
dial_plan: {country: 420, local_digits: 9}
groups:
  sales: {permissions: [voicemail]}
"""


@pytest.mark.parametrize(("more", "errors"), [
    (AS_BEFORE, []),
    (AS_BEFORE.replace("sales", "support"), []),
    (AS_BEFORE.replace("Prague", "London"), [
        "b.yaml:2:1: time_zone of acme is not the same in a.yaml:2; write it alike, or once; "
        "numbers elsewhere have a time_zone of their own"]),
    (AS_BEFORE.replace("dial_plan: {country: 420, local_digits: 9}\n", ""), []),
    (AS_BEFORE.replace("acme", "novak").replace("420", "421"), []),
    (AS_BEFORE.replace("local_digits: 9", "trunk_prefix: 0"), [
        "b.yaml:3:1: dial_plan of acme is not the same in a.yaml:3; write it alike, or once"]),
    (AS_BEFORE.replace("[voicemail]", "[]"), [
        "b.yaml:5:3: group sales of acme is not the same in a.yaml:5; write it alike, or once"]),
])
def test_files_of_one_organisation_agree_where_they_meet(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, errors: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(AS_BEFORE)
    Path("b.yaml").write_text(more)
    found = check([Path("a.yaml"), Path("b.yaml")], PLATFORM, NOW).problems.errors
    assert list(map(str, found)) == errors


SILENT = ("a.yaml:9:7: nothing answers here, every caller hears 480: give the subscriber a line or "
          "the permission voicemail, write a target that is permitted, or mode: reject")


@pytest.mark.parametrize(("checked", "warnings"), [
    pytest.param(framed("[{to: 49115234567}]"), [], id="nothing odd"),
    pytest.param(framed("[]"), [SILENT], id="a number that nothing answers"),
    pytest.param(framed("[{to: 42073723123}]"), [
        "a.yaml:13:22: 42073723123 looks too short for a number of country code 420; "
        "it is taken as it stands"], id="a number that looks too short"),
    pytest.param(framed("[{to: 121255501234}]"), [
        "a.yaml:13:22: 121255501234 looks too long for a number of country code 1; "
        "it is taken as it stands"], id="a number that looks too long"),
    pytest.param(framed("[{to: 21012345678}]"), [
        "a.yaml:13:22: 21012345678 starts with no known country code; it is taken as it stands"],
        id="a country that does not exist"),
    pytest.param(framed("[{to: 49115234567, ring: 100}, {to: line desk, ring: 81}]"), [
        "a.yaml:13:11: sequence all can ring 181 s; many networks give a call up after 180 s"],
        id="a long set-up"),
    pytest.param(framed("[{to: 49115234567, ring: 100}, {to: line desk, ring: 80}]"), [],
                 id="a set-up that is just not too long"),
    pytest.param(framed("[{to: 49115234567}, {to: SIP/a@sip.example.net}, {to: voicemail}]",
                        permissions=""), [
        SILENT,
        "a.yaml:13:22: 49115234567 will be skipped: permission forward_external is not granted",
        "a.yaml:13:41: sip:a@sip.example.net will be skipped: "
        "permission forward_external is not granted",
        "a.yaml:13:70: voicemail will be skipped: the number has no voicemail permission"],
        id="permissions that are not granted"),
    pytest.param(framed("[{to: IAX2/jana:hush@pbx.example.net/100}]"), [
        SILENT,
        "a.yaml:13:22: IAX2/jana:***@pbx.example.net/100 will be skipped: "
        "no IAX gateway is configured"], id="an IAX target"),
    pytest.param(framed("{mode: voicemail_only, steps: [{to: line desk}]}"), [
        "a.yaml:13:11: mode voicemail_only rings no sequence, so all never rings; "
        "write mode: forward_then_voicemail or forward_only, or for it alone all: "
        "{mode: forward_only, steps: [...]}"], id="a sequence that never rings"),
    pytest.param(framed("[]", password="1234567"), [
        "a.yaml:7:24: the password is short; 8 characters or more are safer",
        SILENT], id="a short password"),
])
def test_what_is_probably_not_meant_is_a_warning(checked: Checked, warnings: list[str]) -> None:
    assert checked.problems.errors == []
    assert list(map(str, checked.problems.warnings)) == warnings


def test_a_file_becomes_numbers_and_lines() -> None:
    checked = check([EXAMPLES / "office.yaml"], PLATFORM, NOW)
    account = b"jana-desk:followme.local:blue-kettle-7391"
    assert [entry.number for entry in checked.numbers] == [Number(
        "42027777101", "acme/jana", PRAGUE, lines=(Line("jana-desk"),),
        mode=Mode.FORWARD_THEN_VOICEMAIL,
        windows=(Window(frozenset(range(1, 6)), 480, 1080, "working_hours"),
                 Window(frozenset({5, 6}), 1320, 240, "on_call")),
        sequences=(
            Sequence("working_hours", (
                (Ring(targets.parse("line jana-desk"), 20, "desk"),),
                (Ring(targets.parse("49115234567"), 30, "office"),),
                (Ring(targets.parse("42073723101"), 20, "mobile"),))),
            Sequence("on_call", ((Ring(targets.parse("42073723101"), 20, "mobile"),),))),
        rights=Rights(voicemail=True, forward_external=True))]
    assert [account.line for account in checked.lines] == [
        LineRecord("jana-desk", "acme/jana", hashlib.md5(account).hexdigest(), "42027777101", 3,
                   codes=codes.DEFAULTS, ha1_sha256=hashlib.sha256(account).hexdigest())]


def test_what_may_be_left_out_has_a_default() -> None:
    checked = check_text("organisation: acme\ntime_zone: Asia/Kathmandu\nsubscribers:\n"
                         "  jana: {lines: {desk: {password: blue-kettle}}}\n"
                         "  petr: {numbers: {+1 (212) 555-0123: {time_zone: UTC}}}\n"
                         "  eva: {}\n", "a.yaml", PLATFORM, NOW)
    assert checked.problems.errors == []
    (entry,) = checked.numbers
    assert (entry.number.number, entry.number.zone.key) == ("12125550123", "UTC")
    assert (entry.number.mode, entry.number.ring_s) == (Mode.RING_THEN_VOICEMAIL, 20)
    assert entry.number.rights == Rights()
    assert checked.lines[0].line.number == ""
    assert list(checked.owners) == ["acme/jana", "acme/petr", "acme/eva"]


def test_what_is_no_value_is_told_also_where_all_stands_in_braces() -> None:
    problems = check_text('{"organisation": "acme", "time_zone": [], "subscribers": {}}', "a.yaml",
                          PLATFORM, NOW).problems
    assert [str(one.place) for one in problems.errors] == ["a.yaml:1:39"]


def test_an_alias_may_stand_on_several_numbers_of_one_owner() -> None:
    checked = check_text("organisation: acme\ntime_zone: UTC\nsubscribers:\n"
                         "  jana:\n    numbers:\n"
                         "      12125550123: {aliases: [12125550100@pstn, +12125550100@pstn]}\n"
                         "      12125550124: {aliases: [12125550100@pstn]}\n", "a.yaml",
                         PLATFORM, NOW)
    assert checked.problems.errors == []
    assert [entry.number.aliases for entry in checked.numbers] == [("12125550100",)] * 2


def test_a_number_that_makes_too_long_a_record_is_refused() -> None:
    days = ", ".join(f"{{days: {day}, from: {minute // 60:02}:{minute % 60:02}, "
                     f"to: {minute // 60:02}:{minute % 60 + 1:02}, sequence: {'x' * 64}}}"
                     for day in ("mon", "tue") for minute in range(0, 1440, 2))
    checked = check_text("organisation: acme\ntime_zone: UTC\nsubscribers:\n  jana:\n    numbers:\n"
                         f"      12125550123:\n        schedule: [{days}]\n"
                         f"        sequences: {{{'x' * 64}: []}}\n", "a.yaml", PLATFORM, NOW)
    (error,) = checked.problems.errors
    assert str(error).startswith("a.yaml:6:7: ")
    assert str(error).endswith("bytes; a record has 2 to 65536")


@pytest.mark.parametrize("text", [
    'lines: {desk: {password: [hush-hush]}}',
    'lines: {desk: hush-hush}',
    'lines: {desk: {passwort: hush-hush}}',
    'lines: {desk: {password: "hush-hush\\a"}}',
    'numbers: {1: {sequences: {all: [{to: IAX2/jana:hush-hush@1.2.3.4.5/1}]}}}',
    'numbers: {1: {sequences: {all: [{to: "IAX2/jana:hush-hush"}]}}}',
    'numbers: {1: {sequences: {all: [{to: "iax/jana:hush-hush@x@y"}]}}}',
    'numbers: {1: {sequences: {all: [{to: IAX2/jana:hush-hush@pbx.example.net/1}]}}}',
    'lines: {desk: {password: hush-hush',
])
def test_no_message_shows_a_password(text: str) -> None:
    problems = check_text("organisation: acme\ntime_zone: UTC\nsubscribers:\n"
                          f"  jana: {{{text}}}\n", "a.yaml", PLATFORM, NOW).problems
    assert problems.errors
    assert not [one for one in problems.errors + problems.warnings if "hush-hush" in str(one)]


def test_targets_that_stand_as_a_list_are_told_how_they_ring_together() -> None:
    errors = framed("[[{to: 49115234567}, {to: line desk}]]").problems.errors
    assert [error.text for error in errors] == [
        "what rings together is  {together: [{to: line NAME}, {to: 49115234567}]}"]


def test_the_examples_hold_no_error() -> None:
    assert check(sorted(EXAMPLES.glob("*.yaml")), Platform(), NOW).problems.errors == []
