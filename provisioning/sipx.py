# SPDX-License-Identifier: GPL-2.0-or-later
"""Users, aliases, forwardings and hunt groups of sipXpbx and sipXecs, from their XML files.

``alias.xml``: ``items type="alias"`` of ``identity``, ``contact`` and ``relation``
(``sipXregistry/meta/alias.xsd.in``); ``credential.xml`` and ``permission.xml``
(``sipXcommserverLib/meta`` and ``doc``). Rules of the proxy (``authrules.xml``,
``mappingrules.xml``, ``fallbackrules.xml``, ``forwardingrules.xml``) have no counterpart.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from kemi_routing import dialplan, e164
from kemi_routing.errors import InvalidValue
from provisioning import sipx_contact, values, xml_source
from provisioning.importing import Draft, Import
from provisioning.output import counted
from provisioning.problems import Place, RefusedFiles
from provisioning.sipx_contact import Contact
from provisioning.xml_source import Element

FORWARD = "forward"
_VOICEMAIL = "~~vm~"
_A_DIGEST = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NEEDED = {"alias": ("identity", "contact"), "credential": ("userid",),
           "permission": ("identity", "permission")}
_USED = {
    "alias": frozenset({"identity", "contact", "relation"}),
    "credential": frozenset({"uri", "userid", "passtoken", "realm", "authtype"}),
    "permission": frozenset({"identity", "permission"}),
}
"""Kind of a file -> elements of its items that are looked at."""
_FORWARDS = frozenset({"userforward", "callgroup"})
_RULES = ("what may be dialled, and by which gateway, is said by dial_plan, groups and the "
          "operator's file")

_Step = dict[str, Any]
_Item = dict[str, Element]


@dataclass(slots=True)
class _User:
    """Somebody, or a hunt group."""

    place: Place
    aliases: list[str] = field(default_factory=list)
    """Identities that lead here and are numbers."""
    contacts: list[Contact] = field(default_factory=list)
    is_group: bool = False
    password: Element | None = None
    voicemail: bool = False


@dataclass(slots=True)
class _Found:
    """What the files say."""

    domain: str = ""
    users: dict[str, _User] = field(default_factory=dict)

    def user(self, name: str, place: Place) -> _User:
        """That user, new where he is not known yet."""
        return self.users.setdefault(name, _User(place))


def read(paths: Iterable[Path], ours: Import) -> str:
    """The file of ours; raises RefusedFiles where one cannot be read."""
    roots = []
    for path in paths:
        if read_one := xml_source.read(path, ours.problems):
            root, ours.files[str(path)] = read_one
            roots.append((path, root))
    if ours.problems.errors:
        ours.problems.settle()
        raise RefusedFiles(ours.problems)
    items: dict[str, list[_Item]] = {kind: [] for kind in _USED}
    for path, root in roots:
        ours.remarks.append(f"From {path.name}, of sipXecs")
        kind = root.attributes.get("type", "") if root.tag == "items" else ""
        if kind not in _USED:
            ours.warn(root.place, f"not kept: all in {root.tag}; {_RULES}")
        items.setdefault(kind, []).extend(
            item for item in _items(root, _USED.get(kind, frozenset()), ours)
            if _is_whole(item, _NEEDED[kind], ours))
    found = _Found(_domain(items["alias"] + items["permission"]))
    lost: list[tuple[str, Place, str]] = []
    times = Counter(_text(item, "identity") for item in items["alias"])
    for item in items["alias"]:
        lost += _read_alias(item, found, alone=times[_text(item, "identity")] == 1)
    for item in items["credential"]:
        name = _text(item, "userid")
        found.user(name, item["userid"].place).password = item.get("passtoken")
    _read_permissions(items["permission"], found, ours)
    drafts = _Drafts(found, ours)
    made = {name: drafts.draft(name, user) for name, user in found.users.items()}
    for name, place, text in lost:
        if draft := made.get(name):
            ours.lose(draft, place, text)
        else:
            ours.warn(place, f"not kept: {text}")
    return ours.written(draft for draft in made.values() if draft.numbers)


def _items(root: Element, used: frozenset[str], ours: Import) -> Iterator[_Item]:
    """The items of a file; each other element is named, with how often it stands there."""
    names: dict[str, list[Element]] = {}

    def walk(element: Element) -> None:
        names.setdefault(element.tag, []).append(element)
        for child in element.children:
            walk(child)

    for item in root.children:
        if not used or item.tag != "item":
            walk(item)
            continue
        yield {child.tag: child for child in reversed(item.children)}
        seen: set[str] = set()
        for child in item.children:
            if child.tag not in used or child.tag in seen or child.children:
                walk(child)
            seen.add(child.tag)
    for name, elements in names.items():
        ours.warn(elements[0].place, f"not kept: element {name}, {counted(len(elements), 'time')}")


def _is_whole(item: _Item, needed: tuple[str, ...], ours: Import) -> bool:
    """Whether an item says what it must; one that does not is named."""
    if all(_text(item, tag) for tag in needed):
        return True
    for element in list(item.values())[:1]:
        ours.warn(element.place, f"not kept: an item without {' or '.join(needed)}")
    return False


def _text(item: _Item, tag: str) -> str:
    return item[tag].text.strip() if tag in item else ""


def _domain(items: Iterable[_Item]) -> str:
    """The domain of most identities: the platform's own."""
    domains = Counter(_text(item, "identity").partition("@")[2].lower() for item in items)
    return domains.most_common(1)[0][0] if domains else ""


Lost = tuple[str, Place, str]


def _read_alias(item: _Item, found: _Found, *, alone: bool) -> Iterator[Lost]:
    """What an item adds; what of it is lost, and whose it was. One that is ``alone`` for its
    identity and says no more than a user of ours is an alias.
    """
    identity, relation = _text(item, "identity").partition("@")[0], _text(item, "relation")
    place = item["identity"].place
    try:
        contact = sipx_contact.parse(item["contact"].text, item["contact"].place)
    except InvalidValue as error:
        yield identity, item["contact"].place, str(error)
        return
    if relation not in _FORWARDS | {"alias", ""}:
        yield identity, item["contact"].place, f"{identity}, which is {relation}"
        return
    bare = not contact.only and not contact.ring_s
    is_alias = contact.host.partition(":")[0] == found.domain and bare and (
        relation == "alias" or (not relation and alone))
    if not is_alias:
        user = found.user(identity, place)
        user.contacts.append(contact)
        user.is_group = user.is_group or relation != "userforward"
    elif _is_key(identity):
        found.user(contact.user, place).aliases.append(identity)
    else:
        found.user(contact.user, place)
        yield contact.user, place, f"the alias {identity}, which is no number"
    for odd in contact.odd:
        yield identity, contact.place, f"{odd} of the contact {contact.user}@{contact.host}"


def _read_permissions(items: list[_Item], found: _Found, ours: Import) -> None:
    """Who has voicemail; each other permission is named with the place where it stands first."""
    others: dict[str, list[Place]] = {}
    for item in items:
        name, permission = _text(item, "identity").partition("@")[0], _text(item, "permission")
        user = found.user(name, item["identity"].place)
        if permission.lower() == "voicemail":
            user.voicemail = True
        else:
            others.setdefault(permission, []).append(item["permission"].place)
    for permission, places in others.items():
        ours.warn(places[0], f"not kept: permission {permission}, {counted(len(places), 'user')}")


def _keys(name: str, user: _User) -> list[str]:
    """The numbers of a user, his own name first."""
    return list(dict.fromkeys(filter(_is_key, (name, *user.aliases))))


def _is_key(text: str) -> bool:
    return dialplan.is_extension(text) or e164.is_number(text)


class _Drafts:
    """Makes subscribers out of users."""

    def __init__(self, found: _Found, ours: Import) -> None:
        self.found = found
        self.ours = ours
        self._index: dict[str, tuple[str, str]] = {}
        """User or alias -> the user, and the number by which the call reaches him."""
        owners = {name: name for name in filter(_is_key, found.users)}
        for name, one in found.users.items():
            for alias in one.aliases:
                if (owner := owners.setdefault(alias, name)) != name:
                    ours.warn(one.place,
                              f"not kept: {alias} as an alias of {name}; it is {owner}'s")
            one.aliases = [alias for alias in one.aliases if owners[alias] == name]
            keys = _keys(name, one)
            self._index |= {user: (name, user if user in keys else keys[0] if keys else "")
                            for user in (*one.aliases, name)}

    def draft(self, name: str, user: _User) -> Draft:
        """The subscriber; without numbers where nobody could call him, and that is said."""
        draft = Draft(name, user.place)
        keys = _keys(name, user)
        try:
            values.name(name)
        except InvalidValue as error:
            self.ours.warn(user.place, f"not kept: {error}")
            return draft
        if not keys:
            self.ours.warn(user.place, f"not kept: {name}, who has no number")
            return draft
        if user.voicemail:
            draft.permissions.add("voicemail")
        line = "" if user.is_group else self._line(draft, name, user)
        entry = self._entry(draft, user, line)
        draft.numbers = {key: dict(entry) for key in keys}
        return draft

    def _line(self, draft: Draft, name: str, user: _User) -> str:
        element = user.password
        token, place = (element.text.strip(), element.place) if element else ("", user.place)
        if not _A_DIGEST.fullmatch(token):
            return self.ours.line(draft, place, name, token)
        self.ours.lose(draft, place, f"the phone of {name}: there is a digest only, no password")
        return ""

    def _entry(self, draft: Draft, user: _User, line: str) -> dict[str, Any]:
        contacts = sorted(user.contacts, key=lambda contact: -contact.q)
        at_once = bool(line and contacts and contacts[0].q == 1)
        steps = []
        for q, together in groupby(contacts, key=lambda contact: contact.q):
            rings = list(filter(None, (self._ring(draft, one, line) for one in together)))
            if q == 1 and at_once and rings:
                rings = [{"to": f"line {line}"}, *rings]
            if rings:
                steps.append(rings[0] if len(rings) == 1 else {"together": rings})
        voicemail = "voicemail" in draft.permissions
        if not steps:
            return {"mode": "ring_then_voicemail" if voicemail else "ring_only"}
        if at_once or not line:
            mode = "forward_then_voicemail" if voicemail else "forward_only"
        else:
            mode = "ring_forward_then_voicemail" if voicemail else "ring_then_forward"
        return {"mode": mode, "default": FORWARD, "sequences": {FORWARD: steps}}

    def _ring(self, draft: Draft, contact: Contact, line: str) -> _Step | None:
        if contact.only:
            self.ours.lose(draft, contact.place, f"{contact.user}, which rings at some times only "
                                                 f"(UTC: {contact.only}); write a schedule")
            return None
        to = self._target(draft, contact, line)
        if to is None:
            return None
        try:
            return {"to": to, **({"ring": str(values.ring_time(contact.ring_s))}
                                 if contact.ring_s else {})}
        except InvalidValue as error:
            self.ours.lose(draft, contact.place, f"expires of {contact.user}: {error}")
            return {"to": to}

    def _target(self, draft: Draft, contact: Contact, line: str) -> str | None:
        """The target of a contact, None after it was said why there is none."""
        user, own = contact.user, self._index.get(contact.user, ("", ""))
        if contact.host.partition(":")[0] != self.found.domain:
            return self._elsewhere(draft, contact)
        if user == f"{_VOICEMAIL}{draft.name}":
            draft.permissions.add("voicemail")
            return None
        if own[0] == draft.name:
            return self._own_line(draft, contact, line)
        if own[1]:
            return f"extension {own[1]}" if dialplan.is_extension(own[1]) else own[1]
        return self._dialled(draft, contact)

    def _own_line(self, draft: Draft, contact: Contact, line: str) -> str | None:
        if line:
            return f"line {line}"
        self.ours.lose(draft, contact.place, f"{contact.user}, whose own phones are not kept")
        return None

    def _elsewhere(self, draft: Draft, contact: Contact) -> str | None:
        transport = f";transport={contact.transport}" if contact.transport else ""
        uri = f"sip:{contact.user}@{contact.host}{transport}"
        if why := self.ours.refused(uri):
            self.ours.lose(draft, contact.place, f"{uri}: {why}")
            return None
        draft.permissions.add("forward_external")
        return uri

    def _dialled(self, draft: Draft, contact: Contact) -> str | None:
        """What is no user of the files, but may be dialled there."""
        digits = e164.without_separators(contact.user)
        if not digits.removeprefix("+").isdecimal():
            self.ours.lose(draft, contact.place,
                           f"{contact.user}, who has no number that could be rung")
        elif self.ours.outside(draft, contact.place, digits):
            draft.permissions.add("forward_external")
            return digits
        return None
