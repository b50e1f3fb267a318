# SPDX-License-Identifier: GPL-2.0-or-later
"""How the versions of a number stand in the store: what was written, by whom and when.

The present one is its record and its text; those before it are a list, from the second on.
"""

from dataclasses import dataclass

from kemi_routing import packed, record
from kemi_routing.errors import BrokenRecord
from kemi_routing.model import Number

KEPT = 50
"""So many versions before the present one."""


@dataclass(frozen=True, slots=True)
class Text:
    """What a person wrote for a number, comments included."""

    text: str
    written: int = 0
    """Epoch seconds; 0: not known."""
    by: str = ""
    """``user@host``."""


@dataclass(frozen=True, slots=True)
class Version:
    """A number as it was."""

    revision: int
    source: Text
    data: bytes
    """Its record; empty where the number was removed."""
    settings: bytes = b""
    """Of a number that was removed then: what its owner had beside numbers."""

    @property
    def number(self) -> Number | None:
        """As calls met it; None where it was removed, or cannot be read any more."""
        try:
            return record.decode_number(self.data) if self.data else None
        except BrokenRecord:
            return None


def encode_text(text: Text) -> bytes:
    """The stored form."""
    return packed.pack([text.written, text.by, text.text])


def decode_text(data: bytes | None) -> Text:
    """What is stored; an older program wrote the text alone. What cannot be read is empty."""
    if not data:
        return Text("")
    try:
        written, by, text = packed.unpack_text(data)
        return Text(str(text), int(written), str(by))
    except (BrokenRecord, ValueError, TypeError):
        return Text("" if data[0] in packed.FORMS else data.decode(errors="replace"))


def encode(version: Version) -> bytes:
    """An entry of the list."""
    source = version.source
    return packed.pack([version.revision, source.written, source.by, source.text, version.data,
                        version.settings])


def decode(data: bytes) -> Version | None:
    """An entry of the list; None where it cannot be read."""
    try:
        revision, written, by, text, found, *more = packed.unpack_text(data)
        return Version(int(revision), Text(str(text), int(written), str(by)), bytes(found),
                       *map(bytes, more))
    except (BrokenRecord, ValueError, TypeError):
        return None
