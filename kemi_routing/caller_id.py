# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose number a branch shows, and what it tells of the forwarding before it (SPEC V5).

- Outside targets (T1-T3) are shown what the profile says, header by header.
- Own lines and the media server see the caller. Diversion and History-Info reach them as they
  came; to voicemail goes a Diversion of ours on top, from which it takes whom to greet for and why.
- A caller who asks for privacy is known to the gateway alone, which gets his Privacy too: phones,
  media server and SIP hosts stand outside that trust (RFC 3325 section 7, RFC 3323 section 4.1),
  and get no header that may tell him.
- Privacy is never touched. Identity (RFC 8224) signs From: it goes where From changes.
- Extensions are not told outside: nobody there could call them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from kemi_routing import e164, hunt
from kemi_routing.errors import InvalidValue
from kemi_routing.formats import E164, Format
from kemi_routing.model import CLI_OF_CALLER, Outcome
from kemi_routing.plan import Account, Caller, Planned, PlannedStep
from kemi_routing.targets import Kind

CHOSEN = "number"
"""As the owner of the number chose for it (``Planned.cli``)."""
PERSONAL = "personal"
"""The number that was dialled, or handed over to."""
CALLER = CLI_OF_CALLER
NOTHING = "none"
"""The header is not sent."""
_AS_RECEIVED = "as received"

ASSERTED, PREFERRED, PARTY, IDENTITY = (
    "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Identity")
DIVERSION, HISTORY = "Diversion", "History-Info"
IDENTITY_HEADERS = (ASSERTED, PREFERRED, PARTY, IDENTITY)
"""Headers that say who calls, besides From."""
TELLING_HEADERS = (
    "Call-Info", "Geolocation", "Identity-Info", "In-Reply-To", "Organization",
    "P-Access-Network-Info", "P-Asserted-Service", "P-Charging-Function-Addresses",
    "P-Charging-Vector", "P-Preferred-Service", "P-Private-Network-Indication", "P-Served-User",
    "P-User-Database", "P-Visited-Network-ID", "Referred-By", "Reply-To", "Session-ID", "Subject",
    "User-Agent", "User-to-User", "Warning", "n")
"""Headers that may tell it too (RFC 3323 section 5.3 names those that phones write); ``n`` is short
for Identity-Info, which Kamailio does not know.
"""

ANONYMOUS_URI = "sip:anonymous@anonymous.invalid"

REASONS: dict[Outcome | None, str] = {
    None: "unconditional",
    Outcome.BUSY: "user-busy",
    Outcome.NO_ANSWER: "no-answer",
    Outcome.UNREACHABLE: "unavailable",
    Outcome.DECLINED: "deflection",
}
"""How a number's own targets ended, None before the first -> the reason why it forwards: RFC 5806
section 4, in the order of RFC 7544 section 6.1.
"""


class Forwarders(StrEnum):
    """Which numbers that forwarded the call a Diversion header names."""

    ALL = "all"
    LAST = "last"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Profile:
    """What outside targets are shown; the texts are the words above, or digits."""

    from_: str = CHOSEN
    pai: str = CHOSEN
    rpid: str = NOTHING
    diversion: Forwarders = Forwarders.ALL
    history: bool = True
    """Whether History-Info goes out, with entries of ours."""
    numbers: Format = E164
    """How numbers are written that we tell, and that in a From that passes through."""

    @property
    def text(self) -> str:
        """The written form, but for ``numbers``; ``profile`` of it gives this profile again."""
        return (f"from={self.from_} pai={self.pai} rpid={self.rpid} diversion={self.diversion} "
                f"history={'yes' if self.history else 'no'}")


@dataclass(frozen=True, slots=True)
class SoFar:
    """What there is to tell about the call when a branch begins."""

    accounts: tuple[Account, ...]
    caller: Caller
    why: tuple[Outcome | None, ...]
    """``why_forwarded``."""
    branch: int = 1
    """Counts the branches of the call."""


@dataclass(frozen=True, slots=True)
class Dress:
    """What one branch looks like; header lines have no line ends."""

    from_uri: str | None = None
    """Replaces From and its display name; None: as received."""
    remove: tuple[str, ...] = ()
    """Names of the headers that go."""
    on_top: tuple[str, ...] = ()
    """Lines that come before those of their name, which stay."""
    add: tuple[str, ...] = ()
    from_numbers: Format | None = None
    """How the number in a From as received is to be written; None: as it is."""
    private: bool = False
    """Whether the target may not learn who calls."""


FORM = ("from=number pai=number rpid=none diversion=all history=yes, where from, pai and rpid "
        "are number, personal, caller or digits, pai and rpid none too, diversion is all, last "
        "or none, and history yes or no")


def profile(text: str) -> Profile:
    """The profile that an operator wrote, words left out being the default.

    Raises InvalidValue with the right form.
    """
    fields: dict[str, Any] = {}
    for word in text.split():
        name, _, value = word.partition("=")
        try:
            fields["from_" if name == "from" else name] = _READ[name](value)
        except (KeyError, ValueError):
            raise InvalidValue(f"{word!r} is not known; write {FORM}") from None
    return Profile(**fields)


def why_forwarded(accounts: int, steps: Sequence[PlannedStep], tried: hunt.Tried,
                  ) -> tuple[Outcome | None, ...]:
    """For each of so many accounts how its own targets ended; None where none was tried."""
    ended: list[list[Outcome]] = [[] for _ in range(accounts)]
    for step, outcomes in zip(steps, tried, strict=False):
        for planned, outcome in zip(step.targets, outcomes, strict=False):
            ended[planned.account].append(outcome)
    return tuple(hunt.strongest(outcomes) if outcomes else None for outcomes in ended)


def cause(why: Outcome | None) -> int:
    """The RFC 4458 cause of a forwarding."""
    return hunt.OUTCOMES[why].cause if why else hunt.CAUSE_UNCONDITIONAL


def user_of(number: str) -> str:
    """The number as user part of a SIP URI: digits, an extension ``acme/201`` as ``201.acme``."""
    organisation, _, extension = number.rpartition("/")
    return f"{extension}.{organisation}" if organisation else number


def inside(planned: Planned, so_far: SoFar, domain: str) -> Dress:
    """A branch to one of our lines or to the media server: it sees the caller."""
    caller, extension, uri = so_far.caller, so_far.caller.cli, partial(_uri, domain, E164)
    if extension and not caller.anonymous and not e164.is_number(extension):
        home = so_far.accounts[planned.account].owner.partition("/")[0]
        shown: str | None = uri(user_of(extension.removeprefix(f"{home}/")))
    else:
        shown = _from_uri(None, caller, uri, trusted=False)
    forwarders = _forwarders(planned, so_far) if planned.target.kind is Kind.VOICEMAIL else []
    remove = (*(IDENTITY_HEADERS if shown else ()),
              *(TELLING_HEADERS if caller.anonymous else ()))
    return Dress(shown, remove, _diversion(forwarders, uri), private=caller.anonymous)


def outside(planned: Planned, to: str, so_far: SoFar, profile: Profile, domain: str) -> Dress:
    """A branch that leaves the platform with this Request-URI."""
    caller, trusted = so_far.caller, planned.target.kind is Kind.PSTN
    uri = partial(_uri, domain, profile.numbers)
    from_, pai, rpid = (_number(word, planned, so_far)
                        for word in (profile.from_, profile.pai, profile.rpid))
    from_uri = _from_uri(from_, caller, uri, trusted=trusted)
    asserted = _shown(pai, caller, trusted=trusted)
    party = _shown(rpid, caller, trusted=trusted)
    forwarders = [one for one in _forwarders(planned, so_far) if e164.is_number(one[0])]
    goes = {IDENTITY: from_uri is not None, ASSERTED: asserted != _AS_RECEIVED,
            PREFERRED: asserted != _AS_RECEIVED, PARTY: party != _AS_RECEIVED,
            DIVERSION: profile.diversion is not Forwarders.ALL, HISTORY: not profile.history}
    told = _diversion(forwarders[_TOLD[profile.diversion]], uri)
    add = (*_asserted(asserted, uri), *_party(party, caller, uri),
           *(_history(to, forwarders, so_far, uri) if profile.history else ()))
    private = caller.anonymous and not trusted
    remove = (*(name for name, gone in goes.items() if gone), *(TELLING_HEADERS if private else ()))
    on_top, add = ((), (*told, *add)) if goes[DIVERSION] else (told, add)
    return Dress(from_uri, remove, on_top, add,
                 profile.numbers if trusted and from_uri is None else None, private)


_TOLD = {Forwarders.ALL: slice(None), Forwarders.LAST: slice(-1, None),
         Forwarders.NONE: slice(0)}
Uri = Callable[[str], str]
"""Makes a URI of ours of a user part."""
_Forwarders = list[tuple[str, Outcome | None]]


def _number(word: str, planned: Planned, so_far: SoFar) -> str | None:
    """Digits, ``NOTHING``, or None for the caller; a line's own number is the caller too."""
    account = so_far.accounts[planned.account]
    number = planned.cli
    if word == CALLER:
        number = None
    elif word == PERSONAL and account.owner and e164.is_number(account.number):
        number = account.number
    elif word not in (CHOSEN, PERSONAL):
        number = word
    return None if number == so_far.caller.cli else number


def _from_uri(number: str | None, caller: Caller, uri: Uri, *, trusted: bool) -> str | None:
    if number is None and caller.anonymous:
        # A line's From names the line, whatever Privacy it asks for.
        return ANONYMOUS_URI if caller.cli or not trusted else None
    shown = number or caller.cli
    if shown and not e164.is_number(shown):
        return ANONYMOUS_URI
    return uri(shown) if shown else None


def _shown(number: str | None, caller: Caller, *, trusted: bool) -> str:
    if number is None and caller.anonymous and not trusted:
        return NOTHING
    return number or caller.cli or _AS_RECEIVED


def _asserted(shown: str, uri: Uri) -> tuple[str, ...]:
    return (f"{ASSERTED}: <{uri(shown)}>",) if e164.is_number(shown) else ()


def _party(shown: str, caller: Caller, uri: Uri) -> tuple[str, ...]:
    """draft-ietf-sip-privacy-04 section 4."""
    if not e164.is_number(shown):
        return ()
    privacy = "full" if caller.anonymous and shown == caller.cli else "off"
    return (f"{PARTY}: <{uri(shown)}>;party=calling;screen=yes;privacy={privacy}",)


def _forwarders(planned: Planned, so_far: SoFar) -> _Forwarders:
    """The numbers of ours that forwarded the call, the dialled one first, and why.

    A call that a line makes to somebody outside is forwarded by nobody: no account owns it.
    """
    index = planned.account
    chain: _Forwarders = []
    while so_far.accounts[index].owner:
        chain.insert(0, (so_far.accounts[index].number, so_far.why[index]))
        if index == 0:
            break
        index = so_far.accounts[index].by
    return chain


def _diversion(forwarders: _Forwarders, uri: Uri) -> tuple[str, ...]:
    """The last one comes first (RFC 5806 section 4)."""
    values = [f"<{uri(user_of(number))}>;reason={REASONS[why]};counter=1;privacy=off"
              for number, why in reversed(forwarders)]
    return (f"{DIVERSION}: {', '.join(values)}",) if values else ()


def _history(to: str, forwarders: _Forwarders, so_far: SoFar, uri: Uri,
             ) -> tuple[str, ...]:
    """Our entries (RFC 7044 section 10.3): for each number that the call came through, unless the
    proxy before us wrote the first already, and for the target.
    """
    if not forwarders:
        return ()
    (number, why), *others = forwarders
    entries = []
    index = so_far.caller.history
    if not index:
        index = "1"
        entries.append(f"<{uri(number)}>;index=1")
    for number, next_why in others:
        entries.append(f"<{uri(number)};cause={cause(why)}>;index={index}.1;mp={index}")
        index, why = f"{index}.1", next_why
    entries.append(f"<{to};cause={cause(why)}>;index={index}.{so_far.branch};mp={index}")
    return (f"{HISTORY}: {', '.join(entries)}",)


def _uri(domain: str, numbers: Format, user: str) -> str:
    return f"sip:{numbers.write(user)}@{domain}"


def _who(word: str) -> str:
    if word in (CHOSEN, PERSONAL, CALLER) or e164.is_number(word):
        return word
    raise ValueError(word)


def _who_or_nobody(word: str) -> str:
    return word if word == NOTHING else _who(word)


_READ: dict[str, Callable[[str], object]] = {
    "from": _who, "pai": _who_or_nobody, "rpid": _who_or_nobody, "diversion": Forwarders,
    "history": {"yes": True, "no": False}.__getitem__}
