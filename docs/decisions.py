# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes ``decisions.md`` from the tables that the router itself uses."""

import sys
from collections.abc import Iterable
from pathlib import Path

from kemi_routing import decide, hunt, render, sequence
from kemi_routing.ksr.fork import NO_REPLY_MS
from kemi_routing.model import DEFAULT_MAX_PHONES, DEFAULT_RING_S, Mode

PAGE = Path(__file__).with_name("decisions.md")
STATUSES = (408, 480, 486, 487, 302, 404, 500, 503, 600, 603)


def page() -> str:
    """The whole page, Markdown."""
    return "\n".join([
        "# How a call is decided",
        "",
        "Written by `script/docs` from the code; do not edit.",
        "",
        "## Which rule wins",
        "The first of these that applies, in this order:",
        "",
        *(f"{index}. {rule}" for index, rule in enumerate(decide.RULES, 1)),
        "",
        "Own mailbox applies where the owner calls: from one of the number's lines, or with one of "
        "its aliases as calling number, the call not being diverted, and the number having the "
        "voicemail permission. How sure we are that it is the owner:",
        "",
        *table(("Grade", "Meaning", "PIN"),
               ((grade, meaning, "asked" if pin else "not asked")
                for grade, (meaning, pin) in decide.GRADES.items())),
        "",
        "## What runs",
        "The mode of the winning sequence, else that of the number, says which parts run. "
        "A part that the sequence holds already is not added again.",
        "",
        *table(("Mode", "Parts, in this order"),
               ((f"`{mode}`", ", ".join(sequence.PARTS[mode])) for mode in Mode)),
        "",
        "## How a target ended, and what follows",
        "A step is over when all its targets have ended; then the next one begins. "
        "One target never stops the others of its step.",
        "",
        *table(("Outcome", "When", "From the subscriber's own line", "Voicemail `cause`"),
               ((name, row.when, "the end of the sequence is next" if row.own_line_stops
                 else "the next step is next", str(row.cause))
                for name, row in hunt.OUTCOMES.items())),
        "",
        "The first row that occurred speaks for a line with several phones, and gives the `cause` "
        f"to voicemail; it is {hunt.CAUSE_UNCONDITIONAL} where nothing was rung before. The final "
        f"answer, where nobody answers, is {hunt.BUSY_HERE.status} {hunt.BUSY_HERE.phrase} if all "
        f"were busy, {hunt.UNAVAILABLE.status} {hunt.UNAVAILABLE.phrase} otherwise.",
        "",
        *table(("A phone or network answers", "Outcome"),
               ((str(status), hunt.classify(status)) for status in STATUSES)),
        "",
        "## Limits",
        *table(("What", "Limit"), (
            ("ring time of a target", f"1 to {sequence.MAX_RING_S} s, {DEFAULT_RING_S} s unless "
                                      "given"),
            ("a target that sends no reply at all", f"not reachable after {NO_REPLY_MS} ms"),
            ("phones of a line", f"{DEFAULT_MAX_PHONES} unless given"),
            ("branches at the same time", str(sequence.MAX_PHONES_AT_ONCE)),
            ("branches in a whole call", str(sequence.MAX_BRANCHES)),
            ("set-up time without a warning", f"{sequence.LONG_SETUP_S} s"))),
        "",
        "## What the media server gets",
        "",
        *table(("Call", "Request-URI (RFC 4458)", "Headers"), (
            ("leave a message", "`sip:voicemail@MEDIA;target=sip:NUMBER%40DOMAIN;cause=CAUSE`",
             f"`{render.ACCOUNT}: organisation/subscriber`"),
            ("mailbox access", "`sip:vm-access@MEDIA;target=sip:NUMBER%40DOMAIN`",
             f"the same, `{render.GRADE}: GRADE`, "
             f"`{render.PIN}: ask` or `open`"))),
        "",
        "These headers are removed from whatever comes in.",
        "",
    ])


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Lines of a Markdown table."""
    return ["| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows)]


def main(arguments: list[str]) -> int:
    """Write the page; with ``--check`` only compare: 1 where it is out of date."""
    if arguments == ["--check"]:
        fresh = PAGE.exists() and PAGE.read_text("utf-8") == page()
        if not fresh:
            sys.stderr.write("docs/decisions.md is not what the code says; run script/docs\n")
        return 0 if fresh else 1
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
