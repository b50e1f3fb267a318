# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes that wait in a file, what is printed of them, and how far it is."""

import errno
import json
import os
import sys
from dataclasses import replace

import pytest

from provisioning.output import document, streamed
from provisioning.plan_file import Spool, decode, encode
from provisioning.problems import Refused
from provisioning.progress import Progress
from provisioning.storage import Change

FULL = Change(
    "number", "42027777101", "acme/jana", "changed", 1, 2,
    expects={"a": frozenset([None, "00ff"]), "b": frozenset()}, sets={"a": bytes(range(256))},
    deletes=("c",), texts={"t": "42027777101: {}  # Jana's č\n"}, remembers={"h": b"\xff"},
    joins=("number:42027777101",), leaves=("alias:420",), what=("ring time 30 s → 25 s",),
    same_calls=True, goes_silent=True)
LEAST = Change("line", "desk", "acme/jana", "unchanged")


@pytest.mark.parametrize("change", [FULL, LEAST], ids=["full", "least"])
def test_a_change_comes_back(change: Change) -> None:
    assert decode(encode(change)) == change


def test_changes_come_in_blocks_too() -> None:
    spool = Spool()
    for index in range(2500):
        spool.add(replace(LEAST, name=f"desk-{index}"))
    blocks = [[*spool.within(block)] for block in spool.blocks()]
    assert [len(block) for block in blocks] == [1000, 1000, 500]
    assert [change for block in blocks for change in block] == [*spool]


def test_changes_that_wait_come_in_order_to_each_who_asks() -> None:
    spool = Spool()
    for _ in range(3000):
        spool.add(FULL)
    first, second = iter(spool), iter(spool)
    assert [next(first), next(second), next(first)] == [FULL] * 3
    spool.add(LEAST)
    assert (len(list(first)), len(list(second)), len(spool)) == (2998, 2999, 3001)
    assert [*spool][-1] == LEAST


def test_a_full_disk_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(os, "write", full)
    spool = Spool()
    spool.add(LEAST)
    with pytest.raises(Refused, match="No space left on device; give another folder:  TMPDIR="):
        list(spool)


@pytest.mark.parametrize("form", ["json", "yaml"])
@pytest.mark.parametrize("many", [[], [{"name": "a", "what": []}],
                                  [{"name": "ž", "what": ["x\ny", "z"]}, {"name": "b"}]])
def test_what_is_printed_piece_by_piece_is_what_would_be_printed_at_once(
        form: str, many: list[object]) -> None:
    whole = {"first": 1, "changes": many, "warnings": ["w"], "last": {"a": {}}}
    pieces = "".join(streamed(whole | {"changes": iter(many)}, form))
    assert pieces == document(whole, form) + "\n"
    assert form == "yaml" or json.loads(pieces) == whole


class TestProgress:
    def progress(self, total: int = 0) -> Progress:
        clock = iter(range(0, 1000, 10))
        return Progress("written", total, lambda: float(next(clock)))

    def test_is_a_line_for_each_thousand_in_a_log(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert list(self.progress(4000).of(range(2500))) == list(range(2500))
        assert capsys.readouterr().err == (
            "written: 1,000 of 4,000 (25 %), 100 a second, 30 s left\n"
            "written: 2,000 of 4,000 (50 %), 100 a second, 20 s left\n")

    def test_says_the_rate_where_nobody_knows_how_much_there_is(
            self, capsys: pytest.CaptureFixture[str]) -> None:
        self.progress().add(5000)
        assert capsys.readouterr().err == "written: 5,000, 500 a second\n"

    def test_says_minutes(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.progress(1_000_000).add(5000)
        assert capsys.readouterr().err.endswith("500 a second, 33 min 10 s left\n")

    def test_stays_on_its_line_on_a_terminal(self, capsys: pytest.CaptureFixture[str],
                                             monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        list(self.progress(2000).of(range(2000)))
        shown = capsys.readouterr().err
        assert shown.startswith("\r\x1b[Kwritten: 1,000 of 2,000 (50 %)")
        assert "\n" not in shown
        assert shown.endswith("\r\x1b[K")

    def test_is_silent_of_few(self, capsys: pytest.CaptureFixture[str]) -> None:
        list(self.progress(999).of(range(999)))
        assert capsys.readouterr().err == ""
