# SPDX-License-Identifier: GPL-2.0-or-later
"""Feature codes of an organisation as they are written (SPEC S8)."""

from collections.abc import Set

from kemi_routing import feature_codes
from kemi_routing.errors import InvalidValue
from kemi_routing.feature_codes import Action, FeatureCode
from provisioning import shape
from provisioning.problems import suggest
from provisioning.written import Spot

Codes = dict[str, shape.FeatureCode]

DEFAULTS = (FeatureCode("*33", Action.TOGGLE, "night"),
            FeatureCode("*60", Action.BLOCK_LAST_CALLER))
"""Where an organisation writes no ``feature_codes``; ``{}`` is for none at all."""


def read(spot: Spot, written: Codes | None) -> tuple[FeatureCode, ...]:
    """The codes that the organisation's lines may dial."""
    if written is None:
        return DEFAULTS
    found = [_read(spot / code, code, one) for code, one in written.items()]
    return tuple(filter(None, found))


def warn_of_sequences(spot: Spot, written: Codes | None, names: Set[str]) -> None:
    """Warn of a code for a sequence that no number of the organisation has in these files."""
    for code, one in (written or {}).items():
        if one.sequence and one.sequence not in names:
            (spot / code / "sequence").warning(
                f"no number has a sequence {one.sequence!r}; {suggest(one.sequence, names)}")


def _read(spot: Spot, code: str, written: shape.FeatureCode) -> FeatureCode | None:
    action = spot.at_key().required("action", written.action, str, Action.TOGGLE)
    if action is None:
        return None
    try:
        return feature_codes.parse(code, action, written.sequence or "", written.until or "")
    except InvalidValue as error:
        place = spot / str(error).partition(" ")[0]
        (spot.at_key() if place is spot else place).error(str(error))
        return None
