# SPDX-License-Identifier: GPL-2.0-or-later
"""What subscribers may do, worked out from groups and from what they have themselves (P1, P2).

Permissions of a group and of its subscriber add up. Every right given is a ``Wish``: the operator
may have given the organisation less (A6), which is looked at when all files are read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kemi_routing import permissions
from kemi_routing.dialplan import DialPlan
from kemi_routing.errors import InvalidValue
from kemi_routing.permissions import INTERNATIONAL, PREMIUM, NumberClass, Rights
from provisioning import shape, values
from provisioning.problems import suggest
from provisioning.values import CLASSES, NATIONAL
from provisioning.written import Spot

Prefixes = Mapping[str, tuple[str, ...]]
"""Class of an organisation -> what its numbers start with."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A right that an organisation gives: the key of a grant, and the name or the count in it."""

    key: str
    value: str | int
    spot: Spot
    of: str = ""
    """The organisation's own class that holds numbers of the class given; empty: it is itself."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rights of the subscribers of a group."""

    rights: Rights
    wishes: tuple[Wish, ...] = ()


def classes(spot: Spot, written: Mapping[str, list[str]]) -> Prefixes:
    """The classes of numbers that the organisation has besides the built-in ones."""
    found: dict[str, tuple[str, ...]] = {}
    for name, texts in written.items():
        where = spot / name
        where.at_key().read(_class_name, name)
        prefixes = [(where / index).read(values.prefix, text) for index, text in enumerate(texts)]
        found[name] = tuple(filter(None, prefixes))
    return found


def groups(spot: Spot, written: Mapping[str, shape.Group], own: Prefixes, plan: DialPlan,
           ) -> dict[str, Group]:
    """The groups of an organisation; ``""`` is that of subscribers who are in none."""
    found = {"": Group(Rights(classes=tuple(_rows(own, plan, frozenset(), frozenset()))))}
    for name, one in written.items():
        (spot / name).at_key().read(values.name, name)
        found[name] = _group(spot / name, one, own, plan)
    return found


def of_subscriber(spot: Spot, written: shape.Subscriber, known: Mapping[str, Group],
                  follow_redirects: bool) -> Group:
    """What a subscriber may do: the group's rights and more permissions."""
    def read_group(text: str) -> Group:
        if text in known and text:
            return known[text]
        raise InvalidValue(f"there is no group {text!r}; " + suggest(
            text, filter(None, known),
            "write one beside subscribers:  groups: {NAME: {permissions: [voicemail]}}"))

    group = spot.optional("group", written.group, read_group, known[""])
    if not written.permissions and group.rights.follow_redirects == follow_redirects:
        return Group(group.rights)
    wishes = _permissions(spot / "permissions", written.permissions)
    more = {wish.value for wish in wishes}
    return Group(replace(
        group.rights, follow_redirects=follow_redirects,
        voicemail=group.rights.voicemail or "voicemail" in more,
        forward_external=group.rights.forward_external or "forward_external" in more,
        outgoing=group.rights.outgoing or "outgoing" in more), wishes)


def operators_class(row: NumberClass, rights: Rights) -> str:
    """The built-in class into which the numbers of a row fall, whatever the organisation calls
    them.
    """
    if row.name in CLASSES:
        return row.name
    national = tuple(one for one in rights.classes if one.name == NATIONAL)
    return permissions.classify(row.prefix, Rights(classes=national)).name


def _group(spot: Spot, written: shape.Group, own: Prefixes, plan: DialPlan) -> Group:
    def read_class(text: str) -> str:
        names = {*CLASSES, *own} if plan.country else {*CLASSES, *own} - {NATIONAL}
        if text in names:
            return text
        if text == NATIONAL:
            raise InvalidValue("national needs to know your country; "
                               "write  dial_plan: {country: 420}")
        raise InvalidValue(f"there is no class {text!r}; {suggest(text, names)}")

    denied, allowed = (
        {name: spot / key / index for index, text in enumerate(texts)
         if (name := (spot / key / index).read(read_class, text))}
        for key, texts in (("deny", written.deny), ("allow", written.allow)))
    for name in denied.keys() & allowed.keys():
        allowed[name].error(f"{name} is denied and allowed; keep one")
    wishes = _permissions(spot / "permissions", written.permissions)
    granted = {wish.value for wish in wishes}
    rights = Rights(
        "voicemail" in granted, "forward_external" in granted,
        tuple(_rows(own, plan, frozenset(denied), frozenset(allowed))),
        spot.optional("max_calls", written.max_calls, values.cap, 0),
        spot.optional("max_calls_per_hour", written.max_calls_per_hour, values.cap, 0),
        outgoing="outgoing" in granted)
    return Group(rights, (
        *wishes,
        *(Wish("classes", operators_class(row, rights), allowed[row.name], _own_class(row))
          for row in rights.classes if row.name in allowed),
        *(Wish(key, count, spot / key) for key in ("max_calls", "max_calls_per_hour")
          if (count := getattr(rights, key)))))


def _permissions(spot: Spot, written: list[str]) -> tuple[Wish, ...]:
    found = [(spot / index, (spot / index).read(values.permission, text))
             for index, text in enumerate(written)]
    return tuple(Wish("permissions", name, where) for where, name in found if name)


def _rows(own: Prefixes, plan: DialPlan, denied: frozenset[str], allowed: frozenset[str],
          ) -> Iterator[NumberClass]:
    """What differs from the built-in classes."""
    if plan.country:
        yield NumberClass(plan.country, NATIONAL, NATIONAL not in denied)
    for name in (PREMIUM, INTERNATIONAL):
        if name in denied | allowed:
            yield NumberClass("", name, name in allowed)
    for name, prefixes in own.items():
        if name in denied | allowed | {PREMIUM}:
            yield from (NumberClass(prefix, name, name in allowed) for prefix in prefixes)


def _own_class(row: NumberClass) -> str:
    return "" if row.name in CLASSES else f"{row.prefix} of {row.name}"


def _class_name(text: str) -> str:
    if text in (INTERNATIONAL, NATIONAL):
        raise InvalidValue(f"{text} is known by the country of dial_plan; give your class "
                           "another name")
    return values.name(text)


