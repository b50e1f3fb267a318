# SPDX-License-Identifier: GPL-2.0-or-later
"""Every Redis key, shared by reader and writer: ``fm`` the product, ``1`` the schema.

Callers pass checked values only; the braces keep all keys of a number in one hash slot. A number
is named by its key: its digits, or ``organisation/extension``.
"""

PREFIX = "fm:1:"


def number(key: str) -> str:
    """The record of a personal number or extension."""
    return f"{PREFIX}number:{{{key}}}"


def state(key: str) -> str:
    """What calls and commands set for that number, beside its record."""
    return f"{PREFIX}state:{{{key}}}"


def last_caller(key: str) -> str:
    """Who called that number last: digits, or ``anonymous``."""
    return f"{PREFIX}last:{{{key}}}"


def story(call: str) -> str:
    """The entries of a call record, a list; ``call`` is ``call_record.name`` of its Call-ID."""
    return f"{PREFIX}story:{{{call}}}"


def stories(key: str) -> str:
    """The calls of that number, by the time at which they came."""
    return f"{PREFIX}stories:{{{key}}}"


def authored(key: str) -> str:
    """What a person wrote for that number."""
    return f"{PREFIX}authored:{{{key}}}"


def history(key: str) -> str:
    """The versions of that number before the present one, a list; of ``organisation NAME`` those
    of what its subscribers share, with the present one.
    """
    return f"{PREFIX}history:{{{key}}}"


def changes() -> str:
    """The last writes of numbers, a stream."""
    return f"{PREFIX}changes"


def line(name: str) -> str:
    """The record of a line."""
    return f"{PREFIX}line:{{{name}}}"


def alias(digits: str) -> str:
    """The owner of an alias, ``organisation/subscriber``."""
    return f"{PREFIX}alias:{{{digits}}}"


def organisation(name: str) -> str:
    """What the subscribers of an organisation share, as it was written."""
    return f"{PREFIX}organisation:{{{name}}}"


def subscriber(owner: str) -> str:
    """What an owner has beside numbers, as it was written."""
    return f"{PREFIX}subscriber:{{{owner}}}"


def owner(name: str) -> str:
    """All that an owner has, as fields of a hash: ``number:…``, ``line:…``, ``alias:…``; a set of
    them would take twice the memory.
    """
    return f"{PREFIX}owner:{{{name}}}"


def owners() -> str:
    """The set of all owners."""
    return f"{PREFIX}owners"


def grant(organisation: str) -> str:
    """What the operator gives an organisation: JSON, for the write side only."""
    return f"{PREFIX}grant:{{{organisation}}}"


def calls(proxy: str) -> str:
    """The forwarded calls that one proxy counts: JSON, number -> [now, within the last hour]."""
    return f"{PREFIX}calls:{{{proxy}}}"


def proxies() -> str:
    """The set of the proxies that count calls."""
    return f"{PREFIX}proxies"


def operator() -> str:
    """The operator's own file, as it was written."""
    return f"{PREFIX}operator"


def network() -> str:
    """The operator's trunks, gateways and media servers."""
    return f"{PREFIX}network"
