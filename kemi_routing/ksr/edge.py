# SPDX-License-Identifier: GPL-2.0-or-later
"""What every callback needs: KSR, the settings, the store, and answering."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from kemi_routing import log_line
from kemi_routing.errors import FollowMeError
from kemi_routing.model import Number
from kemi_routing.record import Records, State
from kemi_routing.settings import Settings

if TYPE_CHECKING:
    from KSR import Api

T = TypeVar("T")
_OfCall = Literal["$ci", "$ft"]


class Memory(Records, Protocol):
    """The records, and the state that calls change; raises StoreUnavailable or BrokenRecord."""

    def change_state(self, key: str, change: Callable[[Number, State, str | None], tuple[State, T]],
                     ) -> T | None: ...


@dataclass(slots=True)
class Edge:
    """One per process, made before the fork."""

    ksr: "Api"
    settings: Settings
    """In the network that was in force when the callback began (``in_force.keep_up``)."""
    records: Memory
    secret: str
    """Known to this Kamailio only: marks the second pass of a branch, and calls let in."""
    start: str = "00000000"
    """Name of this start of Kamailio: 8 hexadecimal digits that the one before had not."""
    changes: int | str | None = 0
    """Which change of the network ``settings`` have; 0: that of the start."""

    def reply(self, status: int, phrase: str, *headers: str) -> None:
        """Answer the request, within its transaction where there is one; an ACK gets no answer.

        Raises RuntimeError where a transaction would stay without one. A request without may be
        too broken to be answered; sent again it is new to us.
        """
        ksr = self.ksr
        for header in headers:
            ksr.hdr.append_to_reply(f"{header}\r\n")
        code = ksr.sl.send_reply(status, phrase)
        if code < 0 and ksr.pv.get("$T(id_index)") is None:
            self.log("unanswered", status=status)
        elif code < 0 and ksr.tm.t_is_canceled() < 0:  # else the caller was told so by tm
            raise RuntimeError(f"send_reply returned {code}")

    def new_transaction(self) -> bool:
        """Begin the request's transaction; False for a retransmission, which tm has handled.

        Raises FollowMeError where tm could not make one, as of a request without end; unanswered,
        the caller hears silence.
        """
        code = self.ksr.tm.t_newtran()
        if code < 0:
            raise FollowMeError(f"t_newtran returned {code}")
        return code > 0

    def mark(self, text: str = "", length: int = 24, of: _OfCall = "$ci") -> str:
        """What proves in a later request of this Call-ID that it went through here, with that text;
        ``of`` is another pseudo-variable that both have.

        Hexadecimal digits; nobody without the secret can make them or read the text from them.
        """
        call = self.ksr.pv.gete(of)
        what = "\n".join((call, text)) if text else call
        return hmac.digest(self.secret.encode(), what.encode(), "sha256").hex()[:length]

    def text(self, variable: str) -> str:
        """What a pseudo-variable says; empty where it is not UTF-8, as in old display names."""
        try:
            return str(self.ksr.pv.gete(variable))
        except UnicodeDecodeError:
            return ""

    def keep(self, table: str, key: str, text: str, seconds: int) -> None:
        """Write a text into a hash table, for so many seconds.

        ``sht_setxs`` would leave one that is longer than the text before it there for ever (module
        htable, ht_set_cell_ex).
        """
        self.ksr.htable.sht_sets(table, key, text)
        self.ksr.htable.sht_setex(table, key, seconds)

    def log(self, verb: str, **values: object) -> None:
        """One line ``verb callid=… key=value``; values cannot break it up."""
        self.ksr.info(self._line(verb, values))

    def alarm(self, verb: str, **values: object) -> None:
        """The same for what an operator must look into."""
        self.ksr.err(self._line(verb, values))

    def tell(self, verb: str, **values: object) -> None:
        """A line for the operator that concerns no call: ``verb key=value``."""
        self.ksr.warn(self._masked(verb, values))

    def fault(self, verb: str, **values: object) -> None:
        """The same for what an operator must look into."""
        self.ksr.err(self._masked(verb, values))

    def _line(self, verb: str, values: dict[str, object]) -> str:
        try:
            call_id = self.ksr.pv.gete("$ci")
        except UnicodeDecodeError:
            call_id = "unreadable"
        return self._masked(verb, {log_line.CALL_ID: call_id, **values})

    def _masked(self, verb: str, values: dict[str, object]) -> str:
        return log_line.line(verb, values, masked=self.settings.mask_numbers)
