# SPDX-License-Identifier: GPL-2.0-or-later
"""JSON lines of numbers: the keys of a table, or what a number has in YAML."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kemi_routing.model import Platform
from provisioning import json_lines
from provisioning.check import check
from provisioning.checked import Checked
from provisioning.problems import Problems

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
START = '{"organisation": "acme", "time_zone": "Europe/Prague", "subscriber": "jana", '


def checked(path: Path, text: str) -> Checked:
    path.write_text(text)
    return check([path], Platform(), NOW)


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    return tmp_path / "numbers.jsonl"


def test_a_line_has_the_keys_of_a_table_and_json_s_own_values(lines: Path) -> None:
    (entry,) = checked(lines, START + '"number": 42027777101, "permissions": ["forward_external"],'
                       '"line": "desk", "password": "blue-\\"kettle\\"", "max_phones": 2,'
                       '"to_1": "line desk & +49 115 234567", "ring_1": 25, "to_2": "42073723101",'
                       '"confirm_2": true, "label_2": null, "aliases": "42073723123@pstn"}').numbers
    (sequence,) = entry.number.sequences
    assert [[(str(ring.target), ring.ring_s, ring.confirm) for ring in step]
            for step in sequence.steps] == [
        [("line desk", 25, False), ("49115234567", 25, False)], [("42073723101", 20, True)]]
    assert entry.number.lines[0].max_phones == 2
    assert entry.number.aliases == ("42073723123",)


def test_a_line_may_say_what_a_number_has_in_yaml(lines: Path) -> None:
    found = checked(lines, START + '"number": "201", "schedule": [{"days": ["mon", "tue"], "from": '
                    '"08:00", "to": "18:00", "sequence": "day"}], "block": [{"from": "42075*"}], '
                    '"on": {"busy": "day"}, "sequences": {"day": [{"to": "+49115234567"}]}}\n\n')
    assert found.problems.errors == []
    (entry,) = found.numbers
    assert [str(window.sequence) for window in entry.number.windows] == ["day"]
    assert entry.authored.endswith("schedule:\n    - days: [mon, tue]\n      from: 08:00\n"
                                   "      to: 18:00\n      sequence: day\n  sequences:\n    day:\n"
                                   "      - {to: +49115234567}\n")


@pytest.mark.parametrize(("text", "found"), [
    (START + '"number": "201", "modes": "x"}', "1:95: there is no key 'modes'; did you mean m"),
    (START + '"number": "201", "mode": ["x"]}', "1:103: write one text here, not a list"),
    (START + '"number": "201", "number": "202"}', "1:95: 'number' stands here twice"),
    (START + '"number": "201", "Number": "202"}', "1:95: number stands here twice"),
    (START + '"number": 4.20278E+10}', "1:88: 4.20278E+10: a spreadsheet has made"),
    (START + '"number": "4202777\\u0000"}', "1:88: '4202777\\x00' is not a telephone number"),
    (START + '"number": "\\udc00"}', "1:88: half a character is written here"),
    (START + '"number": ["201"]}', "1:88: write one text here"),
    (START + '"number": "201", "on": {"busi": "x"}}', "1:102: there is no outcome 'busi'"),
    (START + '"number": "201", "allow": ["x", null]}', "1:110: null is no value of a list"),
    (START + '"number": "201", "to_1": "line x", "sequences": {}}', "1:103: the steps stand in"),
    (START + '"number": "201", "to_1": "+49115234567", "sequence": []}', "1:131: write one text"),
    (START + '"number": "201",}', "1:94: this is not JSON: a key in quotes is expected here"),
    (START + '"number" "201"}', "1:87: this is not JSON: : is expected here"),
    (START + '"number": "201"', "1:93: this is not JSON: , is expected here"),
    (START + '"number": "201}', "1:88: this is not JSON: unterminated string"),
    (START + '"number": 0x201}', "1:89: this is not JSON: , is expected here"),
    (START + '"number": }', "1:88: this is not JSON: a value is expected here"),
    (START + '"number": NaN}', "1:88: this is not JSON: a value is expected here"),
    (START + '"number": "201"}, {}', "1:94: this is not JSON: after the object stands more"),
    ('["acme"]', "1:1: this is not JSON: an object stands in each line"),
    ('{"a":' * 1000, "1:86: this is not JSON: values are nested too deeply"),
    ('[{"number": "201"},', "1:1: this is not JSON: an object stands in each line"),
])
def test_every_mistake_is_said_at_its_value(lines: Path, text: str, found: str) -> None:
    said = [str(error).removeprefix(f"{lines}:") for error in checked(lines, text).problems.errors]
    assert found in [one[:len(found)] for one in said]


def test_a_line_that_is_no_json_costs_itself_only(lines: Path) -> None:
    found = checked(lines, START + f'"number": "201"\n{START}"number": "x"}}\n')
    assert [error.place.line for error in found.problems.errors] == [1, 2]


@pytest.mark.parametrize("line", [
    '{"a": "b"}', '{"a":"b","c":"é"}\r', '{"a": "b", "a": "c"}', '{"a": "b",}', '{"a" "b": "c"}',
    '{"a": "b"} x', ' {"a": "b"}', '{"a": "b\\n"}', '{"a": "\t"}', '{"a": "b", "c": 1}', '{"": ""}',
    '{"a": ":", ",": "{"}', '{"a": "b", "c": "d"',
    '{"a": {}}', '{"a": "b": "c", "d"}', "{}"])
def test_a_line_of_texts_alone_is_read_as_any_other(
        lines: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> object:
        problems = Problems()
        return [{key: (one.content, one.value, one.key, one.span)
                 for key, one in written.content.items()}
                for written in json_lines.objects(lines, problems)], problems.errors

    lines.write_text(f"{line}\n", newline="")
    quick = found()
    monkeypatch.setattr(json_lines._Line, "_texts", lambda _: {})
    assert found() == quick
