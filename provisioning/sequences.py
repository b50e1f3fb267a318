# SPDX-License-Identifier: GPL-2.0-or-later
"""The sequences of a number as they are written: modes, continuations, steps and targets."""

from collections.abc import Set
from dataclasses import dataclass

from kemi_routing import e164, forwarding, limits
from kemi_routing.errors import InvalidValue
from kemi_routing.model import DEFAULT_RING_S, Continuations, Ring, Sequence, Step
from kemi_routing.permissions import Rights
from kemi_routing.targets import Kind, Target
from provisioning import shape, values
from provisioning.organisation import Organisation, warn_of_number
from provisioning.problems import suggest
from provisioning.written import Spot

CAPTURE_S = 20
"""A mobile's own voicemail takes a call after about this time."""

Places = dict[Target, Spot]
"""Where a number of ours, or what may be one, is written first."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the sequences of a number."""

    number: str
    lines: Set[str]
    """Of its owner."""
    rights: Rights
    organisation: Organisation
    names: tuple[str, ...]
    """Of all its sequences."""
    places: Places

    def name(self, text: str) -> str:
        """The name of one of the sequences."""
        if text in self.names:
            return text
        raise InvalidValue(f"there is no sequence {text!r}; " + suggest(
            text, self.names, "write it:  sequences: {NAME: [{to: 49115234567}]}"))

    def continuations(self, spot: Spot, written: dict[str, str]) -> Continuations:
        """What comes next after which outcome (SPEC F6)."""
        found = [((spot / key).at_key().read(values.outcome, key),
                  (spot / key).read(self.name, text)) for key, text in written.items()]
        return tuple((outcome, name) for outcome, name in found if outcome and name)

    def sequence(self, spot: Spot, name: str, written: shape.Sequence) -> Sequence:
        """The sequence of that name."""
        spot.at_key().read(values.words, name)
        mode = spot.optional("mode", written.mode, values.mode, None)
        steps = [self._step(spot / "steps" / index, one)
                 for index, one in enumerate(written.steps)]
        return Sequence(name, tuple(filter(None, steps)), mode,
                        self.continuations(spot / "on", written.on))

    def _step(self, spot: Spot, written: shape.Step) -> Step:
        if written.together is None:
            return tuple(filter(None, [self._ring(spot, written)]))
        if written.model_fields_set > {"together"}:
            spot.error("to, ring and label stand with each target of together, not beside it")
        elif not written.together:
            (spot / "together").error("a step needs a target; write  - {to: 49115234567}")
        rings = [self._ring(spot / "together" / index, one)
                 for index, one in enumerate(written.together)]
        return tuple(filter(None, rings))

    def _ring(self, spot: Spot, written: shape.Target) -> Ring | None:
        target = spot.required("to", written.to, self.target, "49115234567")
        ring_s = spot.optional("ring", written.ring, values.ring_time, DEFAULT_RING_S)
        ring = Ring(target or Target(Kind.VOICEMAIL), ring_s,
                    spot.optional("label", written.label, values.words, ""),
                    spot.optional("delay", written.delay, values.delay, 0),
                    spot.optional("confirm", written.confirm, self._confirm, False))
        if target is None:
            return None
        self.note(spot, str(written.to), ring)
        return ring

    def _confirm(self, text: str) -> bool:
        confirm = values.yes(text)
        if confirm and not self.organisation.platform.media_server:
            raise InvalidValue("who answers is asked by a media server, and none is configured; "
                               "leave confirm out")
        return confirm

    def target(self, text: str) -> Target:
        """A target of the number; raises InvalidValue."""
        target = self.organisation.target(text)
        limits.check_target(target, self.number, self.lines)
        refused = target.kind is Kind.SIP and self.organisation.platform.refused_host(target.host)
        if refused:
            raise InvalidValue(f"{target}: {refused}{self._right_host(target.host)}")
        return target

    def _right_host(self, host: str) -> str:
        """What to write in place of a refused host, where the reason does not say it."""
        platform = self.organisation.platform
        if host == platform.domain:
            return ""
        return ("; write line NAME, or a number" if host in platform.own_hosts else
                "; write a public address, or a host that the operator lists in FOLLOWME_SIP_HOSTS")

    def note(self, spot: Spot, text: str, ring: Ring) -> None:
        """What is to be said of a target that may be written; where it stands, if it may be one of
        our numbers.
        """
        target = ring.target
        if target.kind is Kind.LINE:
            return
        to = spot / "to"
        if target.kind in (Kind.PSTN, Kind.NUMBER):
            self.places.setdefault(target, to)
        if target.kind is Kind.PSTN:
            warn_of_number(to, target.address)
        if target.kind is Kind.PSTN and e164.without_separators(text).lstrip("+") != target.address:
            to.note(f"{text} is {target.address}")
        if why := forwarding.why_skipped(target, self.rights, self.organisation.platform):
            to.warning(f"{target} will be skipped: {why}")
        elif _may_be_captured(ring):
            confirm = " or confirm: yes" if self.organisation.platform.media_server else ""
            spot.warning(f"a mobile's own voicemail may take the call after about {CAPTURE_S} s; "
                         f"write ring: {CAPTURE_S}{confirm}")


def _may_be_captured(ring: Ring) -> bool:
    return (ring.target.kind is Kind.PSTN and ring.ring_s > CAPTURE_S and not ring.confirm
            and values.may_be_mobile(ring.target.address))
