# SPDX-License-Identifier: GPL-2.0-or-later
"""One number of a file, read and checked against the rules of the core.

What is wrong is noted with its place and left out; what stands around it is checked all the same.
"""

from dataclasses import replace

from kemi_routing import limits, record, sequence
from kemi_routing.errors import InvalidValue
from kemi_routing.model import Number
from provisioning import callers, sequences, shape, times, values
from provisioning.organisation import Organisation, warn_of_number
from provisioning.sequences import Places
from provisioning.source import Spot


def read(spot: Spot, written: shape.Number, common: Number, organisation: Organisation,
         places: Places) -> Number:
    """A number, of which ``common`` holds the key, the aliases and what its owner's numbers share;
    where it names other numbers is put into ``places``.
    """
    errors_before = len(spot.problems.errors)
    number = replace(
        common,
        zone=spot.optional("time_zone", written.time_zone, values.time_zone, common.zone),
        mode=spot.optional("mode", written.mode, values.mode, common.mode),
        ring_s=spot.optional("ring", written.ring, values.ring_time, common.ring_s),
        cli=spot.optional("cli", written.cli, lambda text: organisation.cli(text, common),
                          common.cli),
        mailbox=spot.optional("mailbox", written.mailbox, values.mailbox, common.mailbox))
    reader = sequences.Reader(number, organisation, tuple(written.sequences), places)
    known = reader.name
    found = times.read(spot, written, number, known, organisation.shared)
    number = replace(
        number,
        on=reader.continuations(spot / "on", written.on),
        screens=callers.screens(spot, written, organisation, known),
        callers=callers.rules(spot / "callers", written.callers, organisation, known),
        windows=found.timetable.windows, holidays=found.timetable.holidays,
        overrides=found.timetable.overrides, default=found.timetable.default,
        sequences=tuple(reader.sequence(spot / "sequences" / name, name, one)
                        for name, one in written.sequences.items()))
    number = _check_sequences(spot, number)
    if number.number and len(spot.problems.errors) == errors_before:
        spot.at_key().read(_check_stored, number)
        _warn_of_sequences(spot, number)
        times.warn(spot, number, found, organisation.shared.now)
    return number


def read_aliases(spot: Spot, written: list[str], organisation: Organisation) -> dict[str, Spot]:
    """The digits of the aliases in a list, and where each stands."""
    aliases: dict[str, Spot] = {}
    for index, text in enumerate(written):
        if digits := (spot / index).read(organisation.alias, text):
            warn_of_number(spot / index, digits)
            aliases.setdefault(digits, spot / index)
    return aliases


def _check_sequences(spot: Spot, number: Number) -> Number:
    """The number without continuations that go in a circle: nothing could be worked out then."""
    try:
        limits.check_continuations(number)
    except InvalidValue as error:
        (spot / "sequences").at_key().error(str(error))
        number = replace(number, sequences=tuple(replace(one, on=()) for one in number.sequences))
    spot.at_key().read(limits.check_counts, number, number.sequence(None))
    for one in number.sequences:
        where = (spot / "sequences" / one.name).at_key()
        where.read(limits.check_end, one)
        where.read(limits.check_unconditional, number, one)
        where.read(limits.check_counts, number, one)
    return number


def _warn_of_sequences(spot: Spot, number: Number) -> None:
    continued = {name for on in (number.on, *(one.on for one in number.sequences))
                 for _, name in on}
    for one in number.sequences:
        where = (spot / "sequences" / one.name).at_key()
        mode = one.mode or number.mode
        # A continuation rings whatever the mode is: it is forwarding on busy and the like.
        if one.steps and "forward" not in sequence.PARTS[mode] and one.name not in continued:
            where.warning(f"mode {mode} rings no sequence, so {one.name} never rings; "
                          "write mode: forward_then_voicemail or forward_only")


def _check_stored(number: Number) -> None:
    """Refuse what a reader of the store would not take (DESIGN law 3)."""
    record.decode_number(record.encode_number(number))
