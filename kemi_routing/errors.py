# SPDX-License-Identifier: GPL-2.0-or-later
"""What can go wrong, each with the SIP status that a caller gets for it."""

import difflib
from collections.abc import Iterable


class FollowMeError(Exception):
    """Base of all our errors; ``status`` and ``phrase`` are the final answer (RFC 3261, 21)."""

    status = 500
    phrase = "Server Internal Error"


class Forbidden(FollowMeError):
    """What somebody may not do; the text says who and why."""

    status, phrase = 403, "Forbidden"


class BadRequest(FollowMeError):
    """A message that can be read in two ways; the text says where."""

    status, phrase = 400, "Bad Request"


class InvalidValue(FollowMeError, ValueError):
    """A value that is refused; the text says what is wrong and the right form."""

    status, phrase = 480, "Temporarily Unavailable"


class BrokenRecord(InvalidValue):
    """A stored record that this version cannot read; the text names the key and the field."""


class UnknownVersion(BrokenRecord):
    """A stored record of a version that this program does not know: another one may."""


class StoreUnavailable(FollowMeError):
    """The store did not answer in time: not the same as "nobody owns this number"."""

    status, phrase = 503, "Service Unavailable"


MANY = 20
"""Names that nobody reads where the one that was meant is told."""


def suggest(word: str, known: Iterable[str], instead: str = "there are none") -> str:
    """The end of a message about an unknown word: the nearest known one, and all of them, unless
    there are many; where there are none, what is said instead.
    """
    names = sorted(known)
    if not names:
        return instead
    near = difflib.get_close_matches(word, names, n=1)
    if near and len(names) > MANY:
        return f"did you mean {near[0]}?"
    return (f"did you mean {near[0]}? " if near else "") + f"known are: {', '.join(names)}"
