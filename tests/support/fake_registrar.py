# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake's registrar (location in memory) and digest authentication."""

from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from tests.support.fake_message import Part
from tests.support.fake_state import Appended, Edit, Process
from tests.support.fake_tm import Tm
from tests.support.sip_message import (
    Request,
    auth_params,
    digest_response,
    ha1,
    parse_name_addr,
    parse_uri,
    split_list,
)

TABLE = "location"
_ruids = count(1)
BY_RECEIVED = 2
PREPARE = 2 | 16
"""Flags of save: no answer is sent, but prepared."""
RECEIVED = "received"
"""registrar's received_avp in kamailio.cfg."""


class Limits(NamedTuple):
    """registrar's parameters of kamailio.cfg, in seconds."""

    default_s: int = 600
    min_s: int = 60
    max_s: int = 3600


@dataclass
class Contact:
    """A registered phone; `socket` is the one of ours that it registered at."""

    uri: str
    expires_s: int
    socket: str
    received: str = ""
    flags: frozenset[int] = frozenset()
    instance: str = ""
    call_id: str = ""
    ruid: str = field(default_factory=lambda: f"uloc-{next(_ruids)}")
    connection: int = 0
    """By TCP: its number."""

    @property
    def key(self) -> tuple[str, str]:
        """What makes it this one: its name, or else URI and Call-ID (matching_mode 1)."""
        return (self.instance, "") if self.instance else (self.uri, self.call_id)

    def __str__(self) -> str:
        named = f';+sip.instance="{self.instance}"' if self.instance else ""
        return f"<{self.uri}>;expires={self.expires_s}{named}"


class Registrar(Part):
    """KSR.registrar with usrloc's use_domain=0: the user part alone names a line."""

    INSERTED, UPDATED, REMOVED, FETCHED = 1, 2, 3, 4
    NOT_FOUND, TOO_MANY, NO_SUCH_RUID = -1, -2, -3

    def __init__(self, process: Process, tm: Tm, limits: Limits) -> None:
        super().__init__(process)
        self._tm = tm
        self._limits = limits
        self.location: dict[str, list[Contact]] = {}

    def save(self, table: str, flags: int) -> int:
        _check_table(table)
        if flags not in (0, PREPARE):
            raise NotImplementedError("the fake models two ways of registrar.save")
        user = parse_uri(self._address("To").uri)
        contacts = self.location.setdefault(user.user if user else "", [])
        done = self._update(contacts)
        code, reason = (503, "Service Unavailable") if done < 0 else (200, "OK")
        more = [f"Contact: {', '.join(map(str, contacts))}\r\n"] if contacts else []
        if flags != PREPARE or done > 0:
            self._message.reply_headers.extend(more)
        if flags != PREPARE:
            self._tm.send_reply(code, reason)
        return done

    def lookup(self, table: str) -> int:
        return self.lookup_uri(table, self._message.uri)

    def lookup_uri(self, table: str, uri: str) -> int:
        contacts = self._contacts(table, uri)
        if not contacts:
            return self.NOT_FOUND
        first, *others = contacts
        message, process = self._message, self._process
        message.new_uri, message.dst_uri = first.uri, first.received
        message.send_socket = first.socket
        message.branch_flags |= first.flags
        message.instance = first.instance
        process.uri_is_new = True
        self._append(others)
        return 1

    def lookup_to_dset(self, table: str, uri: str) -> int:
        contacts = self._contacts(table, uri)
        self._append(contacts)
        return 1 if contacts else self.NOT_FOUND

    def registered(self, table: str) -> int:
        return self.registered_uri(table, self._message.uri)

    def registered_uri(self, table: str, uri: str) -> int:
        return 1 if self._contacts(table, uri) else self.NOT_FOUND

    def registered_flags(self, table: str, uri: str, flags: int) -> int:
        if flags != BY_RECEIVED:
            raise NotImplementedError("the fake models registered_flags by received only")
        wanted = self._process.xavps.get("reg", [{}])[0].get("match_received")
        found = [each for each in self._contacts(table, uri)
                 if not wanted or each.received == wanted]
        return 1 if found else self.NOT_FOUND

    def reg_fetch_contacts(self, table: str, uri: str, profile: str) -> int:
        found = self._contacts(table, uri)
        self._process.fetched[profile] = [{
            "instance": each.instance, "addr": each.uri, "callid": each.call_id, "ruid": each.ruid,
            "conid": str(each.connection or ""),
            "expires": str(self._process.time_s + each.expires_s),
        } for each in found]  # fmt: skip
        return 1 if found else self.NOT_FOUND

    def unregister_ruid(self, table: str, uri: str, ruid: str) -> int:
        contacts = self._contacts(table, uri)
        for contact in contacts:
            if contact.ruid == ruid:
                contacts.remove(contact)
                return 1
        return self.NO_SUCH_RUID

    def _contacts(self, table: str, uri: str) -> list[Contact]:
        _check_table(table)
        parsed = parse_uri(uri)
        return self.location.get(parsed.user, []) if parsed else []

    def _append(self, contacts: list[Contact]) -> None:
        room = self._process.max_branches - 1 - len(self._process.dset)
        appended = [Appended(contact.uri, contact.received, contact.socket, contact.flags,
                             contact.instance) for contact in contacts[:room]]
        self._process.dset.extend(appended)

    def _update(self, contacts: list[Contact]) -> int:
        wanted = [
            part for value in self._message.lines.all("Contact") for part in split_list(value)
        ]
        if not wanted:
            return self.FETCHED
        if wanted == ["*"]:
            contacts.clear()
            return self.REMOVED
        known = {contact.key: contact for contact in contacts}
        new = self._wanted(wanted)
        newest_first = {key: new[key] for key in reversed(new)}  # usrloc's desc_time_order
        kept = {key: c for key, c in (newest_first | {
            key: c for key, c in known.items() if key not in new}).items() if c.expires_s > 0}
        if len(kept) > self._max_contacts():
            return self.TOO_MANY
        contacts[:] = kept.values()
        if any(contact.expires_s == 0 and key in known for key, contact in new.items()):
            return self.REMOVED
        return self.UPDATED if any(key in known for key in new) else self.INSERTED

    def _wanted(self, values: list[str]) -> dict[tuple[str, str], Contact]:
        own = self._message.request.received
        socket = f"udp:{own.ip}:{own.port}"
        parsed = [parse_name_addr(value) for value in values]
        received = str(next(iter(self._process.avps.get(RECEIVED, [])), ""))
        flags = frozenset(self._message.branch_flags)
        call_id = self._message.request.call_id
        made = (Contact(each.uri, self._expires_s(each.params.get("expires")), socket, received,
                        flags, each.params.get("+sip.instance") or "", call_id)
                for each in parsed)  # fmt: skip
        return {each.key: each for each in made}

    def _expires_s(self, param: str | None) -> int:
        value = param or self._header("Expires") or str(self._limits.default_s)
        if value == "0":
            return 0
        return min(max(int(value), self._limits.min_s), self._limits.max_s)

    def _max_contacts(self) -> float:
        values = self._process.xavps.get("reg", [{}])
        return int(values[0].get("max_contacts", 0)) or float("inf")


class Tcpops(Part):
    """KSR.tcpops."""

    def tcp_conid_alive(self, connection: int) -> int:
        return 1 if connection in self._process.connections else -1


class Auth(Part):
    """KSR.auth; a phone's answer is computed, so right and wrong passwords are real."""

    ERROR, WRONG_PASSWORD, STALE_NONCE, NO_CREDENTIALS, NONCE_REUSED = -1, -2, -4, -5, -6
    USER_MISMATCH = -8
    IS_HA1, CHECK_USER, STALE = 1, 1, 16
    UNASKED = ("ACK", "CANCEL", "PRACK")

    def __init__(self, process: Process, tm: Tm) -> None:
        super().__init__(process)
        self._tm = tm
        self._nonces: dict[str, str] = {}
        """To which address each was given."""
        self._used: set[str] = set()
        self._expired: set[str] = set()
        self._authorized: Request | None = None

    def expire(self) -> None:
        """All nonces given out so far are too old."""
        self._expired.update(self._nonces)

    def has_credentials(self, realm: str) -> int:
        names = ("Authorization", "Proxy-Authorization")
        return 1 if any(self._credentials(name, realm) for name in names) else -1

    def auth_challenge(self, realm: str, flags: int) -> int:
        nonce = f"nonce-{len(self._nonces) + 1}"
        self._nonces[nonce] = self._message.request.source.ip
        qop = ', qop="auth"' if flags & 1 else ""
        registering = self._message.request.method == "REGISTER"
        name = "WWW-Authenticate" if registering else "Proxy-Authenticate"
        stale = ", stale=true" if flags & self.STALE else ""
        header = f'{name}: Digest realm="{realm}", nonce="{nonce}"{qop}{stale}, algorithm=MD5\r\n'
        self._message.reply_headers.append(header)
        if registering:
            return self._tm.send_reply(401, "Unauthorized")
        return self._tm.send_reply(407, "Proxy Authentication Required")

    def pv_auth_check(self, realm: str, password: str, flags: int, checks: int) -> int:
        method = self._message.request.method
        if method in self.UNASKED:
            return 1
        registering = method == "REGISTER"
        shown = self._credentials("Authorization" if registering else "Proxy-Authorization", realm)
        if shown is None:
            return self.NO_CREDENTIALS
        code = self._digest_check(realm, password, flags, shown)
        if code < 0 or not checks & self.CHECK_USER:
            return code
        user = parse_uri(self._address("To" if registering else "From").uri)
        return 1 if user and user.user == shown["username"] else self.USER_MISMATCH

    def _digest_check(self, realm: str, password: str, flags: int, shown: dict[str, str]) -> int:
        nonce, source = shown["nonce"], self._message.request.source.ip
        if nonce not in self._nonces:
            return self.ERROR
        if nonce in self._used:
            return self.NONCE_REUSED
        self._used.add(nonce)
        if nonce in self._expired or source != self._nonces[nonce]:
            return self.STALE_NONCE
        known = password if flags & self.IS_HA1 else ha1(shown["username"], realm, password)
        if digest_response(self._message.request.method, known, shown) != shown["response"]:
            return self.WRONG_PASSWORD
        self._authorized = self._message.request
        return 1

    def consume_credentials(self) -> int:
        if self._authorized is not self._message.request:
            return -1
        registering = self._message.request.method == "REGISTER"
        name = "Authorization" if registering else "Proxy-Authorization"
        self._message.edits.append(Edit("remove", name))
        return 1

    def _credentials(self, name: str, realm: str) -> dict[str, str] | None:
        all_shown = (auth_params(value) for value in self._message.lines.all(name))
        return next((shown for shown in all_shown if shown.get("realm") == realm), None)


def _check_table(table: str) -> None:
    if table != TABLE:
        raise NotImplementedError(f"no table {table!r} in usrloc's preload")
