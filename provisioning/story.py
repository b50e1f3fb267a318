# SPDX-License-Identifier: GPL-2.0-or-later
"""A call record for people and programs (SPEC C1): what was decided, who rang, how it ended.

The keys for programs are stable; times are ISO 8601 in UTC, ``_s`` are seconds with three decimals.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from kemi_routing.call_story import (
    CANCELLED,
    DENIED,
    ELSEWHERE,
    NOT_REACHED,
    Branch,
    Chapter,
    Result,
)
from kemi_routing.model import Outcome
from kemi_routing.plan import Remark
from kemi_routing.targets import Kind
from kemi_routing.trail import ANSWERED

BECAME = {
    ANSWERED: "answered",
    str(Outcome.BUSY): "was busy",
    str(Outcome.NO_ANSWER): "did not answer",
    str(Outcome.UNREACHABLE): "could not be reached",
    str(Outcome.DECLINED): "declined",
    CANCELLED: "stopped, the caller hung up",
    ELSEWHERE: "stopped, answered elsewhere",
}
"""Outcome of a branch that was sent -> the words for it."""
NOT_RUNG = {
    DENIED: "a cap was reached",
    NOT_REACHED: "the call was over before its turn",
    str(Outcome.UNREACHABLE): "it could not be sent",
}
"""The same of one that was not."""
ENDED = {
    Result.ANSWERED: "answered",
    Result.VOICEMAIL: "answered",
    Result.BUSY: "all were busy",
    Result.NO_ANSWER: "nobody answered",
    Result.CANCELLED: "the caller hung up while it rang",
    Result.REDIRECTED: "the trunk was told where to call",
    Result.REJECTED: "refused",
    Result.FAILED: "failed",
}
"""How the set-up of a call ended -> the words for it."""


def row(chapter: Chapter) -> dict[str, Any]:
    """A call in a list."""
    one, end = chapter.decided, chapter.ended
    return {
        "received": moment(one.received_ms),
        "number": one.number,
        "dialled": one.dialled,
        "caller": _caller(chapter),
        "grade": one.grade,
        "via": one.via,
        "rule": one.rule,
        "result": str(chapter.result),
        "status": chapter.status or None,
        "answered_by": chapter.answered_by,
        "setup_s": _seconds(end.after_ms if end else None),
        "talked_s": _seconds(chapter.duration_ms),
        "ended_by": chapter.hung_up.by if chapter.hung_up else "",
        "call_id": one.call_id,
    }


def as_dict(chapter: Chapter) -> dict[str, Any]:
    """All that is known of a call."""
    one = chapter.decided
    return row(chapter) | {
        "owner": one.owner,
        "revision": one.revision,
        "handed_over": [_remark(each) for each in one.handed],
        "skipped": [_remark(each) for each in one.skipped],
        "refused": one.said.why if one.said else "",
        "branches": [_branch(each) for each in chapter.branches],
        "answered": _moment_or_none(chapter.answered_ms),
        "ended": _moment_or_none(chapter.hung_up.at_ms if chapter.hung_up else None),
    }


def as_text(chapters: Sequence[Chapter]) -> str:
    """The story of a call, several lines."""
    return "\n\n".join("\n".join(_lines(chapter)) for chapter in chapters)


def moment(at_ms: int) -> str:
    """``2026-11-23T09:00:00.123Z``."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(
        timespec="milliseconds").replace("+00:00", "Z")


def _lines(chapter: Chapter) -> Iterator[str]:
    one = chapter.decided
    owner = f" of {one.owner}" if one.owner else ""
    revision = f", revision {one.revision}" if one.revision else ""
    at = datetime.fromtimestamp(one.received_ms / 1000, UTC)
    yield f"{one.number}{owner}{revision}"
    yield f"came     {at:%a %Y-%m-%d %H:%M:%S}.{one.received_ms % 1000:03d} UTC, {one.via}"
    yield f"caller   {_caller(chapter)}, grade {one.grade}, dialled {one.dialled}"
    if one.rule:
        yield f"rule     {one.rule}"
    yield from _listed("handed", one.handed)
    yield from _listed("skipped", one.skipped)
    yield from _branch_lines(chapter.branches)
    yield from _end_lines(chapter)


def _caller(chapter: Chapter) -> str:
    one = chapter.decided
    return f"{one.ani or 'anonymous'}{' (anonymous)' if one.ani and one.anonymous else ''}"


def _listed(title: str, remarks: Sequence[Remark]) -> Iterator[str]:
    for remark in remarks:
        yield f"{title:<8} {remark.what}: {remark.why}"
        title = ""


def _branch_lines(branches: Sequence[Branch]) -> Iterator[str]:
    rows = [_cells(one) for one in branches]
    if rows:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for cells in rows:
            yield "  ".join(f"{cell:<{width}}" for cell, width in zip(
                cells, widths, strict=True)).rstrip()


def _cells(one: Branch) -> tuple[str, ...]:
    tried = one.tried
    label = f" ({tried.label})" if tried.label else ""
    start = "not rung" if one.sent_ms is None else f"+{one.sent_ms / 1000:.1f} s"
    hop = f"by {one.hop}" if one.hop else ""
    rang = "" if one.rang_ms is None or one.sent_ms is None else (
        f"rang after {(one.rang_ms - one.sent_ms) / 1000:.1f} s")
    return start, f"{tried.target}{label}", hop, rang, _became(one), tried.why


def _became(one: Branch) -> str:
    if one.sent_ms is None:
        no_phone = one.tried.target.startswith(f"{Kind.LINE} ")
        return ("no phone was registered" if no_phone and one.outcome == Outcome.UNREACHABLE
                else NOT_RUNG[one.outcome])
    status = f" ({one.status})" if one.status else ""
    after = "" if one.over_ms is None else f" after {(one.over_ms - one.sent_ms) / 1000:.1f} s"
    return f"{BECAME[one.outcome]}{status}{after}"


def _end_lines(chapter: Chapter) -> Iterator[str]:
    if said := chapter.decided.said:
        yield f"end      {said.status}: {said.why}"
    elif chapter.ended is None:
        yield "end      none was seen: it rings still, or the proxy ended first"
    else:
        after_s = chapter.ended.after_ms / 1000
        by = f" by {chapter.answered_by}" if chapter.answered_by else ""
        answered = chapter.answered_ms is not None
        yield (f"{'answer' if answered else 'end':<8} {chapter.status} after {after_s:.1f} s: "
               f"{ENDED[chapter.result]}{by}")
        if answered:
            yield f"end      {_hung_up(chapter)}"


def _hung_up(chapter: Chapter) -> str:
    if chapter.hung_up is None or chapter.duration_ms is None:
        return "no end was seen"
    return f"the {chapter.hung_up.by} hung up after {chapter.duration_ms / 1000:.1f} s"


def _remark(remark: Remark) -> dict[str, str]:
    return {"what": remark.what, "why": remark.why}


def _branch(one: Branch) -> dict[str, Any]:
    tried = one.tried
    return {
        "step": one.step + 1,
        "target": tried.target,
        "label": tried.label,
        "why": tried.why,
        "number": tried.number,
        "ring_s": tried.ring_s,
        "delay_s": tried.delay_s,
        "hop": one.hop,
        "sent_after_s": _seconds(one.sent_ms),
        "rang_after_s": _seconds(one.rang_ms),
        "over_after_s": _seconds(one.over_ms),
        "outcome": one.outcome,
        "status": one.status or None,
    }


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _moment_or_none(at_ms: int | None) -> str | None:
    return None if at_ms is None else moment(at_ms)
