# SPDX-License-Identifier: GPL-2.0-or-later
"""How numbers and lines stand in the store: a version byte, then one MessagePack array.

Reader and writer share this module. Reading checks every field, so a decoded value can be
routed without further looks.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgpack

from kemi_routing import e164, sequence, targets
from kemi_routing.errors import BrokenRecord, InvalidValue, UnknownVersion
from kemi_routing.model import Line, Mode, Number, Ring, Sequence, Step
from kemi_routing.schedule import DAY_MINUTES, Window

T = TypeVar("T")

VERSION = 1
MAX_BYTES = 65_536
"""A longer record is refused before it is unpacked."""

_MD5 = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LineRecord:
    """A SIP account: digest secret and whose it is (SPEC N3)."""

    name: str
    owner: str
    ha1: str
    """MD5 of ``name:realm:password`` (RFC 2617 section 3.2.2.2)."""
    number: str
    """The line's main number, its CLI; empty where the owner has none."""
    max_phones: int


def encode_number(number: Number) -> bytes:
    """The stored form of a number."""
    return _pack([
        number.number, number.owner, number.zone.key, number.revision, number.aliases,
        [[line.name, line.max_phones] for line in number.lines],
        number.mode, number.ring_s,
        [[sorted(one.days), one.start, one.end, one.sequence] for one in number.windows],
        [[one.name, one.mode, [[_ring_fields(ring) for ring in step] for step in one.steps]]
         for one in number.sequences],
        number.default, number.voicemail, number.forward_external,
    ])


def decode_number(data: bytes) -> Number:
    """The number of a stored record; raises BrokenRecord that says which field is wrong."""
    fields = _Fields(_unpack(data), 13)
    number = Number(
        number=fields.take("number", _number),
        owner=fields.take("owner", _text),
        zone=fields.take("time zone", ZoneInfo),
        revision=fields.take("revision", _integer),
        aliases=fields.take("aliases", _each(_number)),
        lines=fields.take("lines", _each(_line)),
        mode=fields.take("mode", Mode),
        ring_s=fields.take("ring time", _integer),
        windows=fields.take("windows", _each(_window)),
        sequences=fields.take("sequences", _each(_sequence)),
        default=fields.take("default", lambda value: None if value is None else _text(value)),
        voicemail=fields.take("voicemail", _flag),
        forward_external=fields.take("forward_external", _flag),
    )
    try:
        sequence.check(number)
    except InvalidValue as error:
        raise BrokenRecord(f"sequences: {error}") from None
    return number


def encode_line(line: LineRecord) -> bytes:
    """The stored form of a line."""
    return _pack([line.name, line.owner, line.ha1, line.number, line.max_phones])


def decode_line(data: bytes) -> LineRecord:
    """The line of a stored record; raises BrokenRecord."""
    fields = _Fields(_unpack(data), 5)
    return LineRecord(
        name=fields.take("name", _line_name), owner=fields.take("owner", _text),
        ha1=fields.take("ha1", _ha1),
        number=fields.take("number", lambda value: "" if value == "" else _number(value)),
        max_phones=fields.take("phones", _phones))


class _Fields:
    """Takes the fields of a record in order and names the one that is wrong."""

    def __init__(self, values: list[Any], count: int) -> None:
        if len(values) != count:
            raise BrokenRecord(f"{len(values)} fields instead of {count}")
        self._values = iter(values)

    def take(self, name: str, read: Callable[[Any], T]) -> T:
        value = next(self._values)
        try:
            return read(value)
        except (ValueError, TypeError, LookupError, OSError) as error:
            raise BrokenRecord(f"{name}: {error}") from None


def _pack(fields: list[Any]) -> bytes:
    packed: bytes = msgpack.packb(fields)
    return bytes([VERSION]) + packed


def _unpack(data: bytes) -> list[Any]:
    if not 2 <= len(data) <= MAX_BYTES:
        raise BrokenRecord(f"{len(data)} bytes; a record has 2 to {MAX_BYTES}")
    if data[0] != VERSION:
        raise UnknownVersion(f"version {data[0]}; this program reads {VERSION}")
    try:
        fields = msgpack.unpackb(memoryview(data)[1:], use_list=True, strict_map_key=True)
    except (ValueError, RecursionError, msgpack.UnpackException) as error:
        raise BrokenRecord(f"not MessagePack: {error}") from None
    if not isinstance(fields, list):
        raise BrokenRecord(f"a {type(fields).__name__} instead of an array")
    return fields


def _ring_fields(ring: Ring) -> list[Any]:
    return [ring.target.text, ring.ring_s, ring.label]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise InvalidValue(f"{value!r} is not a printable text")
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidValue(f"{value!r} is not a whole number")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(f"{value!r} is not true or false")
    return value


def _number(value: object) -> str:
    number = _text(value)
    if not e164.is_number(number):
        raise InvalidValue(f"{number!r} is not a number")
    return number


def _line_name(value: object) -> str:
    name = _text(value)
    if not targets.is_line_name(name):
        raise InvalidValue(f"{name!r} is not the name of a line")
    return name


def _ha1(value: object) -> str:
    ha1 = _text(value)
    if not _MD5.fullmatch(ha1):  # Kamailio copies it into a buffer of fixed size
        raise InvalidValue("not the hexadecimal MD5 of an account")
    return ha1


def _phones(value: object) -> int:
    phones = _integer(value)
    if not 1 <= phones <= sequence.MAX_PHONES_AT_ONCE:  # 0 is "any number" to the registrar
        raise InvalidValue(f"{phones} phones; 1 to {sequence.MAX_PHONES_AT_ONCE} are possible")
    return phones


def _each(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    def read_all(values: Any) -> tuple[T, ...]:
        if not isinstance(values, list):
            raise InvalidValue(f"{values!r} is not an array")
        return tuple(read(value) for value in values)
    return read_all


def _line(value: Any) -> Line:
    name, max_phones = value
    return Line(_line_name(name), _phones(max_phones))


def _window(value: Any) -> Window:
    days, start, end, name = value
    window = Window(frozenset(map(_integer, days)), _integer(start), _integer(end), _text(name))
    in_week = window.days and all(1 <= day <= 7 for day in window.days)
    if not (in_week and window.start < DAY_MINUTES and 1 <= window.end <= DAY_MINUTES
            and window.start != window.end):
        raise InvalidValue(f"{value!r} is not a window")
    return window


def _sequence(value: Any) -> Sequence:
    name, mode, steps = value
    return Sequence(_text(name), _each(_step)(steps), None if mode is None else Mode(mode))


def _step(value: Any) -> Step:
    step = _each(_ring)(value)
    if not step:
        raise InvalidValue("a step without targets")
    return step


def _ring(value: Any) -> Ring:
    target, ring_s, label = value
    return Ring(targets.parse(_text(target)), _integer(ring_s), _text(label))
