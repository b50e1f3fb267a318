# SPDX-License-Identifier: GPL-2.0-or-later
"""Bulk import into a Redis of its own: seconds, memory of the importer, memory of Redis."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from kemi_routing import network_record
from kemi_routing.network import Network, Server
from kemi_routing.redis import keys
from provisioning.storage import Storage
from tests.bench import rows
from tests.support.redis_server import RedisServer

FORMS = ("csv", "jsonl")
MIB = 1 << 20
NETWORK = Network(1, gateways=(Server("127.0.0.1:5080", name="carrier"),),
                  media_servers=(Server("127.0.0.1:5070", name="media"),))


@dataclass(frozen=True)
class Import:
    """What an import took."""

    seconds: float
    processor_s: float
    """Of the importer and its workers; Redis has its own."""
    rss: int
    """The most bytes that one of its processes had."""
    redis: int
    """Bytes more that Redis has."""

    def line(self, what: str, count: int) -> str:
        """For people."""
        return (f"{what}: {self.seconds:.1f} s, {count / self.seconds:,.0f} numbers a second, "
                f"{self.processor_s:.1f} s of the processor, importer {self.rss / MIB:.0f} MiB, "
                f"Redis {self.redis / count:.0f} bytes a number")


def run(folder: Path, form: str, count: int, redis: RedisServer) -> Import:
    """Import so many rows of a table, or JSON lines, that stand beside an organisation's file."""
    (folder / "acme.yaml").write_text(rows.SHARED)
    path = rows.write(folder / f"rows.{form}", count)
    client = Storage(redis.url, timeout_s=60).client
    client.flushall()
    client.set(keys.network(), network_record.encode(NETWORK))
    before, began = used(redis), time.monotonic()
    command = [sys.executable, "-m", "provisioning", "apply", "--yes", "--redis", redis.url,
               str(folder / "acme.yaml"), str(path)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    said = (folder / "log").read_text()
    if status or "warning" in said:
        raise SystemExit(said[-2000:])
    rss = usage.ru_maxrss * 1024
    return Import(seconds, usage.ru_utime + usage.ru_stime, rss, used(redis) - before)


def used(redis: RedisServer) -> int:
    """Bytes that Redis has in use."""
    found = cast(dict[str, int], Storage(redis.url).client.info("memory"))
    return found["used_memory"]


def main(arguments: list[str]) -> int:
    """Print what imports of so many numbers take."""
    counts = [int(one) for one in arguments] or [10_000, 100_000]
    with tempfile.TemporaryDirectory() as name:
        redis = RedisServer(Path(name) / "redis")
        redis.start()
        try:
            for form in FORMS:
                for count in counts:
                    found = run(Path(name), form, count, redis)
                    sys.stdout.write(found.line(f"{count:,} rows of {form}", count) + "\n")
        finally:
            redis.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
