# SPDX-License-Identifier: GPL-2.0-or-later
"""The network in force: from the store to every process of this proxy, without a restart.

The background process puts a new record, and what the host names in it mean, into a hash table
beside a count of the changes. Other processes look at the count when a callback begins, and read
both where it has changed: a worker waits for no name server.
"""

import os
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from kemi_routing import hops, network_record
from kemi_routing.errors import BrokenRecord, StoreUnavailable
from kemi_routing.ksr import names, next_hops
from kemi_routing.ksr.edge import Edge
from kemi_routing.network import Addresses, Network
from kemi_routing.redis import keys

TABLE = "network"
"""Hash table of kamailio.cfg."""
CHANGES, RECORD = "changes", "record"
LOOK_UP_S = 1.0
"""A network is in force by then, whatever of its names is not known yet."""
RELOAD_EVERY_S = 6
"""Dispatcher refuses to read its list again within 5 s (its reload_delta)."""


class Source(Protocol):
    """The store; raises StoreUnavailable."""

    def network(self) -> bytes | None: ...


class LastGood:
    """What was in force last, kept over restarts in files: the record, and what its names meant."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names = path.with_suffix(".names")

    def read(self) -> bytes | None:
        """The record; None where there is none."""
        with suppress(OSError):
            return self._path.read_bytes()
        return None

    def write(self, data: bytes) -> None:
        """Whole or not at all; raises OSError."""
        _write(self._path, data)

    def addresses(self) -> Addresses:
        """What the names meant; nothing where that was not kept, or cannot be read."""
        with suppress(OSError, BrokenRecord):
            return network_record.decode_addresses(self._names.read_bytes())
        return {}

    def write_addresses(self, addresses: Addresses) -> None:
        """Whole or not at all; raises OSError."""
        _write(self._names, network_record.encode_addresses(addresses))


def _write(path: Path, data: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(data)
    os.replace(new, path)


def at_start(source: Source, last_good: LastGood) -> tuple[Network | None, str]:
    """The network of the store, or its last good copy; and why not of the store, or "". Without
    both it is unknown.
    """
    why, known = f"{keys.network()}: nothing is there", True
    try:
        data = source.network()
        if data is not None:
            return network_record.decode(data), ""
    except (StoreUnavailable, BrokenRecord) as error:
        why, known = str(error), False
    try:
        found = network_record.decode(last_good.read() or b"")
        return found, f"{why}; revision {found.revision} holds on"
    except BrokenRecord:
        return Network() if known else None, why


def keep_up(edge: Edge) -> None:
    """Take the network that is in force now; once at the beginning of a callback."""
    table = edge.ksr.htable
    changes = table.sht_get(TABLE, CHANGES)
    if changes and changes != edge.changes:
        record, addresses = map(b64decode, str(table.sht_get(TABLE, RECORD)).split())
        network = network_record.decode(record)
        edge.settings = edge.settings.with_network(
            network.found(network_record.decode_addresses(addresses)))
        edge.changes = changes


class Follower:
    """Puts what the store says in force; lives in the background process only."""

    def __init__(self, edge: Edge, last_good: LastGood, hops_file: Path,
                 network: Network | None = None) -> None:
        """With the network of the start, None where it is not known: it is in force at once."""
        self._edge = edge
        self._last_good = last_good
        self._hops_file = hops_file
        self._heard: bytes | None = None
        self._network = network or Network(revision=edge.settings.network.revision)
        self._coming: tuple[Network, float] | None = None
        """What waits for its names, and until when."""
        self._addresses = last_good.addresses()
        if network is not None:
            edge.settings = edge.settings.with_network(network.found(self._addresses))
        self._listed = next_hops.probed(edge.settings.network)
        self._listed_at = 0.0

    def names(self) -> frozenset[str]:
        """The host names that it must know."""
        return self._coming[0].names if self._coming else self._network.names

    def hear(self, data: bytes | None, at: float) -> None:
        """The record as it stands in the store now, None where there is none.

        One that is broken or gone changes nothing: the last good one holds on.
        """
        edge = self._edge
        if data is None and not edge.settings.network_known:
            self._coming = Network(), at
        elif data != self._heard:
            try:
                if data is None:
                    raise BrokenRecord("nothing is there")
                self._coming = network_record.decode(data), at + LOOK_UP_S
                self._last_good.write(data)
            except BrokenRecord as error:
                edge.fault("network", why=f"{keys.network()}: {error}",
                           holds=self._network.revision)
            except OSError as error:
                edge.fault("network", why=f"no copy could be kept: {error}")
        self._heard = data

    def tick(self, at: float) -> None:
        """Put in force what was heard, once its names are known, and what they mean since then."""
        known = {name: names.hops(self._edge, name) for name in self.names()}
        addresses = {name: tuple(hops.place(hop.at) for hop in found) if found
                     else self._addresses.get(name, ()) for name, found in known.items()}
        if self._coming:
            network, until = self._coming
            if at < until <= at + LOOK_UP_S and any(
                    found is None and not addresses[name] for name, found in known.items()):
                return
            self._network, self._coming = network, None
            self._put(addresses)
            self._edge.tell("network", revision=network.revision, trunks=len(network.trunks),
                            gateways=len(network.gateways),
                            media_servers=len(network.media_servers),
                            iax_gateways=len(network.iax_gateways))
        elif any(self._addresses.get(name, ()) != behind for name, behind in addresses.items()):
            self._put(addresses)
        self._list_hops(at)

    def _put(self, addresses: Addresses) -> None:
        """Put the network in force with these addresses of its names."""
        edge, table = self._edge, self._edge.ksr.htable
        both = network_record.encode(self._network), network_record.encode_addresses(addresses)
        table.sht_sets(TABLE, RECORD, " ".join(b64encode(one).decode() for one in both))
        edge.changes = table.sht_inc(TABLE, CHANGES)
        edge.settings = edge.settings.with_network(self._network.found(addresses))
        for name, behind in addresses.items():
            if behind != self._addresses.get(name, ()):
                edge.tell("name", name=name, at=" ".join(behind))
        if addresses != self._addresses:
            self._keep(addresses)

    def _keep(self, addresses: Addresses) -> None:
        self._addresses = addresses
        try:
            self._last_good.write_addresses(addresses)
        except OSError as error:
            self._edge.fault("network", why=f"no copy could be kept: {error}")

    def _list_hops(self, at: float) -> None:
        """Tell dispatcher what to probe from now on; until then a new hop is out of service."""
        wanted = next_hops.probed(self._edge.settings.network)
        if wanted != self._listed and abs(at - self._listed_at) >= RELOAD_EVERY_S:
            next_hops.relist(self._edge, wanted, self._listed, self._hops_file)
            self._listed, self._listed_at = wanted, at
