# SPDX-License-Identifier: GPL-2.0-or-later
"""Which line a request comes from, proved by digest credentials (RFC 7616), and who guesses.

An unknown line and a wrong password are the same to whoever asks. Wrong passwords count by source:
the last of ``TRIES`` bans it for a time. They count by account too, whether there is such a line or
not: where many sources guess one, each of them has a single try. The right password is let in from
every source that is not banned, and where it was given lately from a banned one too. So a stranger
keeps nobody out, not even behind the same NAT.

Only what is let in gets a transaction, which keeps the message in shared memory for a while: what
a stranger sends is answered and forgotten. Of what is let in a retransmission may come in the
meantime, to another worker, and its nonce is used by then; so that it is not asked for another one,
what was let in is noted.

The password is looked at under a lock of the source, or as many more could be tried at once as
there are workers. Since nonces are bound to the address (kamailio.cfg) nobody can have another
address banned.
"""

import hmac

from kemi_routing.errors import BrokenRecord
from kemi_routing.feature_codes import Action, FeatureCode
from kemi_routing.ksr import bans, caller
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.workers import locked
from kemi_routing.record import LineRecord, decode_line, encode_line
from kemi_routing.settings import Digest
from kemi_routing.targets import is_name

GUESSES, GUESSED, LET_IN = "guesses", "guessed", "let_in"
"""Hash tables of kamailio.cfg, where their entries' lifetimes stand: wrong passwords by source, the
same by account, and requests that were let in. Banned sources and lines let in lately: ``bans``.
"""
TRIES = 5
"""Wrong passwords of one source until it is banned."""
TRIES_OF_ALL = 20
"""Wrong passwords for one account until each new source has a single try."""

_LONGEST_KEY = 64
"""As long as the name of a line can be: a guesser's own may be a whole message long."""

_PASSWORD_IS_HA1, _USER_IS_FROM = 1, 1  # flags of Kamailio's auth module
_QOP_AUTH, _STALE = 1, 16
_RIGHT, _WRONG, _NONCE_IS_STALE, _NONCE_WAS_USED, _USER_MISMATCH = 1, -2, -4, -6, -8
_BANNED, _REPEATED = -100, -101  # ours
_SOMEBODY = encode_line(LineRecord(
    "somebody", "somewhere/somebody", "0" * 32, "42027777100", 3, ha1_sha256="0" * 64,
    codes=(FeatureCode("*33", Action.TOGGLE, "night"), FeatureCode("*60", Action.TOGGLE, "day"))))
"""Read where there is no such line, or its answer would come sooner than to a wrong password."""


def authenticate(edge: Edge, *, anonymous: bool = False) -> LineRecord | None:
    """The line whose digest credentials the request carries, whose transaction has begun then; None
    after it was answered. Unless the caller is ``anonymous`` From must name it.

    Raises StoreUnavailable, and RuntimeError where Kamailio makes no challenge.
    """
    ksr, realm = edge.ksr, edge.settings.platform.domain
    if ksr.auth.has_credentials(realm) < 0:
        _challenge(edge)
        return None
    name = str(ksr.pv.gete("$au")).replace("\0", "?")  # NUL ends what Kamailio is given
    return _check(edge, name, 0 if anonymous else _USER_IS_FROM)


def _check(edge: Edge, name: str, checks: int) -> LineRecord | None:
    guesses = _Guesses(edge, name)
    if guesses.is_banned():
        _refuse(edge, why="banned", source=guesses.source, line=name)
        return None
    try:
        line = _line(edge, name)
    except BrokenRecord as error:  # to be mended by us: no guess of theirs
        edge.alarm("broken", why=str(error))
        _challenge(edge)
        return None
    nobodys = _secret_of_nobody(edge, name)
    verdict = guesses.verdict(_secret(edge, line) or nobodys, checks)
    if line and verdict == _RIGHT:
        edge.ksr.auth.consume_credentials()
        return line
    if verdict == _BANNED:
        _refuse(edge, why="banned", source=guesses.source, line=name)
    elif verdict == _USER_MISMATCH:
        _refuse(edge, why="user_mismatch", user=name)
    elif verdict != _REPEATED:
        if verdict == _WRONG:
            guesses.tell()
        _challenge(edge, stale=verdict in (_NONCE_IS_STALE, _NONCE_WAS_USED))
    return None


class _Guesses:
    """Wrong passwords for one account from one source."""

    def __init__(self, edge: Edge, name: str) -> None:
        self._edge = edge
        self._ksr = edge.ksr
        self._name = name
        self.source = bans.source(caller.phone(edge))
        self._proved = f"{name}@{self.source}"
        self._here = self._everywhere = 0

    def is_banned(self) -> bool:
        """Whether this source is, and was not let in to this account before."""
        return bans.is_banned(self._edge, self.source) and not bans.has_line(
            self._edge, self._proved)

    def verdict(self, secret: str, checks: int) -> int:
        """What the auth module says of the credentials; or ``_BANNED``, or ``_REPEATED`` of what tm
        has handled. A wrong password counts, and the right one begins the transaction.
        """
        with locked(self._edge, self.source):
            if self.is_banned():
                return _BANNED
            verdict = self._ksr.auth.pv_auth_check(
                self._edge.settings.platform.domain, secret, _PASSWORD_IS_HA1, checks)
            if verdict == _WRONG:
                self._count()
            elif verdict == _RIGHT:
                return self._let_in()
            elif verdict == _NONCE_WAS_USED and self._is_let_in():
                return verdict if self._edge.new_transaction() else _REPEATED
        return verdict

    def _let_in(self) -> int:
        """Under the lock, or a retransmission that another worker has could come in between."""
        if not self._edge.new_transaction():
            return _REPEATED
        for table, key in ((bans.PROVED, self._proved), (bans.PROVED, self.source),
                           (LET_IN, self._request())):
            self._ksr.htable.sht_seti(table, key, 1)
        return _RIGHT

    def _is_let_in(self) -> bool:
        return self._ksr.htable.sht_get(LET_IN, self._request()) == 1

    def _request(self) -> str:
        """What it has in common with its retransmissions alone (RFC 3261 section 17.2.3)."""
        return self._edge.mark(f"let in {self._ksr.hdr.gete('Via')}")

    def tell(self) -> None:
        """A line in the log for a wrong password, and an alarm for what came of it."""
        edge = self._edge
        edge.log("refuse", why="wrong password", source=self.source, line=self._name)
        if self._everywhere == TRIES_OF_ALL:
            edge.alarm("guessed", line=self._name, tries=self._everywhere)
        if self._is_last:
            edge.alarm("ban", source=self.source, why="guesses", line=self._name,
                       tries=self._here, seconds=edge.settings.ban_s)

    def _count(self) -> None:
        htable = self._ksr.htable
        htable.sht_rm(bans.PROVED, self._proved)
        self._everywhere = htable.sht_inc(GUESSED, self._name[:_LONGEST_KEY])
        self._here = htable.sht_inc(GUESSES, self.source)
        if self._is_last:
            bans.ban(self._edge, self.source, bans.Reason.GUESSES, self._edge.settings.ban_s)
            htable.sht_rm(GUESSES, self.source)

    @property
    def _is_last(self) -> bool:
        return self._here >= TRIES or self._everywhere > TRIES_OF_ALL


def _challenge(edge: Edge, *, stale: bool = False) -> None:
    realm = edge.settings.platform.domain
    code = edge.ksr.auth.auth_challenge(realm, _QOP_AUTH | (_STALE if stale else 0))
    if code < 0:
        raise RuntimeError(f"auth_challenge returned {code}")


def _refuse(edge: Edge, **why: object) -> None:
    edge.log("refuse", **why)
    edge.reply(403, "Forbidden")


def _line(edge: Edge, name: str) -> LineRecord | None:
    """Raises BrokenRecord for a line that has no digest by the configured algorithm."""
    whole = edge.ksr.pv.gete("$aU")
    elsewhere = whole not in (name, f"{name}@{edge.settings.platform.domain}")
    line = edge.records.line(name) if is_name(name) and not elsewhere else None
    if line is None:
        decode_line(_SOMEBODY)
    elif not _secret(edge, line):
        raise BrokenRecord(f"line {name}: no ha1 by {edge.settings.digest}; apply its file again")
    return line


def _secret(edge: Edge, line: LineRecord | None) -> str:
    if line is None:
        return ""
    return line.ha1 if edge.settings.digest is Digest.MD5 else line.ha1_sha256


def _secret_of_nobody(edge: Edge, name: str) -> str:
    """What nobody knows, so that the password of no line is as wrong as others."""
    digits = 32 if edge.settings.digest is Digest.MD5 else 64
    return hmac.digest(edge.secret.encode(), name.encode(), "sha256").hex()[:digits]
