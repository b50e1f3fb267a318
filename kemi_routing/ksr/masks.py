# SPDX-License-Identifier: GPL-2.0-or-later
"""Another From on a branch, and the caller's own one again in all that he sees of the call. Of who
asks for privacy the user part of Contact is replaced too.

What is replaced stands sealed in our Record-Route, and in the Contact, so it works after a restart
too, and neither side can read what the other one is shown. (Kamailio's module uac would write there
the one XOR the other, which tells the caller to everybody who is called.)
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from kemi_routing import contact, party, sealed
from kemi_routing.caller_id import ANONYMOUS_URI, IDENTITY_HEADERS, TELLING_HEADERS
from kemi_routing.ksr import caller, loops
from kemi_routing.ksr.edge import Edge

SHOWN = "fs"
"""Parameter of our Record-Route: what is shown, and what stood there before."""
HIDDEN = "private-"
"""How the user part of a Contact begins that is hidden."""
ON_ANSWER = "ksr_masked_answer"
OF_CALLER = 8
"""Flag of a request within a call that who sees a mask sends: the caller answers."""
_SEALED = re.compile(rf";{SHOWN}=([\w-]+)", re.ASCII)
_USER = re.compile(rf"sips?:({HIDDEN}([\w-]+))@", re.ASCII)
_ROUTE_OF_REQUEST = "$T_req($hdr(Route))"


class Kind(StrEnum):
    """What a URI is that is shown instead of the caller's."""

    PRIVATE = loops.PRIVATE
    """The callee may not learn who calls."""
    OTHER = "o"
    """That of somebody else; the caller's display name does not go with it."""
    OWN = "c"
    """The caller's own, written in another way."""


@dataclass(frozen=True, slots=True)
class Mask:
    """What the callee is shown instead of the caller's URI."""

    kind: Kind
    shown: str
    uri: str
    """The caller's own."""

    @property
    def private(self) -> bool:
        """Whether the callee may not learn who calls."""
        return self.kind is Kind.PRIVATE


def put_on(edge: Edge, shown: str, kind: Kind) -> str:
    """Show this URI in the From of the branch that is being added; the parameters that our
    Record-Route needs then.

    Raises RuntimeError where Kamailio cannot: the branch would tell the caller.
    """
    mask = Mask(kind, shown, str(edge.ksr.pv.gete("$fu")))
    short = "" if shown == ANONYMOUS_URI else shown
    text = f"{kind}{short}\n{mask.uri}"
    _show(edge, mask)
    return f"{loops.proof(edge, kind)};{SHOWN}={_seal(edge, text, _call(edge))}"


def answered(edge: Edge) -> None:
    """A branch answers: the caller sees the From that he wrote (RFC 3261 section 8.2.6.2)."""
    _as_sent(edge, "$fu", "$fn", edge.ksr.uac.uac_replace_from)


def hide_contact(edge: Edge, alias: str = "") -> None:
    """Hide who is reached at the Contact of a message, but not where: that is added as an ``alias``
    (``flow.alias``). ``reach`` reads it again.
    """
    found = contact.apart(edge.ksr.hdr.gete("Contact"))
    if found is None:
        return
    scheme, user, at = found
    place = _place(edge, f"{scheme}:{at}{alias}")
    hidden = f"{HIDDEN}{_seal(edge, f'{user}@' if user else '', place)}"
    edge.ksr.hdr.remove("Contact")
    edge.ksr.hdr.append(f"Contact: <{scheme}:{hidden}@{at}{alias}>\r\n")


def reach(edge: Edge) -> str:
    """Let a request within a call go to the Contact that was hidden; empty: it does not name one
    that was hidden at this place, else its Request-URI before.
    """
    before = str(edge.ksr.pv.gete("$ru"))
    found = _USER.match(before)
    if found is None:
        return ""
    scheme, _, rest = before.partition(f"{found[1]}@")
    user = sealed.unseal(edge.secret, found[2], _place(edge, scheme + rest))
    if user is None:
        return ""
    edge.ksr.seturi(f"{scheme}{user}{rest}")
    return before


def refusal(edge: Edge, found: loops.LetIn, mask: Mask | None, masked: str,
            ) -> tuple[int, str] | None:
    """Why a request within a call is refused, None where it may pass: its Route has not kept what
    we replaced, so who is called would read in the answer who calls. Nor does a caller ask for a
    Contact that was hidden (``reach``): it is his own.
    """
    kept = found.kind in (mask.kind if mask else loops.BARE, loops.HELD)
    if kept and not (masked and found.by == loops.CALLER):
        return None
    edge.log("refuse", why="what hides the caller is gone", source=caller.source(edge))
    return 404, "Not Here"


def of_call(edge: Edge, route: str) -> Mask | None:
    """What our Record-Route in this Route header keeps; None: nothing is replaced."""
    found = _SEALED.search(loops.behind_proof(route))
    text = found and sealed.unseal(edge.secret, found[1], _call(edge))
    if not text:
        return None
    shown, _, uri = text.partition("\n")
    return Mask(Kind(shown[:1]), shown[1:] or ANONYMOUS_URI, uri)


def by_caller(edge: Edge, mask: Mask) -> None:
    """A request of the caller within the call goes to who sees the mask."""
    _show(edge, mask)
    if mask.private:
        _without_identity(edge)
    edge.ksr.tm.t_on_reply(ON_ANSWER)


def by_callee(edge: Edge, mask: Mask, *, to_caller: bool) -> None:
    """A request of who sees the mask goes to the caller; or somewhere, and the answer may be his.
    """
    if to_caller:
        _done(edge.ksr.uac.uac_replace_to_uri(mask.uri))
    edge.ksr.setflag(OF_CALLER)
    edge.ksr.tm.t_on_reply(ON_ANSWER)


def answered_within_call(edge: Edge) -> bool:
    """The answer to one of these; whether it comes from a caller whose Contact is to be hidden."""
    uac = edge.ksr.uac
    mask = of_call(edge, str(edge.ksr.pv.gete(_ROUTE_OF_REQUEST)))
    if mask is None:
        return False
    _as_sent(edge, "$fu", "$fn", uac.uac_replace_from)
    _as_sent(edge, "$tu", "$tn", uac.uac_replace_to)
    hides = mask.private and edge.ksr.isflagset(OF_CALLER)
    if hides:
        _without_identity(edge)
    return hides


def _show(edge: Edge, mask: Mask) -> None:
    uac = edge.ksr.uac
    _done(uac.uac_replace_from_uri(mask.shown) if mask.kind is Kind.OWN
          else uac.uac_replace_from("", mask.shown))


def _seal(edge: Edge, text: str, context: str) -> str:
    return sealed.seal(edge.secret, text, context, secrets.token_bytes(sealed.NONCE_BYTES))


def _call(edge: Edge) -> str:
    return edge.ksr.pv.gete("$ci")


def _place(edge: Edge, uri: str) -> str:
    """Where a URI without its user part leads, through this proxy."""
    where = party.where(uri)
    return "\n".join((_call(edge), edge.settings.address, *(
        (where.target, where.flow) if where else (uri,))))


def _as_sent(edge: Edge, uri: str, name: str, replace: Callable[[str, str], int]) -> None:
    """Write URI and display name of the request into its answer, where they are others."""
    own, display = edge.text(f"$T_req({uri})"), edge.text(f"$T_req({name})")
    if own and (own, display) != (edge.text(uri), edge.text(name)):
        _done(replace(display, own))


def _without_identity(edge: Edge) -> None:
    caller.remove(edge, (*IDENTITY_HEADERS, *TELLING_HEADERS))


def _done(code: int) -> None:
    if code < 0:
        raise RuntimeError("From or To could not be replaced")
