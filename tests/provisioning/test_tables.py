# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of numbers: what is read, where each mistake stands, and what is never guessed."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kemi_routing.model import Mode, Platform
from provisioning import rows
from provisioning.check import check
from provisioning.checked import Checked
from provisioning.columns import Headers, headers
from provisioning.line_by_line import MAX_LINE
from provisioning.problems import Problems

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HEAD = "organisation,time_zone,subscriber,number"
START = "acme,Europe/Prague,jana"


def checked(path: Path, text: str | bytes, names: Headers = Headers()) -> Checked:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return check([path], Platform(), NOW, names)


def errors(path: Path, text: str | bytes, names: Headers = Headers()) -> list[str]:
    found = checked(path, text, names).problems.errors
    return [str(error).removeprefix(f"{path}:") for error in found]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "numbers.csv"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_a_row_is_a_number_whatever_program_wrote_the_table(
        table: Path, separator: str, end: str, mark: bytes) -> None:
    lines = (["organisation", "Time Zone", "subscriber", "number", "line", "password", "to_1",
              "ring_1", "to_2", "label_2", "permissions", "mode"],
             ["acme", "Europe/Prague", "jana", "+420 277 771 01", "jana-desk", '"blue;,""7391"',
              "line jana-desk & 49115234567", "25", "42073723101", "mobile", "forward_external",
              "forward_only"])
    text = "".join(separator.join(line) + end for line in lines)
    found = checked(table, mark + text.encode())
    assert found.problems.errors == []
    (entry,) = found.numbers
    assert (entry.number.number, entry.number.owner) == ("42027777101", "acme/jana")
    assert (entry.number.mode, entry.number.default) == (Mode.FORWARD_ONLY, "forward")
    assert [[(str(ring.target), ring.ring_s, ring.label) for ring in step]
            for step in entry.number.sequences[0].steps] == [
        [("line jana-desk", 25, ""), ("49115234567", 25, "")], [("42073723101", 20, "mobile")]]
    assert [account.line.name for account in found.lines] == ["jana-desk"]


def test_what_is_stored_of_a_row_is_the_yaml_that_says_the_same(table: Path) -> None:
    (entry,) = checked(table, f"{HEAD},to_1,label_1,aliases\n"
                              f"{START},42027777101,42073723101,=cmd(),42073723123@pstn\n").numbers
    assert entry.authored == ("42027777101:\n"
                              "  aliases: [42073723123@pstn]\n"
                              "  sequences:\n"
                              "    forward:\n"
                              '      - {to: 42073723101, label: "=cmd()"}\n'
                              "  default: forward\n")


def test_a_cell_may_have_line_feeds_and_the_next_ones_know_their_line(table: Path) -> None:
    found = errors(table, f"{HEAD},aliases,mode,ring\n"
                          f'{START},42027777101,"42073723123@pstn\n42073723124",x,"7\n"\n'
                          f"{START},42027777102,,,y\n")
    assert [one.partition(" ")[0] for one in found] == ["3:1:", "3:14:", "5:39:"]


def test_rows_of_a_subscriber_are_one_subscriber(table: Path) -> None:
    found = checked(table, f"{HEAD},line,password,permissions\n"
                           f"{START},42027777101,desk,blue-kettle,voicemail\n"
                           f"{START},42027777102,desk,,\n"
                           f"{START},201,mobile,red-kettle,\n"
                           "acme,Europe/Vienna,petr,42027777104,,,\n")
    assert found.problems.errors == []
    assert [(entry.number.number, entry.number.owner, entry.number.zone.key,
             [line.name for line in entry.number.lines], entry.number.rights.voicemail)
            for entry in found.numbers] == [
        ("42027777101", "acme/jana", "Europe/Prague", ["desk", "mobile"], True),
        ("42027777102", "acme/jana", "Europe/Prague", ["desk", "mobile"], True),
        ("acme/201", "acme/jana", "Europe/Prague", ["desk", "mobile"], True),
        ("42027777104", "acme/petr", "Europe/Vienna", [], False)]


def test_a_table_has_what_the_yaml_file_of_its_organisation_says_for_all(
        table: Path, tmp_path: Path) -> None:
    shared = tmp_path / "acme.yaml"
    shared.write_text("organisation: acme\n"
                      "time_zone: Europe/Prague\n"
                      "dial_plan: {country: 420, local_digits: 9}\n"
                      "groups: {office: {permissions: [forward_external]}}\n"
                      "schedules: {hours: [{days: mon-fri, from: 08:00, to: 18:00, "
                      "sequence: day}]}\n")
    table.write_text("subscriber,number,group,schedule,sequence,to_1\n"
                     "jana,277771010,office,hours,day,737231010\n")
    found = check([table, shared], Platform(), NOW)
    assert found.problems.errors == []
    (entry,) = found.numbers
    assert (entry.number.number, entry.number.owner) == ("420277771010", "acme/jana")
    assert entry.number.rights.forward_external
    assert [window.sequence for window in entry.number.windows] == ["day"]
    assert entry.number.default is None
    assert str(entry.number.sequences[0].steps[0][0].target) == "420737231010"


def test_columns_of_other_people_are_mapped_or_left_out(table: Path) -> None:
    names = headers(["Phone=number", "A=b=organisation", "Notes="])
    found = checked(table, "A=b,Time Zone,SUBSCRIBER,Phone,Notes\n"
                           "acme,Europe/Prague,jana,42027777101,secret plans\n", names)
    assert found.problems.errors == []
    assert [entry.number.number for entry in found.numbers] == ["42027777101"]


@pytest.mark.parametrize(("text", "found"), [
    pytest.param(f"{HEAD}\n{START},42027777101\n{START},4.20278E+10\n{START},42027777101.0\n", [
        "3:25: 4.20278E+10: a spreadsheet has made", "4:25: 42027777101.0: a spreadsheet has made"],
        id="numbers that a spreadsheet has rounded"),
    pytest.param(f"{HEAD},to_1,to_2,ring_2\n{START},42027777101,'+1,x,0\n{START},201,=1+1,,9\n", [
        "2:37: \"'+1\" is not a target", "2:41: 'x' is not a target",
        "2:43: a ring time is 1 to 600 seconds, not 0", "3:29: '=1+1' is not a target",
        "3:35: to is missing"], id="all cells of all rows"),
    pytest.param(f"{HEAD},colour,number,Ring\n{START},42027777101,red,42027777102,4\n", [
        "1:42: there is no column 'colour'; known are:", "1:49: the column number stands here twi"],
        id="headers"),
    pytest.param("organisation,numer\nacme,1\n", [
        "1:1: there is no column number; --map THEIRS=number says which",
        "1:1: there is no column subscriber", "1:14: there is no column 'numer'; did you mean num"],
        id="columns that lack"),
    pytest.param(f"{HEAD}\nacme,Europe/Prague,,42027777101\n,,jana,\n", [
        "2:1: subscriber is missing; write one, such as  jana",
        "3:1: number is missing; write one, such as  42027777100"], id="cells that lack"),
    pytest.param("subscriber,number\njana,42027777101\n", [
        "2:1: organisation is missing", "2:1: time_zone is missing"], id="no organisation"),
    pytest.param(f"{HEAD}\n{START},42027777101,x\n{START}\n,,,\n\n", [
        "2:1: this row has 5 values for 4 columns", "3:1: this row has 3 values for 4 columns"],
        id="more or fewer values than columns"),
    pytest.param(f"{HEAD}\n{START},42027777101\n{START},42027777101\n", [
        "3:25: number 42027777101 stands in"], id="a number twice"),
    pytest.param(f"{HEAD},group,line,password\n{START},201,a,desk,kettle-73\n"
                 f"{START},202,b,desk,kettle-74\n", [
        "2:29: there is no group 'a'", "3:29: group is not the same in", "3:36: password is not"],
        id="rows of a subscriber that differ"),
    pytest.param(f"{HEAD},password\n{START},201,kettle-73\n", [
        "2:29: this belongs to a line; write its name into the column line"], id="no line"),
    pytest.param(f"{HEAD},,\n{START},201,,x\n{START},202,,\n", [
        "2:30: this column has no name; write one above"], id="a value below no name"),
    pytest.param("", ["1:1: there is no row"], id="an empty file"),
    pytest.param(f"{HEAD}\n", ["1:1: there is no row"], id="headers only"),
])
def test_every_mistake_is_said_at_its_cell(table: Path, text: str, found: list[str]) -> None:
    said = errors(table, text)
    assert [one[:len(start)] for one, start in zip(said, found, strict=True)] == found


BAD = f"{START},x\n".encode()
SAID = "a telephone number"
"""Of the row after the hostile one: reading goes on."""


@pytest.mark.parametrize(("hostile", "found"), [
    pytest.param(b"acme,\0,jana,1\n", ["2:6: a control character stands here", SAID], id="NUL"),
    pytest.param(b"acme,\xc3\xa9,\xff,1\n", ["2:8: this is not UTF-8; save the file as", SAID],
                 id="not UTF-8"),
    pytest.param(b"acme," + b"x" * 10_000_000 + b",1\n", ["2:1: this row has more than 1,048,576",
                                                          SAID], id="10 MB"),
    pytest.param(b'acme,"E"x,jana,1\n', ["2:9: after the closing quote stands more text", SAID],
                 id="text behind a quote"),
    pytest.param(b'acme,"Europe,jana,1\n', ["2:6: the quote that opens here is never closed"],
                 id="a quote that is never closed"),
    pytest.param(b'acme,"' + b"x" * (MAX_LINE // 2) + b"\n" + b"x" * (MAX_LINE // 2) + b"\n",
                 ["2:6: this row has more than 1,048,576 bytes", SAID], id="a quoted 1 MiB"),
])
def test_hostile_bytes_cost_their_own_row(table: Path, hostile: bytes, found: list[str]) -> None:
    said = errors(table, HEAD.encode() + b"\n" + hostile + BAD)
    assert len(said) == len(found)
    assert all(part in one for one, part in zip(said, found, strict=True))


@pytest.mark.parametrize("text", [
    "subscriber,number\njana,1\n".encode("utf-16"), b"subscriber\0,number\njana,1\n",
    b'"subscriber"x,number\njana,1\n'], ids=["UTF-16", "NUL", "quotes"])
def test_nothing_is_read_below_headers_that_cannot_be_read(table: Path, text: bytes) -> None:
    assert len(errors(table, text)) == 1


def test_a_file_that_is_not_there_is_an_error_like_any_other(table: Path) -> None:
    found = check([table], Platform(), NOW).problems.errors
    assert [error.text for error in found] == ["the file cannot be read: No such file or directory"]


@pytest.mark.parametrize(("pair", "text"), [
    ("Phone", "write THEIRS=OURS"), ("=number", "write THEIRS=OURS"),
    ("Phone=numer", "there is no column 'numer'; did you mean number?")])
def test_a_mapping_that_cannot_be_meant_is_refused(pair: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        headers([pair])


def test_rows_come_one_by_one_and_nothing_is_kept_of_them(table: Path) -> None:
    table.write_text(f"{HEAD}\n" + "".join(f"{START},4202777{index:04}\n" for index in range(100)))
    found = rows.rows(table, Headers(), Problems())
    place, tree = next(found)
    assert (place.line, list(tree.content["subscribers"].content)) == (2, ["jana"])
    assert sum(1 for _ in found) == 99
