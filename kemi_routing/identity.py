# SPDX-License-Identifier: GPL-2.0-or-later
"""Who calls, read from SIP header texts (SPEC V2, V3). Hostile text is no identity, never an error.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kemi_routing.formats import E164, Format
from kemi_routing.model import Verdict

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKETED = re.compile(r"(?:^|,)[^<>,]*<([^<>]*)>(?=\s*(?:[;,]|$))")
_VALUE = re.compile(r"(?:<[^<>]*>|[^,<>])+")
_URI_USER = re.compile(r"\s*(?:sips?|tel):([^@;>,\s]{1,64})", re.IGNORECASE)
_CONTEXT = re.compile(r";\s*phone-context\s*=?\s*([^;@>?\s]*)", re.IGNORECASE)
_ANONYMOUS_HOST = "anonymous.invalid"
UNREADABLE = "unreadable"
"""Stands for header text that cannot be decoded: the worst is assumed of it."""

_RETARGETING = (UNREADABLE, "cause=", "cause%3d", ";mp=", ";rc=")
_CAUSE = re.compile(r";\s*cause\b", re.IGNORECASE | re.ASCII)
_INDEX = re.compile(r";\s*index\s*=\s*([0-9]{1,3}(?:\.[0-9]{1,3}){0,20})\s*(?=;|$)", re.IGNORECASE)
_ORIGIN = re.compile(r";\s*(?:mp|rc|np)\s*=\s*([0-9.]+)", re.IGNORECASE)
_DISPLAY_NAME = re.compile(r"(?:^|,)[^<>,]*<")
_REPORT = re.compile(r"[;<](?:verstat|attest)=([^;@>,\s]*)")
_VERDICTS = {"tn-validation-passed": Verdict.ATTESTED, "tn-validation-passed-a": Verdict.ATTESTED,
             "a": Verdict.ATTESTED}
_MOST_ENTRIES = 70
"""More hops than Max-Forwards allows: nobody's header costs more time than that."""
_FAILED = "tn-validation-failed"
_ASKED = frozenset({"id", "user", "header", "session", "critical"})
_PRIVATE = _ASKED | {UNREADABLE}


def number_of(text: str, numbers: Format = E164) -> str | None:
    """The number in the first ``sip:`` or ``tel:`` URI with one (RFC 3325 section 9.1), where they
    are written in this form.

    Display names and parameters are the caller's own words, whatever they look like. A local number
    is one of its ``phone-context`` (RFC 3966 section 5.1.5), which must be the form's country.
    """
    unquoted = _QUOTED.sub("", text)
    for uri in _BRACKETED.findall(unquoted) or [unquoted]:
        user = _URI_USER.match(uri)
        if user and _is_of(uri, user[1], numbers) and (number := numbers.number(user[1])):
            return number
    return None


def _is_of(uri: str, user: str, numbers: Format) -> bool:
    context = _CONTEXT.search(uri)
    return user.startswith("+") or not context or (
        bool(numbers.country) and context[1] == f"+{numbers.country}")


def is_anonymous(from_uri: str, privacy: str) -> bool:
    """Whether the caller asks for privacy or shows none (RFC 3323 sections 4.1 and 4.2)."""
    return bool(_words(privacy) & _PRIVATE) or names_nobody(from_uri)


def names_nobody(from_uri: str) -> bool:
    """Whether the URI in a From is one for callers who do not say who they are (RFC 3323 section
    4.1.1.3).
    """
    lowered = from_uri.lower()
    return _ANONYMOUS_HOST in lowered or ":anonymous@" in lowered


def private(privacy: str) -> str:
    """A Privacy header's value for a caller who wants to be anonymous: what he asks for, and that
    nobody outside is told the identity that we assert (RFC 3325 section 9.3).
    """
    asked = _words(privacy) & _ASKED
    return ";".join(sorted(asked | {"id"}))


def is_retargeted(history_info: str) -> bool:
    """Whether History-Info tells that the call was forwarded (RFC 7044 section 5).

    An entry retargets where it has a cause (RFC 4458 or an escaped Reason), an ``mp`` or ``rc``
    parameter, or where there is a second entry.
    """
    history = "".join(history_info.lower().split())
    return history.count("index=") > 1 or any(mark in history for mark in _RETARGETING)


def has_cause(uri: str) -> bool:
    """Whether a Request-URI tells that the call was forwarded (RFC 4458)."""
    return _CAUSE.search(uri) is not None


def diverters(diversion: str, history_info: str, numbers: Format = E164) -> tuple[str, ...]:
    """The numbers that diverted the call, the last one first, each once.

    Of Diversion each value, the last diversion stands first (RFC 5806 section 4). Of History-Info
    the way back from the last entry (RFC 7044 section 10.3): a step from one entry to the next
    that keeps the number is no diversion, nor is a branch on which the call has not come.
    """
    told = [number_of(value, numbers) for value in _values(diversion)]
    history = _retargeters(_history(history_info, numbers))
    return tuple(dict.fromkeys(filter(None, [*told, *history])))


def history_index(history_info: str) -> str:
    """The index of the last History-Info entry (RFC 7044 section 5), such as ``1.1``; "" where
    there is none.
    """
    entries = _history(history_info)
    return entries[-1].index if entries else ""


def verdict(text: str) -> Verdict:
    """What a trunk reports of the caller's number; of several reports the worst counts.

    ===============================  ========
    verstat, or the header itself
    ===============================  ========
    TN-Validation-Passed, ...-A, A   ATTESTED
    TN-Validation-Failed, ...-A/B/C  FAILED
    not UTF-8                        FAILED
    No-TN-Validation, anything else  NONE
    ===============================  ========

    ``verstat`` is a parameter of the URI or of its user part (3GPP TS 24.229 section 7.2A.20);
    carriers add the attestation level of the PASSporT (``attest``, RFC 8588 section 4) as a suffix,
    where none stands for A, or send it alone. B and C say that the caller, or only his gateway, is
    known, not that the number is his.
    """
    bare = _DISPLAY_NAME.sub("<", _QUOTED.sub("", text)).lower()
    if UNREADABLE in bare:
        return Verdict.FAILED
    reports = _REPORT.findall(";" + "".join(bare.split()))
    found = {_verdict(report) for report in reports or [bare.strip()]}
    if Verdict.FAILED in found:
        return Verdict.FAILED
    return Verdict.ATTESTED if found == {Verdict.ATTESTED} else Verdict.NONE


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of History-Info."""

    number: str | None
    index: str
    origin: str
    """Index of the entry from which the call came to this one."""


def _words(privacy: str) -> set[str]:
    return {word.strip().lower() for word in re.split("[;,]", privacy)}


def _verdict(report: str) -> Verdict:
    if report.startswith(_FAILED):
        return Verdict.FAILED
    return _VERDICTS.get(report, Verdict.NONE)


def _values(text: str) -> list[str]:
    """The values of a header, display names in quotes left out."""
    return [value for value in _VALUE.findall(_QUOTED.sub("", text)) if value.strip()]


def _history(text: str, numbers: Format = E164) -> list[_Entry]:
    return [_entry(value, numbers) for value in _values(text)[-_MOST_ENTRIES:]]


def _entry(value: str, numbers: Format) -> _Entry:
    parameters = value.rpartition(">")[2]
    index, origin = _INDEX.search(parameters), _ORIGIN.search(parameters)
    own = index[1] if index else ""
    return _Entry(number_of(value, numbers), own, origin[1] if origin else own.rpartition(".")[0])


def _retargeters(entries: list[_Entry]) -> Iterator[str | None]:
    """The numbers from which the call went on to another one, the last one first."""
    at = len(entries) - 1
    while at > 0:
        earlier = [entry.index for entry in entries[:at]]
        origin = entries[at].origin
        before = earlier.index(origin) if origin and origin in earlier else at - 1
        if entries[before].number != entries[at].number:
            yield entries[before].number
        at = before
