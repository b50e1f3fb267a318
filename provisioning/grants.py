# SPDX-License-Identifier: GPL-2.0-or-later
"""What the operator gives organisations, and that they give no more (SPEC A6).

Grants stand in a file of the operator's own and in the store. Where there is none for an
organisation, or a key is not written, nothing is limited.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace

from kemi_routing.permissions import INTERNATIONAL, NumberClass, Rights
from provisioning import rights, shape_operator, values
from provisioning.problems import Refused
from provisioning.rights import Wish
from provisioning.written import Spot


@dataclass(frozen=True, slots=True)
class Grant:
    """What an organisation may give its subscribers; None and 0: no limit."""

    permissions: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None
    max_calls: int = 0
    max_calls_per_hour: int = 0


NO_LIMIT = Grant()


def read(spot: Spot, written: Mapping[str, shape_operator.Grant]) -> dict[str, tuple[Grant, Spot]]:
    """Organisation -> what it is given, and where that stands."""
    found = {}
    for name, one in written.items():
        where = spot / name
        where.at_key().read(values.name, name)
        found[name] = (Grant(
            _names(where / "permissions", one.permissions, values.permission),
            _names(where / "classes", one.classes, values.number_class),
            where.optional("max_calls", one.max_calls, values.cap, 0),
            where.optional("max_calls_per_hour", one.max_calls_per_hour, values.cap, 0),
        ), where.at_key())
    return found


def beyond(organisation: str, grant: Grant, wish: Wish) -> str:
    """In what an organisation gives more than it has; empty where it does not."""
    limit = getattr(grant, wish.key)
    if isinstance(wish.value, int):
        return (f"{wish.key} {wish.value} is more than the operator gave {organisation}; write "
                f"{limit} or less") if limit and wish.value > limit else ""
    if limit is None or wish.value in limit:
        return ""
    of = f", to which {wish.of} belongs" if wish.of else ""
    return (f"the operator did not give {organisation} {_KINDS[wish.key]} {wish.value}{of}; "
            f"it has: {', '.join(limit) or 'none'}")


def limited(found: Rights, grant: Grant) -> Rights:
    """These rights within a grant."""
    has = grant.permissions
    return replace(
        found,
        voicemail=found.voicemail and (has is None or "voicemail" in has),
        forward_external=found.forward_external and (has is None or "forward_external" in has),
        outgoing=found.outgoing and (has is None or "outgoing" in has),
        classes=tuple(_classes(found, grant)),
        max_calls=_least(found.max_calls, grant.max_calls),
        max_calls_per_hour=_least(found.max_calls_per_hour, grant.max_calls_per_hour))


def encode(grant: Grant) -> bytes:
    """The stored form."""
    return json.dumps(asdict(grant)).encode()


def decode(data: bytes | None, organisation: str) -> Grant:
    """The stored grant; raises Refused where it cannot be read: then nothing is known of limits."""
    if data is None:
        return NO_LIMIT
    try:
        fields = json.loads(data)
        has, may_call = (None if one is None else tuple(map(str, one))
                         for one in (fields["permissions"], fields["classes"]))
        return Grant(has, may_call, int(fields["max_calls"]), int(fields["max_calls_per_hour"]))
    except (ValueError, TypeError, LookupError):
        raise Refused(f"the grant of {organisation} in the store cannot be read; "
                      "apply the operator's file again") from None


_KINDS = {"permissions": "the permission", "classes": "the class"}


def _names(spot: Spot, written: list[str] | None, read_name: Callable[[str], str],
           ) -> tuple[str, ...] | None:
    if written is None:
        return None
    found = [(spot / index).read(read_name, text) for index, text in enumerate(written)]
    return tuple(dict.fromkeys(filter(None, found)))


def _classes(found: Rights, grant: Grant) -> Iterator[NumberClass]:
    if grant.classes is None:
        yield from found.classes
        return
    for row in found.classes:
        given = rights.operators_class(row, found) in grant.classes
        yield replace(row, allowed=row.allowed and given)
    every = NumberClass("", INTERNATIONAL, allowed=False)
    if INTERNATIONAL not in grant.classes and every not in found.classes:
        yield every


def _least(one: int, other: int) -> int:
    return min(filter(None, (one, other)), default=0)
