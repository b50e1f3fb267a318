# SPDX-License-Identifier: GPL-2.0-or-later
"""One number of a file, read and checked against the rules of the core.

What is wrong is noted with its place and left out; what stands around it is checked all the same.
"""

from collections.abc import Set
from dataclasses import replace

from kemi_routing import limits, record, sequence
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Number, Platform
from provisioning import alike, callers, reachable, sequences, shape, times, values
from provisioning.organisation import Organisation, warn_of_number
from provisioning.sequences import Places
from provisioning.written import Spot

_SILENT = ("nothing answers here, every caller hears 480: give the subscriber a line or the "
           "permission voicemail, write a target that is permitted, or mode: reject")
_CUT_OFF = ("this step never rings: each outcome of what rings before it leads to another sequence "
            "by on, or to the end where an own line declines; leave busy, no_answer or unreachable "
            "out of on, or write the step into the sequence that on names")


def read(spot: Spot, written: shape.Number, common: Number, organisation: Organisation,
         places: Places) -> Number:
    """A number, of which ``common`` holds the key, the aliases and what its owner's numbers share;
    where it names other numbers is put into ``places``.
    """
    errors_before = len(spot.problems.errors)
    if written.time_zone is not None:
        common = replace(common, zone=spot.optional(
            "time_zone", written.time_zone, values.time_zone, common.zone))
    reader = sequences.Reader(common.number, {one.name for one in common.lines}, common.rights,
                              organisation, tuple(written.sequences), places)
    known = reader.name
    found = times.read(spot, written, common, known, organisation.shared)
    number = replace(
        common,
        mode=spot.optional("mode", written.mode, values.mode, common.mode),
        ring_s=spot.optional("ring", written.ring, values.ring_time, common.ring_s),
        cli=spot.optional("cli", written.cli, lambda text: organisation.cli(text, common),
                          common.cli),
        mailbox=spot.optional("mailbox", written.mailbox, values.mailbox, common.mailbox),
        on=reader.continuations(spot / "on", written.on),
        screens=callers.screens(spot, written, organisation, known),
        callers=callers.rules(spot / "callers", written.callers, organisation, known),
        windows=found.timetable.windows, holidays=found.timetable.holidays,
        overrides=found.timetable.overrides, default=found.timetable.default,
        sequences=tuple(reader.sequence(spot / "sequences" / name, name, one)
                        for name, one in written.sequences.items()))
    number = _without_circles(spot, number)
    if number.number and len(spot.problems.errors) == errors_before:
        look(spot, number, organisation.platform)
        if len(spot.problems.errors) == errors_before:
            times.warn(spot, number, found, organisation.shared.now)
    else:
        _check_sequences(spot, number)
    return number


def read_aliases(spot: Spot, written: list[str], organisation: Organisation) -> dict[str, Spot]:
    """The digits of the aliases in a list, and where each stands."""
    aliases: dict[str, Spot] = {}
    for index, text in enumerate(written):
        if digits := (spot / index).read(organisation.alias, text):
            warn_of_number(spot / index, digits)
            aliases.setdefault(digits, spot / index)
    return aliases


def _without_circles(spot: Spot, number: Number) -> Number:
    """The number without continuations that go in a circle: nothing could be worked out then."""
    try:
        limits.check_continuations(number)
    except InvalidValue as error:
        (spot / "sequences").at_key().error(str(error))
        return replace(number, sequences=tuple(replace(one, on=()) for one in number.sequences))
    return number


def look(spot: Spot, number: Number, platform: Platform) -> None:
    """Note what is wrong with a number that is whole, or dubious."""
    _SOUND.look(spot, number, platform)


def _look(spot: Spot, number: Number, platform: Platform) -> None:
    errors_before = len(spot.problems.errors)
    _check_sequences(spot, number)
    if len(spot.problems.errors) == errors_before:
        spot.at_key().read(_check_stored, number)
        _warn_of_sequences(spot, number, platform)
        if reachable.is_silent(number, platform):
            spot.at_key().warning(_SILENT)


def _check_sequences(spot: Spot, number: Number) -> None:
    spot.at_key().read(limits.check_counts, number, number.sequence(None))
    for one in number.sequences:
        where = (spot / "sequences" / one.name).at_key()
        where.read(limits.check_end, one)
        where.read(limits.check_unconditional, number, one)
        where.read(limits.check_counts, number, one)


def _warn_of_sequences(spot: Spot, number: Number, platform: Platform) -> None:
    can = reachable.of(number, platform)
    silent = set()
    for one in number.sequences:
        where, mode = spot / "sequences" / one.name, one.mode or number.mode
        cut_off = [index for index, (label, _) in enumerate(sequence.written(one))
                   if label not in can.steps]
        # A continuation without a mode of its own rings all the same: it is forwarding on busy.
        if cut_off and len(cut_off) == len(one.steps) and "forward" not in sequence.PARTS[mode]:
            silent.add(one.name)
            where.at_key().warning(f"mode {mode} rings no sequence, so {one.name} never rings; "
                                   "write mode: forward_then_voicemail or forward_only, or for it "
                                   f"alone {one.name}: {{mode: forward_only, steps: [...]}}")
            continue
        for index in cut_off:
            (where / "steps" / index).warning(_CUT_OFF)
    _warn_of_continuations(spot, number, can.following, silent)


def _warn_of_continuations(spot: Spot, number: Number, following: Set[tuple[str, str]],
                           silent: Set[str]) -> None:
    """Where nothing rings before it, no continuation comes; ``silent`` ones were warned of."""
    reached = {name for _, name in following}
    dead = [(spot / "on" / outcome, name) for outcome, name in number.on if name not in reached]
    dead += [(spot / "sequences" / one.name / "on" / outcome, name)
             for one in number.sequences for outcome, name in one.on
             if (one.name, name) not in following]
    for where, name in dead:
        if name not in silent:
            where.warning(f"{name} never comes here: nothing rings before it; leave it out, or "
                          "write what rings first: {to: 49115234567}")


def _check_stored(number: Number) -> None:
    """Refuse what a reader of the store would not take (DESIGN law 3)."""
    record.decode_number(record.encode_number(number))


_SOUND = alike.Sound(_look)
