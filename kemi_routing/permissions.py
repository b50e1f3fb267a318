# SPDX-License-Identifier: GPL-2.0-or-later
"""Which outside numbers the owner of a forwarding may use (SPEC P1, P2).

The longest prefix decides; of equals, what the group says beats what is built in.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NumberClass:
    """Outside numbers that start with ``prefix``, and the class to which they belong.

    In ``Rights.classes`` an empty prefix stands for all built-in prefixes of that class.
    """

    prefix: str
    name: str
    allowed: bool


@dataclass(frozen=True, slots=True)
class Rights:
    """What an owner may do, already worked out from groups and user (SPEC P1, P2, A6)."""

    voicemail: bool = False
    """Calls may go to voicemail (SPEC M2)."""
    forward_external: bool = False
    """Calls may leave the platform (SPEC P1)."""
    classes: tuple[NumberClass, ...] = ()
    """What the group says beyond the built-in classes."""
    max_calls: int = 0
    """Forwarded calls at the same time, per number; 0: no cap."""
    max_calls_per_hour: int = 0
    """Forwarded calls that begin within any 60 minutes, per number; 0: no cap."""
    follow_redirects: bool = False
    """A 302 of a phone is looked into (SPEC F10)."""
    outgoing: bool = False
    """The owner may call out from the mailbox menu (SPEC V4)."""


INTERNATIONAL = "international"
PREMIUM = "premium"

_PREMIUM_RANGES = {
    # No country: shared cost and premium (ITU-T E.169), satellites and global networks.
    "808": "", "870": "", "878": "", "881": "", "882": "", "883": "", "979": "",
    "1": "900", "7": "803 809", "27": "90", "30": "901 909", "31": "900 906 909", "32": "90",
    "33": "89", "34": "803 806 807", "36": "90 91", "39": "144 163 164 166 89",
    "40": "900 901 903 906", "41": "900 901 906", "43": "900 901 930 931 939", "44": "9",
    "45": "90", "46": "900 939 944 99", "47": "820 829", "48": "700 701 703 704 706 707 708",
    "49": "900 137", "52": "900", "55": "900", "61": "190", "64": "90", "65": "1900", "81": "990",
    "82": "60", "90": "888 898 900", "351": "601 607 608 646 648 76", "352": "900 901 905",
    "358": "600 700", "359": "90", "370": "900 902 903 909 910", "371": "90", "372": "900",
    "380": "900", "381": "900 901 906 909", "385": "60 61 64 65 69", "386": "90",
    "420": "900 905 906 908 909 976", "421": "900 97 98", "852": "900", "972": "19",
}
"""Country code -> what premium numbers there start with. Ranges that share their first digits with
ordinary numbers are left out: Ireland's 15xx begins like numbers of Dublin.
"""

_EVERY_NUMBER = NumberClass("", INTERNATIONAL, allowed=True)
_PREMIUM = {country + start: NumberClass(country + start, PREMIUM, allowed=False)
            for country, starts in _PREMIUM_RANGES.items() for start in starts.split() or [""]}
_LENGTHS = sorted(set(map(len, _PREMIUM)), reverse=True)

BUILT_IN = (_EVERY_NUMBER, *_PREMIUM.values())
"""The classes of every organisation, where its groups say nothing else."""


def classify(digits: str, rights: Rights) -> NumberClass:
    """The class of an E.164 number for this owner."""
    built_in = found = _built_in(digits)
    for row in rights.classes:
        if row.prefix:
            if len(row.prefix) >= len(found.prefix) and digits.startswith(row.prefix):
                found = row
        elif found is built_in and row.name == built_in.name:
            found = built_in = NumberClass(built_in.prefix, row.name, row.allowed)
    return found


def why_denied(digits: str, rights: Rights) -> str | None:
    """Why this outside number is no target of this owner, or None where it may be called."""
    found = classify(digits, rights)
    return None if found.allowed else f"{digits} is {found.name}, which is denied"


def _built_in(digits: str) -> NumberClass:
    for length in _LENGTHS:
        if row := _PREMIUM.get(digits[:length]):
            return row
    return _EVERY_NUMBER
