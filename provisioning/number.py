# SPDX-License-Identifier: GPL-2.0-or-later
"""One number of a file, read and checked against the rules of the core.

What is wrong is noted with its place and left out; what stands around it is checked all the same.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from kemi_routing import decide, e164, record, schedule, sequence, targets
from kemi_routing.errors import InvalidValue
from kemi_routing.model import DEFAULT_RING_S, Number, Platform, Ring, Sequence, Step
from kemi_routing.schedule import Window
from kemi_routing.targets import Kind, Target
from provisioning import shape, values
from provisioning.problems import suggest
from provisioning.source import Spot


def read(spot: Spot, key: str, written: shape.Number, owner: Number, platform: Platform) -> Number:
    """The number under ``key``; ``owner`` holds its aliases and what its owner's numbers share."""
    errors_before = len(spot.problems.errors)
    digits = spot.at_key().read(e164.normalise, key) or ""
    hint(spot.at_key(), digits)
    number = replace(
        owner, number=digits,
        zone=spot.optional("time_zone", written.time_zone, values.time_zone, owner.zone),
        mode=spot.optional("mode", written.mode, values.mode, owner.mode),
        ring_s=spot.optional("ring", written.ring, values.ring_time, owner.ring_s))
    known = _known_sequence(written.sequences)
    steps = _Steps(number, platform)
    number = replace(
        number,
        windows=tuple(_windows(spot / "schedule", written.schedule, known)),
        default=spot.optional("default", written.default, known, None),
        sequences=tuple(steps.sequence(spot / "sequences" / name, name, one)
                        for name, one in written.sequences.items()))
    _check_sequences(spot, number)
    if len(spot.problems.errors) == errors_before:
        spot.at_key().read(_check_stored, number)
        _warn_of_sequences(spot, number)
    return number


def hint(spot: Spot, digits: str) -> None:
    """Warn of a number that looks mistyped."""
    if digits and (text := values.hint(digits)):
        spot.warning(f"{text}; it is taken as it stands")


def read_aliases(spot: Spot, written: list[str]) -> dict[str, Spot]:
    """The digits of the aliases in a list, and where each stands."""
    aliases: dict[str, Spot] = {}
    for index, text in enumerate(written):
        if digits := (spot / index).read(e164.alias, text):
            hint(spot / index, digits)
            aliases.setdefault(digits, spot / index)
    return aliases


def _known_sequence(names: Collection[str]) -> Callable[[str], str]:
    def read_name(text: str) -> str:
        if text in names:
            return text
        raise InvalidValue(f"there is no sequence {text!r}; {suggest(text, names)}")
    return read_name


def _windows(spot: Spot, written: list[shape.Window], known: Callable[[str], str]) -> list[Window]:
    windows = [(_window(spot / index, one, known), spot / index)
               for index, one in enumerate(written)]
    good = [(window, where) for window, where in windows if window]
    _refuse_overlaps(good)
    return [window for window, _ in good]


def _window(spot: Spot, written: shape.Window, known: Callable[[str], str]) -> Window | None:
    days = spot.required("days", written.days, schedule.parse_days, "mon-fri")
    start = spot.required("from", written.start, schedule.parse_clock, "08:00")
    end = spot.required("to", written.end, schedule.parse_clock, "18:00")
    name = spot.required("sequence", written.sequence, known, "NAME")
    if days is None or start is None or end is None:
        return None
    hours = spot.read(schedule.parse_hours, str(written.start), str(written.end))
    return Window(days, *hours, name or "") if hours else None


def _refuse_overlaps(windows: list[tuple[Window, Spot]]) -> None:
    """Note each overlap at the later window, which is then left out to find the next one."""
    left = list(windows)
    while found := schedule.first_overlap([window for window, _ in left]):
        *indexes, instant = found
        (first, where), (second, spot) = (left[index] for index in sorted(indexes))
        spot.error(f"window {second} overlaps window {first} ({where.line}), first on {instant}; "
                   "at any time one window may hold")
        del left[max(indexes)]


def _check_sequences(spot: Spot, number: Number) -> None:
    spot.at_key().read(sequence.check_counts, number, number.sequence(None))
    for one in number.sequences:
        where = (spot / "sequences" / one.name).at_key()
        where.read(sequence.check_voicemail, one)
        where.read(sequence.check_counts, number, one)


def _warn_of_sequences(spot: Spot, number: Number) -> None:
    for one in number.sequences:
        where = (spot / "sequences" / one.name).at_key()
        mode = one.mode or number.mode
        if one.steps and "forward" not in sequence.PARTS[mode]:
            where.warning(f"mode {mode} rings no sequence, so {one.name} never rings; "
                          "write mode: forward_then_voicemail or forward_only")
        setup_s = sequence.longest_setup_s(number, one)
        if setup_s > sequence.LONG_SETUP_S:
            where.warning(f"sequence {one.name} can ring {setup_s} s; many networks give a call "
                          f"up after {sequence.LONG_SETUP_S} s")


def _check_stored(number: Number) -> None:
    """Refuse what a reader of the store would not take (DESIGN law 3)."""
    record.decode_number(record.encode_number(number))


@dataclass(frozen=True, slots=True)
class _Steps:
    """Reads the sequences of a number, of which everything else is known."""

    number: Number
    platform: Platform

    def sequence(self, spot: Spot, name: str, written: shape.Sequence) -> Sequence:
        spot.at_key().read(values.words, name)
        mode = spot.optional("mode", written.mode, values.mode, None)
        steps = [self._step(spot / "steps" / index, one)
                 for index, one in enumerate(written.steps)]
        return Sequence(name, tuple(filter(None, steps)), mode)

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
        ring_s = spot.optional("ring", written.ring, values.ring_time, DEFAULT_RING_S)
        label = spot.optional("label", written.label, values.words, "")
        target = spot.required("to", written.to, self._target, "49115234567")
        if target is None:
            return None
        self._warn_of_target(spot / "to", target)
        return Ring(target, ring_s, label)

    def _target(self, text: str) -> Target:
        target = targets.parse(text)
        sequence.check_target(target, self.number.number, {one.name for one in self.number.lines})
        refused = target.kind is Kind.SIP and self.platform.refused_host(target.host)
        if refused:
            raise InvalidValue(f"{target}: {refused}")
        return target

    def _warn_of_target(self, spot: Spot, target: Target) -> None:
        if target.kind is Kind.PSTN:
            hint(spot, target.address)
        if why := decide.why_skipped(target, self.number, self.platform):
            spot.warning(f"{target} will be skipped: {why}")
