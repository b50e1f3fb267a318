# SPDX-License-Identifier: GPL-2.0-or-later
"""The operator's own file as it was written: kept in the store beside what follows from it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from kemi_routing import packed
from kemi_routing.errors import BrokenRecord
from kemi_routing.network import Network
from kemi_routing.redis import keys
from provisioning import difference, grants, joined, trunking
from provisioning.checked import Checked
from provisioning.problems import Problems
from provisioning.source import parse
from provisioning.storage import Change, Storage, seen
from provisioning.stored import network_of
from provisioning.written import Written
from provisioning.yaml_text import block

GRANTS = "grants"
Sections = dict[str, str]
"""Key -> all that stands below it, with the key."""


def join(found: dict[str, Written], more: Mapping[str, Written]) -> None:
    """Add what another file of the operator's says."""
    for key, value in more.items():
        before = found.setdefault(key, value)
        if before is not value and isinstance(before.content, dict):
            found[key] = joined.section(key, before, {**before.content, **(value.content or {})})


def with_it(found: Iterable[Change], checked: Checked, storage: Storage) -> Iterator[Change]:
    """The same changes; what the files say goes with the first of the operator's that is written,
    or by itself.
    """
    key = keys.operator()
    data = storage.read([key]).get(key)
    before = _decode(data)
    after = {**before, **dict(_sections(checked.operator, before))}
    more: dict[str, Any] = {} if before == after else {
        "sets": {key: packed.pack([after])}, "expects": {key: frozenset([seen(data)])}}
    for change in found:
        if more and change.writes and change.kind in ("network", "grant"):
            yield replace(change, **{name: getattr(change, name) | value
                                     for name, value in more.items()})
            more = {}
        else:
            yield change
    if more:
        yield Change("operator", "", "", "changed" if before else "new",
                     what=(difference.TEXT_ONLY,), **more)


def text(storage: Storage) -> str:
    """The file, empty where the operator has applied none; what an older program stored is told
    without comments.
    """
    key = keys.operator()
    sections = _decode(storage.read([key]).get(key))
    if not sections:
        older = trunking.as_dict(network_of(storage), but=Network())
        granted = dict(_granted(storage))
        return "\n".join((*block(_as_text(older | ({GRANTS: granted} if granted else {}))), ""))
    return "".join(sections.values())


def _sections(written: Mapping[str, Written], before: Sections) -> Iterator[tuple[str, str]]:
    """What the files say; of grants they take none away that they do not name."""
    for key, value in written.items():
        found = value
        old = _tree(before[key])[key] if key == GRANTS and key in before else None
        if old and not set(old.content) <= set(value.content):
            new = {name: one for name, one in value.content.items()
                   if name not in old.content or old.content[name].plain() != one.plain()}
            found = joined.section(key, old, {**old.content, **new}) if new else old
        yield key, joined.FOR_EDITORS.sub("", found.text)


def _decode(data: bytes | None) -> Sections:
    """What is stored; nothing where it cannot be read: the next file says it again."""
    try:
        (sections,) = packed.unpack_text(data or b"")
        return {str(key): str(one) for key, one in sections.items()}
    except (BrokenRecord, ValueError, AttributeError):
        return {}


def _tree(text: str) -> dict[str, Written]:
    tree = parse(text, "the operator's file in the store", Problems())
    return tree.content if tree else {}


def _granted(storage: Storage) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in sorted(set(storage.names(keys.grant))):
        grant = grants.decode(storage.read([keys.grant(name)]).get(keys.grant(name)), name)
        yield name, {key: value for key, value in asdict(grant).items() if value not in (None, 0)}


def _as_text(value: Any) -> Any:
    """Values as ``block`` takes them."""
    if isinstance(value, Mapping):
        return {key: _as_text(one) for key, one in value.items()}
    return [*map(_as_text, value)] if isinstance(value, list | tuple) else str(value)
