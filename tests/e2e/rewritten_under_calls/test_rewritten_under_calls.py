# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls all the time while what numbers share is rewritten (SPEC A3, S6)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from threading import Event
from typing import cast

import pytest

from kemi_routing.redis import keys
from kemi_routing.redis.store import connect
from tests.support.loopback import wait_until
from tests.support.other_edge import OtherEdge, other_edge
from tests.support.phones import busy
from tests.support.raw_sip import RawSip
from tests.support.situation import PAI_TRUNK, Situation

FIRST, COUNT = 42027777101, 300
MOBILE, CALLER = "42073723101", "42075553333"
OLD, NEW = 486, 603
WITHIN_S = 1.0
NUMBERS = [str(FIRST + index) for index in range(COUNT)]


@dataclass(frozen=True)
class Call:
    """What a caller heard, and when; seconds since the epoch."""

    number: str
    proxy: str
    began: float
    ended: float
    code: int | None


@pytest.fixture
def file(situation: Situation, tmp_path: Path) -> Path:
    """The file of all numbers, which are stored as it says."""
    text = (Path(__file__).parent / "situation.yaml").read_text(encoding="ascii")
    shared, _, one = text.partition("subscribers:\n")
    each = [one.replace(str(FIRST), number) for number in NUMBERS]
    path = tmp_path / "acme.yaml"
    path.write_text(f"{shared}subscribers:\n{''.join(each)}", encoding="ascii")
    situation.apply(path)
    return path


@pytest.fixture
def second(situation: Situation, tmp_path: Path) -> Iterator[OtherEdge]:
    with other_edge(situation, tmp_path) as edge:
        yield edge


def call(number: str, source: str, proxy: tuple[str, int]) -> Call:
    with RawSip(source, proxy) as raw:
        invite = raw.request("INVITE", f"sip:{number}@{proxy[0]}", ani=CALLER)
        began = time.time()
        heard = raw.ask(invite)
        ended = time.time()
        if heard is not None:
            raw.send(acknowledged(invite, heard["To"]))
    return Call(number, proxy[0], began, ended, heard.code if heard else None)


def acknowledged(invite: bytes, to: str) -> bytes:
    """The ACK to a refusal (RFC 3261 section 17.1.1.3)."""
    lines = [line for line in invite.decode().split("\r\n")
             if not line.startswith(("To:", "Contact:"))]  # fmt: skip
    ack = "\r\n".join([lines[0], f"To: {to}", *lines[1:]])
    return ack.replace("INVITE sip:", "ACK sip:").replace("1 INVITE", "1 ACK").encode()


@contextmanager
def calling(source: str, proxies: list[tuple[str, int]]) -> Iterator[list[Call]]:
    """Each number is called at each proxy in turn, without end, as long as the block lasts."""
    calls: list[Call] = []
    over = Event()

    def go_on(proxy: tuple[str, int]) -> None:
        for number in cycle(NUMBERS):
            if over.is_set():
                return
            calls.append(call(number, source, proxy))

    with ThreadPoolExecutor(len(proxies)) as callers:
        each = [callers.submit(go_on, proxy) for proxy in proxies]
        try:
            yield calls
        finally:
            over.set()
    for one in each:
        one.result()


def written_at(situation: Situation) -> dict[str, float]:
    """When each number was written last, by Redis's clock, which is ours."""
    with connect(situation.redis.url, timeout_s=2) as redis:
        found = cast(list[tuple[bytes, dict[bytes, bytes]]], redis.xrange(keys.changes()))
    return {entry[b"number"].decode(): int(name.partition(b"-")[0]) / 1000 for name, entry in found}


def test_each_call_meets_the_old_or_the_new_settings(
    situation: Situation, second: OtherEdge, file: Path
) -> None:
    situation.outside_phone(MOBILE, busy(), traced=False)
    proxies = [situation.edge.proxy, second.edge.proxy]
    every = {(number, proxy[0]) for number in NUMBERS for proxy in proxies}

    with calling(situation.network.address(PAI_TRUNK), proxies) as calls:
        wait_until(lambda: len(calls) > COUNT, "calls run")
        file.write_text(file.read_text("ascii").replace("sequence: open", "sequence: closed"),
                        encoding="ascii")  # fmt: skip
        began = time.time()
        situation.followme("apply", "--yes", "--changed", str(COUNT), str(file))
        ended, at = time.time(), written_at(situation)
        wait_until(lambda: {(one.number, one.proxy) for one in calls
                            if one.began > at[one.number] + WITHIN_S} == every, "all again", 20)

    assert {one.code for one in calls} == {OLD, NEW}
    assert all(began < at[number] < ended for number in NUMBERS)
    assert {one.code for one in calls if one.ended < at[one.number]} == {OLD}
    assert {one.code for one in calls if one.began > at[one.number] + WITHIN_S} == {NEW}
