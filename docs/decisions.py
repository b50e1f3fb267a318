# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes ``decisions.md`` from the tables that the router itself uses."""

from collections.abc import Callable
from inspect import isfunction, signature
from pathlib import Path

from docs.table import table
from kemi_routing import caller_id, forwarding, hunt, limits, permissions, render, rules, sequence
from kemi_routing.ksr.branches import NO_REPLY_MS
from kemi_routing.media_leg import Service
from kemi_routing.model import CONFIRM_S, DEFAULT_MAX_PHONES, DEFAULT_RING_S, Mode, Outcome
from kemi_routing.plan import Outgoing
from kemi_routing.redis import keys

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
        *table(("", "Rule", "It applies where"),
               ((str(index), rule, when)
                for index, (rule, when) in enumerate(rules.RULES.items(), 1))),
        "",
        "How sure we are that it is the owner who calls:",
        "",
        *table(("Grade", "Meaning", *(f"`{policy}`" for policy in rules.OPEN)),
               ((grade, meaning, *("no PIN" if grade in opens else "PIN asked"
                                   for opens in rules.OPEN.values()))
                for grade, meaning in rules.GRADES.items())),
        "",
        "The policy is the number's (`mailbox`) or the operator's (`FOLLOWME_MAILBOX`), whichever "
        "is stricter.",
        "",
        "## What runs",
        "The mode of the winning sequence, else that of the number, says which parts run. "
        "A part that the sequence holds already is not added again.",
        "",
        *table(("Mode", "Parts, in this order"),
               ((f"`{mode}`", ", ".join(sequence.PARTS[mode]) or "none: "
                 f"{forwarding.DECLINE[0]} {forwarding.DECLINE[1]}") for mode in Mode)),
        "",
        "## How a target ended, and what follows",
        "A step is over when all its targets have ended; then the next one begins, or the "
        "sequence that `on` names for the outcome. One target never stops the others of its step.",
        "",
        *table(("Outcome", "When", "From the subscriber's own line", "Voicemail `cause`",
                "Diversion `reason`"),
               ((name, row.when, "the end of the sequence is next" if name is Outcome.DECLINED
                 else "the next step is next", str(row.cause), caller_id.REASONS[name])
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
            ("ring time of a target", f"1 to {limits.MAX_RING_S} s, {DEFAULT_RING_S} s unless "
                                      "given"),
            ("a target that sends no reply at all", f"not reachable after {NO_REPLY_MS} ms"),
            ("start delay within a step", f"0 to {limits.MAX_DELAY_S} s"),
            ("prompt of a `confirm` target, after its ring time", f"{CONFIRM_S} s"),
            ("numbers that one call is handed over to", str(forwarding.MAX_HOPS)),
            ("phones of a line", f"{DEFAULT_MAX_PHONES} unless given"),
            ("branches at the same time", str(limits.MAX_PHONES_AT_ONCE)),
            ("branches in a whole call", str(limits.MAX_BRANCHES)),
            ("set-up time without a warning", f"{limits.LONG_SETUP_S} s"))),
        "",
        "## Classes of outside numbers",
        "The longest prefix decides. Everything is `international` and allowed, but for "
        "`premium`, which is denied; `national` is the country code of the dial plan. "
        "Built-in premium ranges, as prefixes:",
        "",
        ", ".join(sorted(row.prefix for row in permissions.BUILT_IN
                         if row.name == permissions.PREMIUM)) + ".",
        "",
        "## What the media server gets",
        "",
        *table(("Call", "Request-URI (RFC 4458)", "Headers"), (
            ("leave a message", "`sip:voicemail@MEDIA;target=sip:NUMBER%40DOMAIN;cause=CAUSE`",
             f"`{render.ACCOUNT}: NUMBER`"),
            ("mailbox access", "`sip:vm-access@MEDIA;target=sip:NUMBER%40DOMAIN`",
             f"the same, `{render.GRADE}: GRADE`, `{render.PIN}: ask` or `open`, "
             f"`{render.OUTGOING}: {'`, `'.join(Outgoing)}`"),
            ("prompt of a `confirm` target", "`sip:screen@MEDIA;target=URI`, the URI escaped",
             f"`{render.ACCOUNT}: NUMBER`"))),
        "",
        f"`{render.OUTGOING}` says whether the menu offers calls to others: `no` without the "
        f"permission `{Service.OUTGOING}`, `{Outgoing.YES}` for the grades of "
        f"`FOLLOWME_OUTGOING_WITHOUT_PIN`, else `{Outgoing.PIN}`: once the PIN was given.",
        "",
        "## What the media server may call",
        "An INVITE from its address that names the number in whose name it calls, and what for. "
        "Each is authorised anew with what that number may do now; what is denied gets 403.",
        "",
        *table(("Call", "Request-URI", "Headers", "What is asked", "Who is shown"), (
            ("from the mailbox menu", "`sip:DIALLED@DOMAIN`",
             f"`{render.ACCOUNT}: NUMBER`, `{render.SERVICE}: {Service.OUTGOING}`",
             f"permission `{Service.OUTGOING}`, the dial plan, the class, the caps; no emergency "
             "number. A number of ours rings by its own rules, its voicemail included.",
             "the number, outside as its `cli` says"),
            ("back from the prompt of a `confirm` target", "the URI of `target`, unescaped",
             f"`{render.ACCOUNT}: NUMBER`, `{render.SERVICE}: {Service.CONFIRM}`; Diversion and "
             "History-Info as received",
             "a sequence of the number has this target with `confirm`; permission "
             "`forward_external`, the class. It rings for its own ring time and never goes to "
             "voicemail.",
             "outside as the number's `cli` says; a line sees From as received, which is to name "
             "the caller"))),
        "",
        "All these headers are removed from whatever anybody else sends.",
        "",
        "## What stands in Redis",
        "Records of numbers, lines and the network are MessagePack; `fm` is the product, `1` the "
        "schema. What the edge may do with which: [operators.md](operators.md#what-the-edge-may-do-"
        "in-redis).",
        "",
        *table(("Key", "What"), (
            (f"`{_example(key)}`", (key.__doc__ or "").replace("``", "`"))
            for key in vars(keys).values() if isfunction(key))),
        "",
    ])


def _example(key: Callable[..., str]) -> str:
    return key(*(name.upper() for name in signature(key).parameters))
