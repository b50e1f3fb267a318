# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake's memory that all workers share: the functions of KSR.htable and KSR.mqueue.

Tables and queues are those of `kamailio.cfg`; no time passes, so nothing expires by itself.
"""

import re
from collections import deque
from pathlib import Path
from typing import Any

from tests.support.fake_message import Part
from tests.support.fake_state import Misuse, Process
from tests.support.fake_tm import Tm
from tests.support.sip_message import parse_uri

CONFIGURATION = Path(__file__).parents[2] / "kamailio" / "kamailio.cfg"
_TABLE = re.compile(r'^modparam\("htable", "htable", "(\w+)=>size=\d+;initval=0;', re.MULTILINE)
_QUEUE = re.compile(r'^modparam\("mqueue", "mqueue", "name=(\w+);', re.MULTILINE)


class Htable(Part):
    """Tables of integers and texts; what was never set is 0."""

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        names = _TABLE.findall(CONFIGURATION.read_text(encoding="utf-8"))
        self.tables: dict[str, dict[str, Any]] = {name: {} for name in names}
        self.locked: dict[tuple[str, str], int] = {}
        """How often this process holds a lock."""
        self.lasting_s: dict[tuple[str, str], int] = {}
        """How long an entry lasts that was written with a time of its own."""

    def sht_get(self, table: str, key: str) -> Any:
        return self._table(table).get(key, 0)

    def sht_sets(self, table: str, key: str, value: str) -> int:
        self._table(table)[key] = value
        self.lasting_s.pop((table, key), None)
        return 1

    def sht_seti(self, table: str, key: str, value: int) -> int:
        self._table(table)[key] = value
        return 1

    def sht_setxi(self, table: str, key: str, value: int, expires_s: int) -> int:
        self._table(table)[key] = value
        self.lasting_s[table, key] = expires_s
        return 0

    def sht_setex(self, table: str, key: str, expires_s: int) -> int:
        if key in self._table(table):
            self.lasting_s[table, key] = expires_s
        return 0

    def sht_inc(self, table: str, key: str) -> int:
        return self._add(table, key, 1)

    def sht_dec(self, table: str, key: str) -> int:
        return self._add(table, key, -1)

    def sht_rm(self, table: str, key: str) -> int:
        self._table(table).pop(key, None)
        return 1

    def sht_lock(self, table: str, key: str) -> int:
        self._table(table)
        self.locked[table, key] = self.locked.get((table, key), 0) + 1
        return 1

    def sht_unlock(self, table: str, key: str) -> int:
        if not self.locked.get((table, key)):
            raise Misuse(f"{table}=>{key} is not locked; Kamailio would free somebody else's lock")
        self.locked[table, key] -= 1
        return 1

    def _add(self, table: str, key: str, count: int) -> int:
        value = int(self.sht_get(table, key)) + count
        self.sht_seti(table, key, value)
        return value

    def _table(self, name: str) -> dict[str, Any]:
        if name not in self.tables:
            raise Misuse(f"no table {name} in kamailio.cfg; Kamailio logs it and goes on")
        return self.tables[name]


class Dmq(Part):
    """Channels of the other proxies; what they say goes to the modules, not to our callbacks."""

    CHANNELS = ("notification_peer", "usrloc", "htable")

    def __init__(self, process: Process, tm: Tm) -> None:
        super().__init__(process)
        self._tm = tm
        self.handled: list[str] = []

    def handle_message(self) -> int:
        uri = parse_uri(self._message.uri)
        channel = uri.user if uri else ""
        if channel in self.CHANNELS:
            self.handled.append(channel)
        else:
            self._tm.send_reply(404, "User Not Found")
        return 0


class Mqueue(Part):
    """Queues between processes; each process has the one item that it fetched last."""

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        names = _QUEUE.findall(CONFIGURATION.read_text(encoding="utf-8"))
        self.queues: dict[str, deque[tuple[str, str]]] = {name: deque() for name in names}
        self._fetched: dict[str, tuple[str, str]] = {}

    def mq_add(self, name: str, key: str, value: str) -> int:
        self._queue(name).append((key, value))
        return 1

    def mq_fetch(self, name: str) -> int:
        self._fetched.pop(name, None)
        if not self._queue(name):
            return -2
        self._fetched[name] = self._queue(name).popleft()
        return 1

    def mq_size(self, name: str) -> int:
        return len(self._queue(name))

    def mqk_get(self, name: str) -> str | None:
        return self._fetched[name][0] if name in self._fetched else None

    def mqv_get(self, name: str) -> str | None:
        return self._fetched[name][1] if name in self._fetched else None

    def _queue(self, name: str) -> deque[tuple[str, str]]:
        if name not in self.queues:
            raise Misuse(f"no queue {name} in kamailio.cfg; Kamailio logs it and goes on")
        return self.queues[name]


class Dispatcher(Part):
    """Gateways and media servers, by their URI; all serve unless a test says otherwise."""

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self.out_of_service: set[str] = set()
        self.reloads = 0

    def ds_is_active_uri(self, _group: int, uri: str) -> int:
        return -1 if uri in self.out_of_service else 1

    def ds_reload(self) -> int:
        self.reloads += 1
        return 1
