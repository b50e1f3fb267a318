# SPDX-License-Identifier: GPL-2.0-or-later
"""What the numbers of an organisation share: time zone, dial plan, groups, codes (SPEC N5, P3)."""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from kemi_routing import dialplan, e164, targets
from kemi_routing.dialplan import DialPlan
from kemi_routing.errors import InvalidValue
from kemi_routing.feature_codes import FeatureCode
from kemi_routing.model import CLI_OF_CALLER, CLI_OF_NUMBER, Number, Platform
from kemi_routing.targets import Kind, Target
from provisioning import codes, rights, shape, times, values
from provisioning.rights import Group
from provisioning.times import Shared
from provisioning.written import Spot

_EXTENSION = re.compile(r"(?:extension +)?([0-9]{2,6})", re.ASCII)
_DIGITS = r"[+0-9(][0-9 \u00a0./()-]*"
_NUMBER = re.compile(f"(number +)?({_DIGITS})")


@dataclass(frozen=True, slots=True)
class Ours:
    """The numbers of all files: E.164 digits, and ``organisation/extension``."""

    keys: frozenset[str] = frozenset()

    def extensions(self, organisation: str) -> frozenset[str]:
        """The extensions of that organisation, as they are dialled."""
        start = f"{organisation}/"
        return frozenset(key.removeprefix(start) for key in self.keys if key.startswith(start))


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation of a file."""

    name: str
    zone: ZoneInfo
    platform: Platform
    ours: Ours
    shared: Shared
    """Calendars and schedules."""
    plan: DialPlan
    follow_redirects: bool
    groups: dict[str, Group]
    codes: tuple[FeatureCode, ...]

    def digits(self, text: str) -> str:
        """The full form of a number as a person writes it here."""
        return dialplan.read(self.plan, text)

    def alias(self, text: str) -> str:
        """The digits of an alias (SPEC N2), written in any form that can be dialled here."""
        number, at, domain = text.strip().partition("@")
        return self.digits(number) if at + domain == e164.ALIAS_SUFFIX else e164.alias(text)

    def cli(self, text: str, common: Number) -> str:
        """What outside targets of a number see (SPEC V5); ``common`` has what they see else."""
        if text == CLI_OF_NUMBER:
            return common.cli
        try:
            return text if text == CLI_OF_CALLER else self.digits(text)
        except InvalidValue as error:
            raise InvalidValue(f"{error}; or {CLI_OF_NUMBER}, or {CLI_OF_CALLER}") from None

    def extension(self, text: str) -> str:
        """The key of an extension."""
        if not dialplan.is_extension(text) or text in self.plan.emergency:
            raise InvalidValue(f"{text!r} cannot be an extension; write 2 to 6 digits that are no "
                               "emergency number: 201")
        return f"{self.name}/{text}"

    def target(self, text: str) -> Target:
        """A target as it is written here: short forms in full, numbers of ours as such (T5)."""
        written = text.strip()
        short, number = _EXTENSION.fullmatch(written), _NUMBER.fullmatch(written)
        if short and self._is_extension(short[1], written):
            return Target(Kind.NUMBER, f"{self.name}/{short[1]}")
        if short and short[1] in self.plan.emergency:
            return Target(Kind.PSTN, self.digits(short[1]))  # where that is refused in words
        if written.startswith("extension"):
            raise InvalidValue(f"{text!r} is no extension; write its 2 to 6 digits: extension 201")
        if not number:
            e164.refuse_rounded(written)
            return self._own(targets.parse(written))
        digits = self.digits(number[2])
        kind = Kind.NUMBER if number[1] or digits in self.ours.keys else Kind.PSTN
        return Target(kind, digits)

    def _is_extension(self, digits: str, written: str) -> bool:
        """Short digits are an extension, unless the dial plan reads them as something else."""
        if digits in self.plan.emergency:
            return False
        if digits != written or f"{self.name}/{digits}" in self.ours.keys:
            return True
        return dialplan.from_dialled(self.plan, digits) is None and not digits.startswith("0")

    def _own(self, target: Target) -> Target:
        if target.kind is Kind.NUMBER and not target.address.startswith(f"{self.name}/"):
            raise InvalidValue(f"{target}: an extension is its own organisation's; "
                               "write the personal number of that subscriber")
        return target


def read(spot: Spot, written: shape.Organisation, platform: Platform, ours: Ours, now: datetime,
         ) -> Organisation:
    """The organisation of a file, written ``now``; what is wrong with it is noted."""
    name = spot.required("organisation", written.organisation, values.name, "acme")
    zone = spot.required("time_zone", written.time_zone, values.time_zone, "Europe/Prague")
    zone = zone or ZoneInfo("UTC")
    plan = read_dial_plan(spot / "dial_plan", written.dial_plan, ours.extensions(name or ""))
    classes = rights.classes(spot / "classes", written.classes)
    return Organisation(
        name or "", zone, platform, ours, times.read_shared(spot, written, zone, now), plan,
        spot.optional("redirects", written.redirects, values.redirects, False),
        rights.groups(spot / "groups", written.groups, classes, plan),
        codes.read(spot / "feature_codes", written.feature_codes))


def read_dial_plan(spot: Spot, written: shape.DialPlan, extensions: frozenset[str]) -> DialPlan:
    """The dial plan of an organisation with these extensions; what is wrong with it is noted."""
    plan = DialPlan(
        written.country or "", written.area or "", written.trunk_prefix or "",
        written.international_prefix or "",
        spot.optional("local_digits", written.local_digits, values.digits_count, 0),
        tuple(written.emergency))
    try:
        dialplan.check(plan, extensions)
    except InvalidValue as error:
        (spot / str(error).partition(" ")[0]).error(str(error))
    return plan


def warn_of_number(spot: Spot, digits: str) -> None:
    """Warn of a number that looks mistyped."""
    if digits and (text := values.hint(digits)):
        spot.warning(f"{text}; it is taken as it stands")
