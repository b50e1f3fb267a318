# SPDX-License-Identifier: GPL-2.0-or-later
"""What organisations and subscribers have beside numbers, as it was written: kept in the store.

With the texts of the numbers it is all that their files say. So a number in the store is what its
text says, read with these. In place of a password stands the name of its line, whose record has
the digests.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from textwrap import indent
from typing import Any

from kemi_routing import packed, record
from kemi_routing.errors import BrokenRecord, UnknownVersion
from kemi_routing.redis import keys
from provisioning.kinds import NAME
from provisioning.problems import Problems, Refused
from provisioning.revisions import decode_text
from provisioning.source import parse
from provisioning.storage import Seen, Storage, of_another_version, seen
from provisioning.written import Written
from provisioning.yaml_text import block, scalar

NUMBERS = ("numbers", "extensions")
_OF_LINE = re.compile(rf"#.*|(?<=ha1: \[)({NAME.pattern})(?=\])")
"""What stands in place of a password, or a comment, which may say what it likes."""

_ROW = re.compile(r"^ *[^#\s].*", re.MULTILINE)
"""One that is no comment."""


class Unreadable(Refused):
    """What is kept cannot be read: nothing is known of it, and whoever writes all of it again
    mends it.
    """


@dataclass(frozen=True, slots=True)
class Shared:
    """What an organisation has in common: its file without subscribers."""

    text: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Those that calendars name."""
    revision: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """His name and what stands below it, without numbers and extensions."""

    text: str
    numbers: tuple[str, ...] = ()
    """Their keys, in the order in which they are written: the first one is the main number."""


def encode_shared(shared: Shared) -> bytes:
    """The stored form."""
    return packed.pack([shared.revision, shared.text, dict(shared.files)])


def encode_subscriber(subscriber: Subscriber) -> bytes:
    """The stored form."""
    return packed.pack([subscriber.text, list(subscriber.numbers)])


def decode_shared(data: bytes, organisation: str) -> Shared:
    """What is stored; raises Unreadable, and Refused where another version wrote it."""
    try:
        revision, text, files = _unpacked(data, keys.organisation(organisation))
        return Shared(str(text), {str(name): bytes(one) for name, one in files.items()},
                      int(revision))
    except (BrokenRecord, ValueError, TypeError, AttributeError):
        raise _broken(organisation) from None


def decode_subscriber(data: bytes, owner: str) -> Subscriber:
    """As ``decode_shared``."""
    try:
        text, numbers = _unpacked(data, keys.subscriber(owner))
        return Subscriber(str(text), tuple(map(str, numbers)))
    except (BrokenRecord, ValueError, TypeError):
        raise _broken(owner) from None


def _unpacked(data: bytes, key: str) -> list[Any]:
    try:
        return packed.unpack_text(data)
    except UnknownVersion as error:
        raise of_another_version(key, error) from None


def _broken(name: str) -> Unreadable:
    return Unreadable(f"the settings of {name} in the store cannot be read; apply all files of "
                   f"{name.partition('/')[0]} again")


class Kept:
    """What a store holds of organisations, each read once; nothing where there is no store."""

    def __init__(self, storage: Storage | None = None) -> None:
        self._storage = storage
        self._found: dict[str, bytes | None] = {}

    def seen(self, organisation: str) -> Seen:
        """What stood there when it was read."""
        return seen(self._read(organisation))

    def shared(self, organisation: str) -> Shared | None:
        """None also for what cannot be read: it is replaced."""
        with suppress(Unreadable):
            return self.known(organisation) if self.seen(organisation) else None
        return None

    def organisations(self) -> Sequence[str]:
        """The names of all of which something is kept, in order."""
        found = self._storage.names(keys.organisation) if self._storage else ()
        return sorted(found)

    def owners(self, organisation: str) -> list[str]:
        """The organisation's subscribers, as ``organisation/subscriber``."""
        return sorted(set(self._storage.owners(organisation))) if self._storage else []

    def export(self, organisation: str) -> tuple[Shared, str]:
        """What an organisation shares, and its whole file; raises Refused where nothing is kept."""
        shared = self.known(organisation)
        return shared, self.file(shared, self.subscribers(self.owners(organisation)), {})

    def subscribers(self, owners: Iterable[str]) -> dict[str, Subscriber]:
        """What is kept of these subscribers; of some there may be nothing. Raises Refused where
        it cannot be read.
        """
        wanted = sorted(owners)
        found = self._values(map(keys.subscriber, wanted))
        return {owner: decode_subscriber(data, owner) for owner in wanted
                if (data := found.get(keys.subscriber(owner))) is not None}

    def tree(self, organisation: str, subscribers: Mapping[str, Subscriber] | None = None,
             ) -> Written:
        """As a file would have it; raises Refused where nothing is kept."""
        return self.tree_of(self.known(organisation), subscribers or {}, {},
                            f"{organisation} in the store")

    def tree_of(self, shared: Shared, subscribers: Mapping[str, Subscriber],
                instead: Mapping[str, str], name: str) -> Written:
        """The same of these settings, as a file of that name, with other texts of some numbers."""
        text = self.file(shared, subscribers, instead)
        tree = parse(text, name, problems := Problems(), shared.files)
        if tree is None or problems.errors:
            raise Refused(f"{name} cannot be read; apply all files of the organisation again")
        return tree

    def file(self, shared: Shared, subscribers: Mapping[str, Subscriber],
             instead: Mapping[str, str]) -> str:
        """The file of an organisation and these subscribers; ``instead`` is put in place of the
        texts of numbers.
        """
        wanted = {key: keys.authored(key) for one in subscribers.values() for key in one.numbers
                  if key not in instead}
        found = self._values(wanted.values())
        texts = {**{key: decode_text(found.get(name)).text for key, name in wanted.items()},
                 **instead}
        below = "".join(indent(_whole(replace(one, text=text), texts), "  ")
                        for one, text in self._with_digests(subscribers))
        return f"{shared.text}subscribers:\n{below}" if below else shared.text

    def _with_digests(self, subscribers: Mapping[str, Subscriber],
                      ) -> Iterator[tuple[Subscriber, str]]:
        lines = {name for one in subscribers.values() for name in _OF_LINE.findall(one.text)}
        found = self._values(map(keys.line, sorted(lines - {""})))
        for owner, one in sorted(subscribers.items()):
            def digests(match: re.Match[str], owner: str = owner) -> str:
                name = match[1]
                return ", ".join(filter(None, _digests(
                    found.get(keys.line(name)), owner, name))) if name else match[0]

            yield one, _OF_LINE.sub(digests, one.text)

    def known(self, organisation: str) -> Shared:
        """Raises Refused where nothing is kept, and where it cannot be read."""
        if (data := self._read(organisation)) is None:
            raise Refused(f"the store has no settings of {organisation}; where it has numbers, an "
                          "older program wrote them: apply all its files once")
        return decode_shared(data, organisation)

    def _read(self, organisation: str) -> bytes | None:
        if organisation not in self._found:
            key = keys.organisation(organisation)
            self._found[organisation] = self._values([key]).get(key)
        return self._found[organisation]

    def _values(self, wanted: Iterable[str]) -> dict[str, bytes]:
        return self._storage.read(wanted) if self._storage else {}


def _digests(data: bytes | None, owner: str, name: str) -> tuple[str, str]:
    with suppress(BrokenRecord):
        line = record.decode_line(data or b"")
        if line.owner == owner:
            return line.ha1, line.ha1_sha256
    raise Refused(f"{owner} has no line {name} any more; apply the file with it")


def _whole(subscriber: Subscriber, texts: Mapping[str, str]) -> str:
    numbers = "".join(texts[key] for key in subscriber.numbers if "/" not in key)
    extensions = "".join(texts[key] for key in subscriber.numbers if "/" in key)
    below = "".join(f"{kind}:\n{indent(text, '  ')}"
                    for kind, text in zip(NUMBERS, (numbers, extensions), strict=True) if text)
    first, *more = _ROW.finditer(subscriber.text)
    if more or below:
        return subscriber.text + indent(below, "  ")
    return f"{subscriber.text[:first.end()]} {{}}{subscriber.text[first.end():]}"


def has_anything(subscriber: Subscriber) -> bool:
    """Whether there is anything beside his name."""
    return bool(subscriber.numbers or _read(subscriber))


def differences(before: Subscriber, after: Subscriber) -> Iterator[str]:
    """What is different, for people."""
    old, new = (_read(one) for one in (before, after))
    for key in sorted({*old, *new} - {"lines"}):  # a line is told by itself
        if old.get(key) != new.get(key):
            yield f"{key}: {old.get(key, 'none')} → {new.get(key, 'none')}"
    if before.numbers[:1] != after.numbers[:1]:
        yield f"main number: {_main(before)} → {_main(after)}"


def _read(subscriber: Subscriber) -> dict[str, Any]:
    tree = parse(_whole(subscriber, dict.fromkeys(subscriber.numbers, "")), "", Problems())
    (content,) = tree.plain().values() if tree else ({},)
    return {key: ", ".join(value) if isinstance(value, list) else value
            for key, value in content.items() if key not in NUMBERS}


def _main(subscriber: Subscriber) -> str:
    return next(iter(subscriber.numbers), "none")


def of_subscriber(name: str, written: Written, numbers: Iterable[str]) -> Subscriber:
    """What is kept of a subscriber."""
    if not written.source:  # a row of a table: there is no text
        content = _plain(written)
        lines = block({name: content}) if content else [f"{scalar(name)}:"]
        return Subscriber("\n".join(lines) + "\n", tuple(numbers))
    rows = [*written.loose, f"{scalar(name)}:", *(
        f"  {row}".rstrip() for key, child in written.content.items() for row in _rows(key, child))]
    return Subscriber("\n".join(rows) + "\n", tuple(numbers))


def _rows(key: str, child: Written) -> list[str]:
    if key in NUMBERS:
        return child.loose
    if key == "lines" and child.around is None:
        return list(block({key: _without_passwords(child.plain())}))
    text = _of_lines(child) if key == "lines" else child.text
    return text.splitlines()


def _of_lines(written: Written) -> str:
    return written.text_with(
        (line.content[key], f"ha1: [{name}]") for name, line in written.content.items()
        for key in ("password", "ha1") if key in line.content)


def _plain(written: Written) -> dict[str, Any]:
    content: dict[str, Any] = {key: child.plain() for key, child in written.content.items()
                               if key not in NUMBERS and child.content is not None}
    if "lines" in content:
        content["lines"] = _without_passwords(content["lines"])
    return content


def _without_passwords(lines: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: value for key, value in line.items() if key != "password"}
            | {"ha1": [name]} for name, line in lines.items()}
