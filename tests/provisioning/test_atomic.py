# SPDX-License-Identifier: GPL-2.0-or-later
"""A writer that dies, or meets another one, leaves each number old or new (SPEC A3)."""

import multiprocessing
import os
import random
import re
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from kemi_routing import record
from kemi_routing.redis import keys
from provisioning import revisions
from provisioning.cli import main
from provisioning.storage import Storage
from tests.provisioning.conftest import Followme

FORK = multiprocessing.get_context("fork")
PEOPLE = 9  # too few for a brake


def people(version: int) -> str:
    """A file in which the ring time of all numbers is the version, and so is the cap that they
    share; the second alias comes and goes.
    """
    rows = "".join(
        f"  s{index}:\n    group: all\n"
        f"    lines: {{line-{index}: {{password: words-of-{index}}}}}\n"
        f"    numbers:\n      {42027770000 + index}:\n        ring: {version}\n        aliases: "
        f"[{42073000000 + index}@pstn"
        + (f", {42074000000 + index}@pstn" if version % 2 else "") + "]\n"
        for index in range(PEOPLE))
    return ("organisation: acme\ntime_zone: Europe/Prague\n"
            f"groups: {{all: {{max_calls: {version}}}}}\nsubscribers:\n{rows}")


def write(path: Path, version: int) -> Path:
    path.write_text(people(version))
    return path


def ring_times(storage: Storage) -> Counter[int]:
    """How many numbers are in each version, after every number was found whole."""
    found: Counter[int] = Counter()
    owned = dict.fromkeys(map(bytes.decode, storage.client.scan_iter("fm:1:alias:*")), 0)
    for name in map(bytes.decode, storage.client.scan_iter("fm:1:number:*")):
        data = storage.read([name])[name]
        number = record.decode_number(data)
        key = number.number
        held = storage.read([keys.authored(key), *map(keys.alias, number.aliases)])
        text = revisions.decode_text(held.pop(keys.authored(key))).text
        assert re.findall(r"ring: (\d+)", text) == [str(number.ring_s)]
        assert number.rights.max_calls == number.ring_s
        assert held == {keys.alias(one): number.owner.encode() for one in number.aliases}
        assert storage.belongings([number.owner])[number.owner] >= {
            f"number:{key}", *(f"alias:{one}" for one in number.aliases)}
        past = [one.revision for one in storage.versions(key)]
        assert [*past, number.revision] == [*range(1, number.revision + 1)][-len(past) - 1:]
        owned |= dict.fromkeys(map(keys.alias, number.aliases), 1)
        found[number.ring_s] += 1
    assert set(owned.values()) <= {1}
    return found


def applying(path: Path) -> multiprocessing.process.BaseProcess:
    process = FORK.Process(target=lambda: sys.exit(main(
        ["apply", "--yes", "-F", "json", str(path)])))
    process.start()
    return process


@pytest.mark.parametrize("kills", [20, pytest.param(400, marks=pytest.mark.long)])
@pytest.mark.timeout(300)
def test_a_writer_that_is_killed_leaves_each_number_old_or_new(
        followme: Followme, storage: Storage, tmp_path: Path, kills: int,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.storage.AT_ONCE", 2)  # else all of it is one transaction
    assert followme("apply", "--yes", write(tmp_path / "a.yaml", 20)).code == 0
    for version in range(21, 21 + kills):
        before, written = set(ring_times(storage)), storage.client.xlen(keys.changes())
        process = applying(write(tmp_path / "a.yaml", version))
        until = written + random.randint(0, PEOPLE)
        while process.is_alive() and storage.client.xlen(keys.changes()) < until:
            pass  # a wait of any length would be longer than a write
        process.kill()
        process.join()
        assert set(ring_times(storage)) <= before | {version}
    assert followme("apply", "--yes", tmp_path / "a.yaml").code == 0
    assert ring_times(storage) == {20 + kills: PEOPLE}
    assert followme("export", "-o", tmp_path / "out").code == 0
    assert followme("plan", tmp_path / "out" / "acme.yaml").code == 0


@pytest.mark.parametrize("written", [1, 3])
def test_a_writer_that_is_killed_between_two_numbers_leaves_old_and_new_ones(
        followme: Followme, storage: Storage, tmp_path: Path, written: int,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.storage.AT_ONCE", 1)
    assert followme("apply", "--yes", write(tmp_path / "a.yaml", 20)).code == 0
    evalsha, left = Redis.evalsha, iter(range(written))

    def last(self: Redis, *arguments: Any) -> object:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return evalsha(self, *arguments)

    monkeypatch.setattr(Redis, "evalsha", last)
    process = applying(write(tmp_path / "a.yaml", 21))
    process.join()
    assert ring_times(storage) == {20: PEOPLE - written, 21: written}


def test_of_two_writers_at_once_one_wins_and_the_other_is_told(
        followme: Followme, storage: Storage, tmp_path: Path) -> None:
    assert followme("apply", "--yes", write(tmp_path / "a.yaml", 20)).code == 0
    for version in range(21, 31):
        both = [applying(write(tmp_path / name, version + 100 * index))
                for index, name in enumerate(("a.yaml", "b.yaml"))]
        for process in both:
            process.join()
        found = ring_times(storage)
        assert set(found) <= {version, version + 100}
        told = [process.exitcode == 1 for process in both]
        assert any(told) or len(found) == 1
