# SPDX-License-Identifier: GPL-2.0-or-later
"""How a branch leaves: caller id, headers, and what it may not ask of the caller."""

from contextlib import suppress

from kemi_routing import early_media, hidden, render
from kemi_routing.caller_id import IDENTITY, SoFar, why_forwarded
from kemi_routing.formats import Format
from kemi_routing.ksr import caller, loops, masks, reach, route_set, rtp
from kemi_routing.ksr.edge import Edge
from kemi_routing.plan import Planned
from kemi_routing.plan_codec import Hunt
from kemi_routing.targets import Kind


def put_on(edge: Edge, state: Hunt, planned: Planned, branch: int, hop: str) -> None:
    """Give a branch its caller id and headers in the branch route; they concern it alone.

    ``hop`` is the one to which it goes, "" where there is one or none.
    """
    hdr = edge.ksr.hdr
    why = why_forwarded(len(state.accounts), state.steps, state.tried)
    so_far = SoFar(state.accounts, state.caller, why, branch + 1)
    dress = render.dress(planned, so_far, state.access, edge.settings, hop)
    caller.remove(edge, dress.remove)
    if dress.from_uri:
        kept = masks.put_on(edge, dress.from_uri,
                            masks.Kind.PRIVATE if dress.private else masks.Kind.OTHER)
    elif shown := _shown(edge, dress.from_numbers):
        kept = masks.put_on(edge, shown, masks.Kind.OWN)
        caller.remove(edge, (IDENTITY,))
    else:
        kept = loops.proof(edge, loops.BARE)
    for line in dress.on_top:
        name = line.partition(":")[0]
        if hdr.is_present(name) > 0:
            hdr.insert_before(f"{line}\r\n", name)
        else:
            hdr.append(f"{line}\r\n")
    for line in dress.add:
        hdr.append(f"{line}\r\n")
    if planned.target.kind in (Kind.LINE, Kind.SIP):
        kept = reach.caller_stays(edge) + kept
    route_set.add(edge, branch, kept + rtp.offer(edge))
    if not early_media.passes(state, branch):
        _without_reliable_answers(edge)


def _shown(edge: Edge, numbers: Format | None) -> str:
    """The caller's own URI as a branch shows it; "" where that is as received."""
    shown = caller.rewritten(edge, numbers) if numbers else ""
    if edge.settings.hides and not shown:
        domain = edge.settings.platform.domain
        shown = hidden.from_uri(edge.ksr.pv.gete("$fu"), domain) or ""
    return shown


def _without_reliable_answers(edge: Edge) -> None:
    """Unless the caller insists, its support of 100rel is not told (RFC 3262)."""
    required, supported = _options(edge, "Require"), _options(edge, "Supported")
    if early_media.RELIABLE in supported and early_media.RELIABLE not in required:
        edge.ksr.hdr.remove("Supported")
        kept = [tag for tag in supported if tag != early_media.RELIABLE]
        if kept:
            edge.ksr.hdr.append(f"Supported: {', '.join(kept)}\r\n")


def _options(edge: Edge, header: str) -> list[str]:
    values: list[str] = []
    with suppress(UnicodeDecodeError):  # what cannot be read names no option that we know
        while (value := edge.ksr.hdr.get_idx(header, len(values))) is not None:
            values.append(value)
    return early_media.options(values)


def as_ringing(edge: Edge) -> None:
    """Early media becomes a 180: nobody hears it (SPEC F11)."""
    edge.ksr.textopsx.change_reply_status(180, "Ringing")
    caller.without_body(edge)
