# SPDX-License-Identifier: GPL-2.0-or-later
"""A number in the store as it is dialled in its organisation (SPEC P3)."""

from contextlib import suppress

from kemi_routing import dialplan, e164
from kemi_routing.dialplan import DialPlan
from kemi_routing.redis import keys
from provisioning.problems import Problems, Refused
from provisioning.storage import Storage

MOST = 100
"""Of more organisations none is asked: what one dials so, others would too."""
_TOLD = 5


def find(text: str, storage: Storage) -> str:
    """The key of the only number that is dialled so, with what stands behind ``@``; the text where
    it is a number of the store or another thing.

    Raises Refused where several are dialled so, and where nobody owns what is.
    """
    dialled, at, when = text.partition("@")
    digits = e164.without_separators(dialled)
    if not digits.isdecimal() or storage.client.exists(keys.number(digits), keys.history(digits)):
        return text
    meant = {key for name in _organisations(storage)
             for key in dialplan.readings(_plan(name, storage), name, dialled)} - {digits}
    owned = [key for key in sorted(meant) if storage.client.exists(keys.number(key))]
    if len(owned) == 1:
        return f"{owned[0]}{at}{when}"
    if owned:
        raise Refused(f"{dialled} may be {_several(owned)}; write one of them")
    if numbers := sorted(filter(e164.is_number, meant)):
        raise Refused(f"{dialled}: nobody owns this number, nor {_several(numbers)}")
    return text


def _organisations(storage: Storage) -> set[str]:
    found: set[str] = set()
    for owner in storage.owners():
        found.add(owner.partition("/")[0])
        if len(found) > MOST:
            return set()
    return found


def _plan(organisation: str, storage: Storage) -> DialPlan:
    from provisioning.kept import Kept
    from provisioning.organisation import read_dial_plan
    from provisioning.shape import DialPlan as Shape
    from provisioning.written import Spot

    with suppress(Refused):
        written = Kept(storage).tree(organisation).content.get("dial_plan")
        if written:
            read = Shape.model_validate(written.plain())
            return read_dial_plan(Spot(written, Problems()), read, frozenset())
    return DialPlan()


def _several(numbers: list[str]) -> str:
    return ", ".join(numbers[:_TOLD]) + " …" * (len(numbers) > _TOLD)
