# SPDX-License-Identifier: GPL-2.0-or-later
"""A week in words, for 80 columns, a pipe or an ear; and a small picture of letters below them."""

from collections.abc import Iterator

from kemi_routing.schedule import Rank
from provisioning.pictures.lettering import COLUMNS, hanging
from provisioning.pictures.week import DAY_S, NO_SEQUENCE, Day, Week

HALF_HOURS = 48
SIGNS = {Rank.WEEKLY: "#", Rank.DATED: "=", Rank.HOLIDAY: "*", Rank.OVERRIDE: "!",
         Rank.DEFAULT: "."}
"""What stands for a rank in the picture of letters."""
MEANING = {rank: "gap" if rank is Rank.DEFAULT else str(rank) for rank in SIGNS}

_SLOT_S = DAY_S // HALF_HOURS
_INDENT = 16


def words(week: Week) -> list[str]:
    """All that the pictures of a week say, line by line; each line of a day names it."""
    return [
        *headlines(week),
        "",
        *(line for day in week.days for line in _day(day, week)),
        "",
        *leads(week),
    ]


def headlines(week: Week) -> list[str]:
    """Whose week it is, and what holds at the instant that is marked."""
    number, now = week.number, week.now
    rows = {
        "week": f"{week.days[0].text} to {week.days[-1].text} ({number.zone.key})",
        week.mark: f"{week.at:%a %Y-%m-%d %H:%M} {week.at.isoformat()[-6:]}, {now.text}",
        "gaps": f"{_hours(week)} outside every window",
    }
    return [*hanging("", f"{number.number} of {number.owner}, revision {number.revision}"),
            *(line for title, text in rows.items() for line in hanging(f"{title:<9}", text))]


def leads(week: Week) -> list[str]:
    """What rings where a sequence holds."""
    return [line for name, rings in week.leads
            for line in hanging(f"{name or NO_SEQUENCE}: ", rings)]


def as_text(week: Week) -> str:
    """The words, and a row of letters for each day, half an hour each."""
    return "\n".join([*words(week), "", *_letters(week)])


def before_and_after(before: Week, after: Week) -> str:
    """Both weeks as rows of letters, the old one on top."""
    return "\n\n".join("\n".join((title, *headlines(one), "", *_letters(one)))
                       for title, one in (("before", before), ("after", after)))


def _letters(week: Week) -> list[str]:
    found = {span.applied.rank for day in week.days for span in day.spans}
    key = ", ".join(f"{sign} {MEANING[rank]}" for rank, sign in SIGNS.items() if rank in found)
    scale = "".join(f"{hour:02}    " for hour in range(0, 24, 3)) + "24"
    return [*hanging("", f"half hours: {key}"), " " * _INDENT + scale,
            *(line for day in week.days for line in _drawn(day, week))]


def _day(day: Day, week: Week) -> Iterator[str]:
    for turn in day.turns:
        yield f"{day.text}  {turn}: the clocks are put {'back' if turn.twice else 'forward'}"
    for span in day.spans:
        now = f", {week.mark}" * (day is week.today and span is week.now)
        yield from hanging(f"{day.text}  {span.hours}  ", span.text + now)


def _drawn(day: Day, week: Week) -> Iterator[str]:
    yield f"{day.text}  {''.join(_sign(day, slot) for slot in range(HALF_HOURS))}".rstrip()
    if day is week.today:
        yield f"{' ' * (_INDENT + week.now_s // _SLOT_S)}^ {week.mark}"[:COLUMNS]


def _sign(day: Day, slot: int) -> str:
    """Of the rule that holds for most of this half hour; of equals the first."""
    first, last = slot * _SLOT_S, (slot + 1) * _SLOT_S
    held = [(min(last, piece.last_s) - max(first, piece.first_s), span.applied.rank)
            for span in day.spans for piece in span.pieces]
    longest, rank = max(held, key=lambda one: one[0], default=(0, Rank.DEFAULT))
    return SIGNS[rank] if longest > 0 else " "


def _hours(week: Week) -> str:
    minutes = round(week.gaps.total_seconds() / 60)
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
