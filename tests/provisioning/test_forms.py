# SPDX-License-Identifier: GPL-2.0-or-later
"""What is stored as JSON lines, as a table, as a calendar: all of it, or it is said what is not."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning import source
from provisioning.columns import Headers, headers
from provisioning.excerpt import excerpt
from provisioning.forms import objects, table
from provisioning.problems import Problems, Refused, RefusedFiles
from provisioning.written import Written
from tests.provisioning.conftest import Followme, Write

HEAD = "organisation: acme\ntime_zone: Europe/Prague\nsubscribers:\n"
JANA = """\
  jana:
    permissions: [voicemail, forward_external]
    lines:
      desk: {password: blue-kettle}
      mobile: {password: red-kettle, max_phones: 1}
    numbers:
      +420 277 771 01:
        aliases: ["+420 737 231 23@pstn", 49115234567@pstn]
        sequences:
          forward:
            - {to: line desk, ring: 20}
            - together:
                - {to: line mobile, label: =both}
                - {to: +420 737 231 01, label: =both}
        default: forward
    extensions:
      201: {mode: ring_only}
"""
Rows = list[list[str]]


def tree(text: str) -> Written:
    found = source.parse(text, "acme.yaml", problems := Problems())
    assert found
    assert problems.errors == []
    return found


def rows(text: str, names: Headers = Headers()) -> Rows:
    return list(csv.reader(io.StringIO(table.text([tree(HEAD + text)], names))))


def test_a_table_has_the_columns_that_are_needed() -> None:
    assert rows(JANA) == [
        ["organisation", "subscriber", "number", "permissions", "line", "password", "max_phones",
         "aliases", "mode", "to_1", "ring_1", "to_2", "label_2"],
        ["acme", "jana", "+420 277 771 01", "voicemail forward_external", "desk", "blue-kettle", "",
         " +42073723123@pstn 49115234567@pstn", "", "line desk", "20",
         "line mobile & +420 737 231 01", " =both"],
        ["acme", "jana", "201", "", "mobile", "red-kettle", "1", "", "ring_only", "", "", "", ""]]


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-1", "@sum", "=HYPERLINK(1)"])
def test_no_cell_is_a_formula(text: str) -> None:
    (_, row) = rows(f"  jana: {{numbers: {{42027777101: {{default: '{text}', sequences: "
                    f"{{'{text}': [{{to: voicemail, label: '{text}'}}]}}}}}}}}\n")
    assert [one for one in row if one.startswith(("=", "+", "-", "@"))] == []
    assert row.count(f" {text}") == 2


def test_a_table_has_the_columns_of_other_people() -> None:
    names = headers(["Phone=number", "Notes=", "Tel=number", "Where to=to_1"])
    assert rows(JANA, names)[0] == [
        "organisation", "subscriber", "Phone", "permissions", "line", "password", "max_phones",
        "aliases", "mode", "Where to", "ring_1", "to_2", "label_2"]


@pytest.mark.parametrize(("pair", "said"), [
    ("number=to_1", "the column number would be read as to_1 by --map; write  --map THEIRS=number"),
    ("mode=", "the column mode would be read as one to leave out by --map"),
])
@pytest.mark.parametrize("text", [table.text, objects.text], ids=["table", "lines"])
def test_columns_that_would_be_read_wrong_are_refused(
        text: Callable[..., str], pair: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        text([tree(HEAD + JANA)], headers([pair]))
    assert str(refused.value).startswith(said)


NUMBER = "  jana: {{lines: {{desk: {{password: '{1}'}}}}, numbers: {{42027777101: {0}}}}}\n"


@pytest.mark.parametrize(("number", "said"), [
    ("{schedule: [{days: mon, from: 08:00, to: 18:00, sequence: a}], holidays: [x], vacation: [x], "
     "callers: [x], on: {busy: a}, block: [{from: 42075*, action: reject}]}",
     ["a shared schedule, no windows", "holidays", "vacation", "callers", "on", "no actions"]),
    ("{sequences: {a: [{to: voicemail}], b: []}, schedule: office}", ["one sequence"]),
    ("{sequences: {a: []}, default: a}", ["1 to 99 steps"]),
    ("{sequences: {a: [{to: voicemail}]}}", ["in force"]),
    ("{sequences: {a: {mode: reject, on: {busy: a}, steps: [{to: park}]}}, default: a}",
     ["mode of a sequence", "on of a sequence"]),
    ("{sequences: {a: [{together: [{to: line a}, {to: line b, ring: 7}]}]}, default: a}",
     ["one ring, delay, label and confirm"]),
    ("{sequences: {a: [{to: a & b}]}, default: a}", ["& between targets"]),
    ("{sequences: {a: [{to: park, label: ' a'}]}, default: a}", ["neither begins nor ends"]),
])
def test_what_no_row_can_hold_is_refused_all_at_once(number: str, said: list[str]) -> None:
    with pytest.raises(RefusedFiles) as refused:
        rows(NUMBER.format(number, "blue-kettle"))
    errors = refused.value.problems.errors
    assert len(errors) == len(said)
    for error, part in zip(errors, said, strict=True):
        assert part in error.text
        assert error.text.startswith("42027777101: ")
        assert error.text.endswith("; --as jsonl and YAML keep it")
        assert "42027777101" in error.row


@pytest.mark.parametrize(("text", "said"), [
    (NUMBER.format("{}", "=blue-kettle"), "42027777101: a spreadsheet takes this password for a"),
    ("  jana: {lines: {a: {password: x}, b: {password: y}}, numbers: {42027777101: {}}}\n",
     "line b: a row holds one line, and there are fewer numbers than lines"),
])
def test_lines_that_no_row_can_hold_are_refused(text: str, said: str) -> None:
    with pytest.raises(RefusedFiles) as refused:
        rows(text)
    (error,) = refused.value.problems.errors
    assert error.text.startswith(said)
    assert "kettle" not in excerpt(error.row, 1, 999).text


def test_a_json_line_has_what_its_subscriber_has_once() -> None:
    first, second = map(json.loads, objects.text([tree(HEAD + JANA)]).splitlines())
    assert list(first) == ["organisation", "subscriber", "number", "permissions", "lines",
                           "aliases", "sequences", "default"]
    assert first["lines"]["mobile"] == {"password": "red-kettle", "max_phones": "1"}
    assert second == {"organisation": "acme", "subscriber": "jana", "number": "201",
                      "mode": "ring_only"}


def test_a_local_number_as_short_as_an_extension_stays_a_number() -> None:
    plan = "dial_plan: {country: 420, area: 27, local_digits: 4}\nsubscribers:\n"
    text = HEAD.replace("subscribers:\n", plan) + "  jana: {numbers: {2777: {}, 277771010: {}}}\n"
    assert [json.loads(line)["number"] for line in objects.text([tree(text)]).splitlines()] == [
        "+420272777", "277771010"]


STORED = HEAD.replace("subscribers:", "# us\ndial_plan: {country: 420, local_digits: 9}\n"
                      "calendars: {closed: {add: [2099-12-24]}}\nsubscribers:") + """\
  ida:
    lines: {ida: {password: green-kettle}}
  jana:
    lines: {jana: {password: blue-kettle}}
    numbers:
      277771010:
        holidays: [{calendar: closed, sequence: night}]
        vacation: [{first: 2099-07-01, last: 2099-07-03, sequence: night}]
        sequences: {night: [{to: voicemail}]}
  petr:
    numbers:
      277771020: {mode: ring_only}
"""


@pytest.fixture
def stored(followme: Followme, write: Write) -> Followme:
    assert followme("apply", "--yes", write("acme.yaml", STORED)).code == 0
    return followme


def test_lines_and_what_is_left_are_the_organisation(stored: Followme, tmp_path: Path) -> None:
    ran = stored("export", "acme", "--as", "jsonl", "-o", tmp_path / "out", "--map", "Tel=number")
    assert (ran.code, ran.err) == (0, "")
    lines = (tmp_path / "out" / "acme.jsonl").read_text()
    assert [json.loads(line)["Tel"] for line in lines.splitlines()] == ["277771010", "277771020"]
    assert "kettle" not in lines
    rest = (tmp_path / "out" / "acme.yaml").read_text()
    assert "# us\n" in rest
    assert "ida" in rest
    assert "jana" not in rest
    ran = stored("plan", tmp_path / "out" / "acme.yaml", tmp_path / "out" / "acme.jsonl", "--map",
                 "Tel=number")
    assert {line for line in ran.out.splitlines() if line.startswith(" ")} == {
        "  calls meet the same: what differs is a comment, or a spelling"}


def test_who_has_no_number_is_not_lost_unsaid(stored: Followme) -> None:
    ran = stored("export", "acme", "--as", "jsonl")
    assert (ran.code, ran.err) == (1, (
        "followme: ida: who has no number stands in no row; write all of them:  "
        "followme export acme --as jsonl -o DIRECTORY\n"))


def test_a_table_that_cannot_be_is_refused_with_each_number(stored: Followme) -> None:
    ran = stored("export", "acme", "--as", "csv", "-F", "json")
    assert ran.code == 1
    assert [one["text"].partition(" ")[0] for one in json.loads(ran.out)["errors"]] == [
        "277771010:"] * 3


def test_a_table_comes_out_of_the_store(followme: Followme, write: Write) -> None:
    path = write("acme.yaml", f"{HEAD}  eva: {{numbers: {{42027777109: {{mode: ring_only}}}}}}\n")
    assert followme("apply", "--yes", path).code == 0
    assert followme("export", "acme", "--as", "csv").out == (
        "organisation,subscriber,number,mode\r\nacme,eva,42027777109,ring_only\r\n")


@pytest.mark.parametrize(("name", "text"), [
    ("a.csv", "organisation,time_zone,subscriber,number,mode\n"
              "acme,UTC,eva,42027777109,ring_only\n"),
    ("a.jsonl", '{"organisation": "acme", "time_zone": "UTC", "subscriber": "eva", '
                '"number": 42027777109, "mode": "ring_only"}\n'),
])
def test_what_came_as_rows_alone_goes_out_in_every_form(
        followme: Followme, write: Write, tmp_path: Path, name: str, text: str) -> None:
    assert followme("apply", "--yes", write(name, text)).code == 0
    exported = followme("export", "acme").out
    assert exported.partition("\n")[2] == (
        "time_zone: UTC\norganisation: acme\nsubscribers:\n  eva:\n    numbers:\n"
        "      42027777109:\n        mode: ring_only\n")
    for kind in ("jsonl", "csv"):
        out = tmp_path / kind
        assert followme("export", "acme", "--as", kind, "-o", out).code == 0
        assert followme("plan", out / "acme.yaml", out / f"acme.{kind}").code == 0


@pytest.mark.parametrize("name", ["acme", "420277771010"])
def test_a_calendar_of_an_organisation_or_a_number(stored: Followme, name: str) -> None:
    ran = stored("export", name, "--as", "ics")
    assert (ran.code, ran.err) == (0, "")
    assert [line for line in ran.out.split("\r\n") if line.startswith(("DTSTART", "SUMMARY"))] == [
        "SUMMARY:vacation jana", "DTSTART;VALUE=DATE:20990701",
        "SUMMARY:closed", "DTSTART;VALUE=DATE:20991224"]


@pytest.mark.parametrize(("arguments", "said"), [
    (("nobody", "--as", "ics"), "nobody: there is no such organisation with subscribers"),
    (("nobody", "--as", "csv"), "nobody: there is no such organisation with subscribers"),
    (("42027777199", "--as", "ics"), "42027777199: nobody owns this number"),
    (("acme", "--map", "Tel=number"), "--map says what columns are called; write  --as jsonl or "
                                      "csv"),
    (("acme", "--as", "csv", "--map", "Tel"), "'Tel': write THEIRS=OURS, such as  Phone=number, or "
                                              " THEIRS=  for a column to leave out"),
])
def test_what_there_is_not_is_said(
        stored: Followme, arguments: tuple[str, ...], said: str) -> None:
    ran = stored("export", *arguments)
    assert (ran.code, ran.err) == (1, f"followme: {said}\n")
