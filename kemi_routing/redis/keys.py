# SPDX-License-Identifier: GPL-2.0-or-later
"""Every Redis key, shared by reader and writer: ``fm`` the product, ``1`` the schema.

Callers pass checked values only; the braces keep all keys of a number in one hash slot.
"""

PREFIX = "fm:1:"


def number(digits: str) -> str:
    """The record of a personal number."""
    return f"{PREFIX}number:{{{digits}}}"


def authored(digits: str) -> str:
    """What a person wrote for that number."""
    return f"{PREFIX}authored:{{{digits}}}"


def line(name: str) -> str:
    """The record of a line."""
    return f"{PREFIX}line:{{{name}}}"


def alias(digits: str) -> str:
    """The owner of an alias, ``organisation/subscriber``."""
    return f"{PREFIX}alias:{{{digits}}}"


def owner(name: str) -> str:
    """The set of all that an owner has: ``number:…``, ``line:…``, ``alias:…``."""
    return f"{PREFIX}owner:{{{name}}}"


def owners() -> str:
    """The set of all owners."""
    return f"{PREFIX}owners"
