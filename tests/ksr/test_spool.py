# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines wait in files, over restarts, the oldest ones gone where there are too many."""

import os
from pathlib import Path

import pytest

from kemi_routing.ksr import spool
from kemi_routing.ksr.spool import Spool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run" / "records"


def drained(one: Spool) -> list[str]:
    """All lines, taken and given back."""
    lines: list[str] = []
    for file in one.files():
        lines += one.take(file)
        one.done(file)
    return lines


def test_lines_come_back_in_order_and_once(folder: Path) -> None:
    one = Spool(folder)
    assert drained(one) == []
    assert one.add(["a 1", "b 2"]) == one.add(["c 3"]) == 0
    assert drained(one) == ["a 1", "b 2", "c 3"]
    assert drained(one) == []
    one.add(["d 4"])
    assert drained(one) == ["d 4"]


def test_a_restart_finds_what_was_not_given_back(folder: Path) -> None:
    before = Spool(folder)
    before.add(["a 1"])
    before.take(before.files()[0])
    before.add(["b 2"])
    after = Spool(folder)
    after.add(["c 3"])
    assert drained(after) == ["a 1", "b 2", "c 3"]


def test_what_is_taken_grows_no_more(folder: Path) -> None:
    one = Spool(folder)
    one.add(["a 1"])
    (file,) = one.files()
    assert one.take(file) == ["a 1"]
    one.add(["b 2"])
    one.done(file)
    assert drained(one) == ["b 2"]


def test_beyond_the_bound_the_oldest_go_and_are_counted(
        folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "FILE_LINES", 10)
    monkeypatch.setattr(spool, "MOST_FILES", 3)
    one = Spool(folder)
    dropped = [one.add([f"line {number}"]) for number in range(45)]
    assert sum(dropped) == 20
    assert drained(one) == [f"line {number}" for number in range(20, 45)]


def test_a_hundred_thousand_calls_have_room() -> None:
    assert (spool.MOST_FILES - 1) * spool.FILE_LINES >= 3 * 100_000


def test_a_line_that_was_cut_off_spoils_no_other(folder: Path) -> None:
    one = Spool(folder)
    one.add(["a 1"])
    with one.files()[0].open("ab") as file:
        file.write(b"\nb 2 cut o\xff")
    one.add(["c 3"])
    assert drained(one) == ["a 1", "b 2 cut o\ufffd", "c 3"]


def test_a_full_disk_costs_the_oldest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "FILE_LINES", 1)
    one = Spool(folder)
    one.add(["a 1"])
    one.add(["b 2"])
    write, full = os.write, [True]

    def once_full(opened: int, data: bytes) -> int:
        return write(opened, data[:3]) if full and full.pop() else write(opened, data)

    monkeypatch.setattr(os, "write", once_full)
    assert one.add(["c 3"]) == 1
    assert drained(one) == ["b 2", "c ", "c 3"]


def test_where_nothing_can_be_written_the_caller_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Spool(tmp_path / "file" / "records").add(["a 1"])


def test_only_we_can_read_them(folder: Path) -> None:
    one = Spool(folder)
    one.add(["a 1"])
    modes = [path.stat().st_mode & 0o777 for path in (folder, one.files()[0])]
    assert modes == [0o700, 0o600]
