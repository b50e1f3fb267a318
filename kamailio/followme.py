# SPDX-License-Identifier: GPL-2.0-or-later
"""Kamailio's entry: the only module that imports KSR.

Every callback is guarded: an error costs this call an answer 500 and leaves the next one alone.
"""

import ctypes
import gc
import os
import secrets
import socket
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import KSR

from kemi_routing import settings
from kemi_routing.ksr import bans, branch_proof, flows, in_dialog, in_force, next_hops
from kemi_routing.ksr.background import Background
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.fork import Fork
from kemi_routing.ksr.keeper import Keeper
from kemi_routing.ksr.name_servers import NameServers
from kemi_routing.ksr.requests import Requests
from kemi_routing.ksr.resolver import Resolver
from kemi_routing.ksr.spool import Spool
from kemi_routing.redis.call_store import CallStore
from kemi_routing.redis.store import Store

OK, DROP = 1, -1

LINE_BUFFERED = 1  # _IOLBF of stdio.h
LINE = ctypes.create_string_buffer(8192)  # C keeps writing into it


class Handler:
    """One per process, made before the fork; Kamailio calls it with each message."""

    def __init__(self, edge: Edge, background: Background, keeper: Keeper) -> None:
        self._edge = edge
        self._background = background
        self._resolver = Resolver(edge, NameServers(), _monotonic_ms, background.names)
        self._keeper = keeper
        self._fork = Fork(edge, _monotonic_ms)
        self._requests = Requests(edge, self._fork, lambda: datetime.now(UTC))

    def child_init(self, rank: int) -> int:
        """Nothing to set up: Redis is connected when the first call needs it."""
        return 0

    def ksr_request_route(self, msg: object) -> int:
        """A request came in."""
        return self._guard(self._requests.route, self._refuse)

    def ksr_too_many(self, msg: object, source: str) -> int:
        """A source, its transport and address, sends more than its limit: whether to go on with its
        message, not read yet.
        """
        transport, _, address = source.partition(" ")
        dropped = False

        def judge() -> None:
            nonlocal dropped
            dropped = bans.sends_too_much(self._edge, address, by_udp=transport == "udp")

        self._guard(judge)
        return DROP if dropped else OK

    def ksr_not_its_own(self, msg: object) -> int:
        """An answer came without the proof of its branch; kamailio.cfg drops it."""
        return self._guard(lambda: branch_proof.not_its_own(self._edge))

    def ksr_branch_route(self, msg: object) -> int:
        """tm adds a branch. One that cannot be dressed would show the caller: it is dropped."""
        return self._guard(self._fork.branches.on_branch, self._edge.ksr.set_drop)

    def ksr_branch_failure(self, msg: object) -> int:
        """A branch ended without an answer."""
        return self._guard(self._fork.on_branch_failure)

    def ksr_reply(self, msg: object) -> int:
        """A branch answered."""
        return self._guard(self._fork.on_reply)

    def ksr_phone_reply(self, msg: object) -> int:
        """A phone answered that is reached where its answers come from."""
        return self._guard(lambda: flows.add_alias(self._edge)) and self.ksr_reply(msg)

    def ksr_contact_reply(self, msg: object) -> int:
        """The same of a phone that is rung for another proxy."""
        return self._guard(lambda: in_dialog.on_contact(self._edge))

    def ksr_refresh(self, msg: object) -> int:
        """A side of a call answered a new INVITE or UPDATE."""
        return self._guard(lambda: in_dialog.on_refresh(self._edge))

    def ksr_masked_answer(self, msg: object) -> int:
        """A side of a call in which From is replaced answered another request within it."""
        return self._guard(lambda: in_dialog.on_masked_answer(self._edge))

    def ksr_flow_reply(self, msg: object) -> int:
        """The same, where it is reached where its answers come from."""
        return self._guard(lambda: in_dialog.on_flow_answer(self._edge))

    def ksr_stray_answer(self, msg: object, event: str) -> int:
        """An answer came to nothing that tm knows (modparam on_sl_reply)."""
        return self._guard(lambda: in_dialog.stray_answer(self._edge), self._edge.ksr.set_drop)

    def ksr_delay_over(self, msg: object) -> int:
        """A target that starts later rings now."""
        return self._guard(self._fork.on_delay_over, self._refuse)

    def ksr_failure_route(self, msg: object) -> int:
        """All branches ended without an answer."""
        return self._guard(self._fork.on_failure, self._refuse)

    def ksr_relay_failure(self, msg: object) -> int:
        """The one target of a call outside did not answer, and the caller hears what it said."""
        return self._guard(self._fork.on_relay_failure)

    def ksr_background(self, msg: object, event: str) -> int:
        """The background process has its turn (module rtimer)."""
        now = datetime.now(UTC)
        self._guard(self._resolver.tick)  # first: calls wait for it
        self._guard(lambda: self._background.tick(now))
        return self._guard(lambda: self._keeper.tick(now))

    def _guard(self, callback: Callable[[], None],
               otherwise: Callable[[], object] = lambda: None) -> int:
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - else the caller would hear silence
            where = " ".join(traceback.format_exc().split())
            self._edge.alarm("error", what=repr(error), traceback=where)
            otherwise()
        return OK

    def _refuse(self) -> None:
        try:
            self._edge.reply(500, "Server Internal Error")
        except RuntimeError as error:
            self._edge.alarm("unanswered", what=str(error))


def _log_whole_lines() -> None:
    """glibc from 2.37 on writes 128 bytes at a time; workers would tear each other's lines."""
    libc = ctypes.CDLL(None)
    stderr = ctypes.c_void_p.in_dll(libc, "stderr")
    libc.setvbuf(stderr, LINE, LINE_BUFFERED, ctypes.c_size_t(len(LINE)))


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _begin_with_network(edge: Edge) -> in_force.Follower:
    """Trunks, gateways and media servers are known to the first call, and to dispatcher."""
    last_good = in_force.LastGood(Path(os.environ["FOLLOWME_NETWORK"]))
    hops = Path(os.environ["FOLLOWME_HOPS"])
    store = Store(edge.settings.redis, edge.ksr.err)  # no connection of ours may be forked
    network, why = in_force.at_start(store, last_good)
    store.close()
    if why:
        edge.tell("network", why=why)
    follower = in_force.Follower(edge, last_good, hops, network)
    next_hops.write_list(next_hops.probed(edge.settings.network), hops)
    return follower


def mod_init() -> Handler:
    """Called once, before the fork."""
    _log_whole_lines()
    chosen = settings.from_environment(os.environ)
    store = Store(chosen.redis, lambda why: edge.alarm("broken", why=why))
    edge = Edge(KSR, chosen, store, os.environ["FOLLOWME_SECRET"], secrets.token_hex(4))
    proxy = f"{socket.gethostname()}:{chosen.address}:{chosen.port}"
    keeper = Keeper(edge, CallStore(chosen.redis, chosen.records_days),
                    Spool(Path(os.environ["FOLLOWME_RUN_DIR"]) / "records"))
    follower = _begin_with_network(edge)
    handler = Handler(edge, Background(edge, store, proxy, follower), keeper)
    gc.freeze()  # what is here now is never collected: looking at it would copy it per process
    return handler
