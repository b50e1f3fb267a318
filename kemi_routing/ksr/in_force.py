# SPDX-License-Identifier: GPL-2.0-or-later
"""The network in force: from the store to every process of this proxy, without a restart.

The background process puts a new record into a hash table beside a count of the changes. Other
processes look at the count when a callback begins, and read the record where it has changed.
"""

import os
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from kemi_routing import network_record
from kemi_routing.errors import BrokenRecord, StoreUnavailable
from kemi_routing.ksr import next_hops
from kemi_routing.ksr.edge import Edge
from kemi_routing.network import Network
from kemi_routing.redis import keys
from kemi_routing.settings import Settings

TABLE = "network"
"""Hash table of kamailio.cfg."""
CHANGES, RECORD = "changes", "record"
RELOAD_EVERY_S = 6
"""Dispatcher refuses to read its list again within 5 s (its reload_delta)."""


class Source(Protocol):
    """The store; raises StoreUnavailable."""

    def network(self) -> bytes | None: ...


class LastGood:
    """The record that was in force last, kept over restarts in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes | None:
        """None where there is none."""
        with suppress(OSError):
            return self._path.read_bytes()
        return None

    def write(self, data: bytes) -> None:
        """Whole or not at all; raises OSError."""
        new = self._path.with_suffix(".new")
        new.write_bytes(data)
        os.replace(new, self._path)


def at_start(settings: Settings, source: Source, last_good: LastGood,
             ) -> tuple[Settings, str]:
    """The settings in the network of the store, or of its last good copy; and why not of the store,
    or "". Without both the network stays unknown.
    """
    why, known = f"{keys.network()}: nothing is there", True
    try:
        data = source.network()
        if data is not None:
            return settings.with_network(network_record.decode(data)), ""
    except (StoreUnavailable, BrokenRecord) as error:
        why, known = str(error), False
    try:
        found = network_record.decode(last_good.read() or b"")
        return settings.with_network(found), f"{why}; revision {found.revision} holds on"
    except BrokenRecord:
        return settings.with_network(Network()) if known else settings, why


def keep_up(edge: Edge) -> None:
    """Take the network that is in force now; once at the beginning of a callback."""
    table = edge.ksr.htable
    changes = table.sht_get(TABLE, CHANGES)
    if changes and changes != edge.changes:
        data = b64decode(str(table.sht_get(TABLE, RECORD)))
        edge.settings = edge.settings.with_network(network_record.decode(data))
        edge.changes = changes


class Follower:
    """Puts what the store says in force; lives in the background process only."""

    def __init__(self, edge: Edge, last_good: LastGood, hops_file: Path) -> None:
        self._edge = edge
        self._last_good = last_good
        self._hops_file = hops_file
        self._heard: bytes | None = None
        self._listed = next_hops.probed(edge.settings.network)
        self._listed_at = 0.0

    def hear(self, data: bytes | None, at: float) -> None:
        """The record as it stands in the store now, None where there is none.

        One that is broken or gone changes nothing: the last good one holds on.
        """
        edge = self._edge
        if data is None and not edge.settings.network_known:
            self._put(Network())
        elif data != self._heard:
            try:
                if data is None:
                    raise BrokenRecord("nothing is there")
                self._put(network_record.decode(data))
                self._last_good.write(data)
            except BrokenRecord as error:
                edge.fault("network", why=f"{keys.network()}: {error}",
                           holds=edge.settings.network.revision)
            except OSError as error:
                edge.fault("network", why=f"no copy could be kept: {error}")
        self._heard = data
        self._list_hops(at)

    def _put(self, network: Network) -> None:
        edge, table = self._edge, self._edge.ksr.htable
        table.sht_sets(TABLE, RECORD, b64encode(network_record.encode(network)).decode())
        edge.changes = table.sht_inc(TABLE, CHANGES)
        edge.settings = edge.settings.with_network(network)
        edge.tell("network", revision=network.revision, trunks=len(network.trunks),
                  gateways=len(network.gateways), media_servers=len(network.media_servers),
                  iax_gateways=len(network.iax_gateways))

    def _list_hops(self, at: float) -> None:
        """Tell dispatcher what to probe from now on; until then a new hop is out of service."""
        wanted = next_hops.probed(self._edge.settings.network)
        if wanted != self._listed and abs(at - self._listed_at) >= RELOAD_EVERY_S:
            next_hops.relist(self._edge, wanted, self._listed, self._hops_file)
            self._listed, self._listed_at = wanted, at
