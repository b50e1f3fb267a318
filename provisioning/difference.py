# SPDX-License-Identifier: GPL-2.0-or-later
"""What is different between two versions of a number, in telephone words."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from difflib import SequenceMatcher
from typing import Any

from kemi_routing import timeline
from kemi_routing.model import Continuations, Number, Ring, Sequence, Step
from kemi_routing.permissions import Rights
from kemi_routing.record import LineRecord
from kemi_routing.schedule import DAY_MINUTES, Holiday, Override, Window
from kemi_routing.screening import CallerRule, Screen
from provisioning.values import PERMISSIONS

_WEEKDAY = "%a %H:%M"
_DATE = "%a %Y-%m-%d %H:%M"
_SOON_DAYS = 6
_MOST_NAMED = 3
_NONE = "none"
TEXT_ONLY = "calls meet the same: what differs is a comment, or a spelling"


def of_new(number: Number) -> list[str]:
    """How calls to a number are answered that the store does not hold yet, a sentence each."""
    return [
        f"mode {number.mode}",
        *(f"alias {alias}" for alias in number.aliases),
        *(f"calls from {one.pattern.text}: {_action(one)}" for one in number.screens),
        *(f"calls from {one.pattern.text}: {_lead(one)}" for one in number.callers),
        *(f"{when}: {sequence}" for when, sequence in _overrides(number).items()),
        *_days_off(number.holidays),
        *(f"{window} leads to {window.sequence}" for window in number.windows),
        *([f"outside all windows {number.default}"] if number.default else []),
        *(f"{when}: {sequence}" for when, sequence in _continuations(number.on).items()),
        *(f"sequence {one.name}: {_told(one.steps)}" for one in number.sequences)]


def _days_off(holidays: Iterable[Holiday]) -> Iterator[str]:
    days: dict[str, list[date]] = {}
    for one in holidays:
        days.setdefault(one.sequence, []).append(one.day)
    for sequence, each in days.items():
        yield f"holidays: {len(each)}, {min(each)} to {max(each)}, lead to {sequence}"


def _told(steps: Iterable[Step]) -> str:
    each = (" and ".join(f"{_name(ring)}{_time(ring).removeprefix(', rings')}" for ring in step)
            for step in steps)
    return ", then ".join(each) or "no steps"


def of_number(old: Number, new: Number, now: datetime) -> list[str]:
    """What is different, a sentence each; empty where calls meet the same.

    Where it is about time, how many hours a week the windows cover, and when after ``now`` the
    next one begins.
    """
    found = [
        *_changed("time zone", old.zone.key, new.zone.key),
        *_changed("mode", old.mode, new.mode),
        *_changed("own lines: ring time", _seconds(old.ring_s), _seconds(new.ring_s)),
        *_changed("outside targets see", old.cli, new.cli),
        *_changed("mailbox", old.mailbox, new.mailbox),
        *_named("alias", dict.fromkeys(old.aliases), dict.fromkeys(new.aliases)),
        *_named("line", _phones(old), _phones(new)),
        *_rights(old.rights, new.rights),
        *_screening(old, new),
        *_named("", _continuations(old.on), _continuations(new.on)),
    ]
    if old.dial_plan != new.dial_plan:
        found.append("dial plan of the mailbox menu: changed")
    times = [*_windows(old.windows, new.windows), *_holidays(old.holidays, new.holidays),
             *_named("", _overrides(old), _overrides(new)),
             *_changed("outside all windows", old.default or _NONE, new.default or _NONE)]
    steps = [*_sequences(old.sequences, new.sequences)]
    found += [*times, *steps]
    if new.windows and (times or steps or old.zone != new.zone):
        found.append(_hours(old, new, now))
    return found


def of_line(old: LineRecord, new: LineRecord) -> list[str]:
    """What is different in a line; its password is not shown."""
    return [
        *(["password: new"] if (old.ha1, old.ha1_sha256) != (new.ha1, new.ha1_sha256) else []),
        *_changed("owner", old.owner, new.owner),
        *_changed("main number", old.number or _NONE, new.number or _NONE),
        *_changed("phones at once:", old.max_phones, new.max_phones),
        *(["dial plan: changed"] if old.dial_plan != new.dial_plan else []),
        *_named("feature code", _codes(old), _codes(new)),
    ]


def _codes(line: LineRecord) -> dict[str, str]:
    return {one.code: f"{one.action} {one.sequence} {one.until}".rstrip() for one in line.codes}


def _changed(name: str, old: object, new: object) -> Iterator[str]:
    if old != new:
        yield f"{name} {old} → {new}"


def _named(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Things that have a name: those that are new, gone, or have another value."""
    for name in dict.fromkeys((*new, *old)):
        head = f"{kind} {name}".lstrip()
        if name not in old:
            yield f"{head}: new{_value(new[name])}"
        elif name not in new:
            yield f"{head}: gone"
        elif old[name] != new[name]:
            yield f"{head}: {old[name]} → {new[name]}"


def _value(value: object) -> str:
    return "" if value is None else f", {value}"


def _phones(number: Number) -> dict[str, str]:
    return {line.name: f"at most {line.max_phones} at once" for line in number.lines}


def _rights(old: Rights, new: Rights) -> Iterator[str]:
    for name in PERMISSIONS:
        if getattr(old, name) != getattr(new, name):
            yield f"permission {name}: {'given' if getattr(new, name) else 'taken away'}"
    yield from _changed("forwarded calls at once:", old.max_calls or "no limit",
                        new.max_calls or "no limit")
    yield from _changed("forwarded calls an hour:", old.max_calls_per_hour or "no limit",
                        new.max_calls_per_hour or "no limit")
    before, after = ({f"{row.name} {row.prefix}".rstrip(): "allowed" if row.allowed else "denied"
                      for row in rights.classes} for rights in (old, new))
    yield from _named("class", before, after)
    if old.follow_redirects != new.follow_redirects:
        yield f"redirects of phones: {'followed' if new.follow_redirects else 'ignored'}"


def _screening(old: Number, new: Number) -> Iterator[str]:
    yield from _named("calls from", *({one.pattern.text: _action(one) for one in number.screens}
                                      for number in (old, new)))
    yield from _named("calls from", *({one.pattern.text: _lead(one) for one in number.callers}
                                      for number in (old, new)))


def _action(screen: Screen) -> str:
    return f"{screen.action} {screen.name}".rstrip()


def _lead(rule: CallerRule) -> str:
    return f"sequence {rule.sequence}"


def _continuations(on: Continuations) -> dict[str, str]:
    return {f"when {outcome}": f"sequence {name}" for outcome, name in on}


def _windows(old: Iterable[Window], new: Iterable[Window]) -> Iterator[str]:
    """A window is the same that has the same hours, else the next one with its sequence."""
    before, after = ({str(window): window for window in windows} for windows in (old, new))
    lost = {text: window for text, window in before.items() if text not in after}
    for text, window in after.items():
        if text in before:
            yield from _changed(f"window {text}:", before[text].sequence, window.sequence)
            continue
        moved = next((was for was, one in lost.items() if one.sequence == window.sequence), None)
        if moved is None:
            yield f"window {text}: new, leads to {window.sequence}"
        else:
            del lost[moved]
            yield f"window {moved} → {text}, leads to {window.sequence}"
    yield from (f"window {text}: gone" for text in lost)


def _holidays(old: Iterable[Holiday], new: Iterable[Holiday]) -> Iterator[str]:
    """Few are named; of many, as of another year or country, the count and the ends."""
    before, after = ({replace(one, sequence=""): one.sequence for one in days}
                     for days in (old, new))
    for result, days in (("new", after.keys() - before.keys()),
                         ("gone", before.keys() - after.keys())):
        ordered = sorted(days, key=lambda one: (one.day, one.start))
        if len(ordered) > _MOST_NAMED:
            yield f"holidays: {len(days)} {result}, {ordered[0].day} to {ordered[-1].day}"
        else:
            yield from (f"holiday {one}: {result}" for one in ordered)
    for one, sequence in after.items():
        yield from _changed(f"holiday {one}:", before.get(one, sequence), sequence)


def _overrides(number: Number) -> dict[str, str]:
    def clock(second: int | None) -> str:
        return "for ever" if second is None else format(
            datetime.fromtimestamp(second, number.zone), "%Y-%m-%d %H:%M")

    def days(one: Override) -> str:
        return f"{one.name or 'override'} {clock(one.start)} to {clock(one.until)}"

    return {days(one): f"sequence {one.sequence}" for one in number.overrides}


def _sequences(old: Iterable[Sequence], new: Iterable[Sequence]) -> Iterator[str]:
    before, after = ({one.name: one for one in each} for each in (old, new))
    for name, sequence in after.items():
        head, was = f"sequence {name}", before.get(name, Sequence(name))
        told = [
            *_changed("mode", was.mode or "of the number", sequence.mode or "of the number"),
            *_named("", _continuations(was.on), _continuations(sequence.on)),
            *_steps(was.steps, sequence.steps)]
        if name not in before:
            yield f"{head}: new{'' if told else ', without steps'}"
        yield from (f"{head}, {one}" for one in told)
    yield from (f"sequence {name}: gone" for name in before if name not in after)


def _steps(old: tuple[Step, ...], new: tuple[Step, ...]) -> Iterator[str]:
    """Steps with the same targets are the same, wherever they have moved to together."""
    matcher = SequenceMatcher(a=[*map(_targets, old)], b=[*map(_targets, new)], autojunk=False)
    lost: list[tuple[int, Ring]] = []
    came: list[tuple[int, Ring]] = []
    for what, first, end, start, stop in matcher.get_opcodes():
        if what == "equal":
            for was, (index, step) in zip(old[first:end], _numbered(new, start, stop),
                                          strict=True):
                yield from _rings(index, was, step)
        else:
            lost += [(index, ring) for index, step in _numbered(old, first, end) for ring in step]
            came += [(index, ring) for index, step in _numbered(new, start, stop)
                     for ring in step]
    yield from _moved(lost, came)


def _targets(step: Step) -> frozenset[tuple[str, int]]:
    return frozenset(Counter(ring.target.text for ring in step).items())


def _numbered(steps: tuple[Step, ...], first: int, end: int) -> Iterator[tuple[int, Step]]:
    return ((index + 1, steps[index]) for index in range(first, end))


def _moved(lost: list[tuple[int, Ring]], came: list[tuple[int, Ring]]) -> Iterator[str]:
    for index, ring in came:
        was = next((one for one in lost if one[1].target == ring.target), None)
        if was is None:
            yield f"step {index} {_name(ring)}: new{_time(ring)}"
            continue
        lost.remove(was)
        if was[0] != index:
            yield f"step {was[0]} → {index} {_name(ring)}"
        yield from _ring(index, was[1], ring)
    yield from (f"step {index} {_name(ring)}: gone" for index, ring in lost)


def _rings(index: int, old: Step, new: Step) -> Iterator[str]:
    left = [*old]
    for ring in new:
        was = next(one for one in left if one.target == ring.target)
        left.remove(was)
        yield from _ring(index, was, ring)


def _ring(index: int, old: Ring, new: Ring) -> Iterator[str]:
    head = f"step {index} {_name(new)}:"
    yield from _changed(f"{head} ring time", _seconds(old.ring_s), _seconds(new.ring_s))
    yield from _changed(f"{head} start delay", _seconds(old.delay_s), _seconds(new.delay_s))
    yield from _changed(f"{head} label", old.label or _NONE, new.label or _NONE)
    if old.confirm != new.confirm:
        yield f"{head} {'must' if new.confirm else 'need not'} press 1"


def _name(ring: Ring) -> str:
    target = str(ring.target)
    return f"{ring.label} ({target})" if ring.label else target


def _time(ring: Ring) -> str:
    if ring.target.kind.answers:
        return ""
    delay = f" after {_seconds(ring.delay_s)}" if ring.delay_s else ""
    return f", rings {_seconds(ring.ring_s)}{delay}{', must press 1' if ring.confirm else ''}"


def _seconds(count: int) -> str:
    return f"{count} s"


def _hours(old: Number, new: Number, now: datetime) -> str:
    """How much of a week the weekly windows cover, and the next change of the schedule."""
    before, after = _covered(old), _covered(new)
    hours = f"{before} a week → {after}" if before != after else f"{after} a week unchanged"
    return f"coverage {hours}; {_next_change(new, now)}"


def _covered(number: Number) -> str:
    minutes = sum(((window.end - window.start) % DAY_MINUTES or DAY_MINUTES) * len(window.days)
                  for window in number.windows if not window.dated)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def _next_change(number: Number, now: datetime) -> str:
    coming = timeline.next_change(replace(number.timetable, overrides=()), now)
    if coming is None:
        return "no more changes"
    local = coming.astimezone(number.zone)
    soon = (local.date() - now.astimezone(number.zone).date()).days <= _SOON_DAYS
    return f"next change {format(local, _WEEKDAY if soon else _DATE)}"
