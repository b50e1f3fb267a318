# SPDX-License-Identifier: GPL-2.0-or-later
"""Replay of a file of calls before a change of all their numbers: seconds and memory."""

import csv
import os
import random
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import provisioning
from tests.support.redis_server import RedisServer

NUMBERS, CALLS = 500, 100_000
NETWORK = Path(provisioning.__file__).parent / "examples" / "operator" / "network.yaml"
FIRST = 42027770000
_MONTH = datetime(2026, 11, 1, tzinfo=UTC)
_HEAD = "organisation: acme\ntime_zone: Europe/Prague\nsubscribers:\n"
_SUBSCRIBER = """\
  s{index}:
    permissions: [voicemail, forward_external]
    lines: {{desk-{index}: {{password: words-of-{index}}}}}
    numbers:
      {number}:
        mode: forward_then_voicemail
        aliases: [{alias}@pstn]
        default: mobile
        schedule:
          - {{days: mon-fri, from: 08:00, to: 12:00, sequence: office}}
          - {{days: mon-fri, from: 12:30, to: 18:00, sequence: office}}
          - {{days: [fri, sat], from: 22:00, to: 04:00, sequence: mobile}}
          - {{days: sun, from: 10:00, to: 16:00, sequence: colleague}}
        sequences:
          office:
            - {{to: line desk-{index}, ring: 20}}
            - together:
                - {{to: 49115234567, ring: 30, label: office}}
                - {{to: {mobile}, ring: 20, label: mobile, delay: 5}}
          mobile: [{{to: {mobile}, ring: 20}}]
          colleague: [{{to: {other}, ring: 20}}, {{to: {mobile}, ring: 20}}]
"""


def settings(path: Path, mobile: int) -> Path:
    """A file of numbers with four windows and three sequences; colleagues ring one another."""
    path.write_text(_HEAD + "".join(_SUBSCRIBER.format(
        index=index, number=FIRST + index, alias=42073700000 + index, mobile=mobile,
        other=FIRST + (index + 1) % NUMBERS) for index in range(NUMBERS)))
    return path


def calls(path: Path) -> Path:
    """Calls of a month, a third of them by owners; always the same ones."""
    chance, at = random.Random(5), _MONTH
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("received", "number", "caller", "grade", "via", "rule", "result"))
        for _ in range(CALLS):
            at += timedelta(seconds=chance.uniform(0, 50))
            index = chance.randrange(NUMBERS)
            caller = chance.choice((42073700000 + index, *(
                chance.randrange(42070000000, 42080000000) for _ in range(2))))
            table.writerow((at.isoformat(timespec="milliseconds"), FIRST + index, caller, "B",
                            "trunk carrier", "default", "answered"))
    return path


def run(redis: RedisServer, *arguments: str | Path) -> tuple[float, int, str]:
    """Seconds of the processor that a command took, the most bytes that it had, and what it said.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "provisioning", *map(str, arguments), "--redis", redis.url],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    said = process.stdout.read()
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, said


def main() -> int:
    """Print what the replay takes beside the plan alone."""
    with tempfile.TemporaryDirectory() as name:
        folder, redis = Path(name), RedisServer(Path(name) / "redis")
        redis.start()
        try:
            run(redis, "apply", "--yes", NETWORK)
            run(redis, "apply", "--yes", settings(folder / "acme.yaml", 42073723101))
            new = settings(folder / "acme.yaml", 42073723102)
            plain, _, _ = run(redis, "plan", new)
            seconds, most, said = run(redis, "plan", new, "--replay", calls(folder / "calls.csv"))
        finally:
            redis.stop()
    (told,) = [line for line in said.splitlines() if line.startswith("replay: ")]
    sys.stdout.write(
        f"{told}\nthe plan of {NUMBERS} numbers takes {plain:.1f} s of a processor, with replay "
        f"{seconds:.1f} s: {CALLS / (seconds - plain):,.0f} calls a second, "
        f"{most / (1 << 20):.0f} MiB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
