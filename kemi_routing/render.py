# SPDX-License-Identifier: GPL-2.0-or-later
"""What a plan looks like in SIP: Request-URI and headers of each branch, or the Contacts of a 302.

Addresses come from ``Settings``, everything else from checked values, so that only a URI within a
URI needs escaping.
"""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from kemi_routing import caller_id
from kemi_routing.caller_id import Dress, SoFar
from kemi_routing.errors import InvalidValue
from kemi_routing.network import Server
from kemi_routing.plan import Access, Plan, Planned, PlannedStep
from kemi_routing.settings import Settings
from kemi_routing.targets import Kind

ACCOUNT = "X-Followme-Account"
"""The number whose target the media server is; back from there: for whom it calls (SPEC V4)."""
GRADE = "X-Followme-Grade"
PIN = "X-Followme-Pin"
OUTGOING = "X-Followme-Outgoing"
SERVICE = "X-Followme-Service"
"""From the media server only: what its call is for."""
FLOW = "X-Followme-Flow"
"""Between two proxies only: the line and the flow of the phone to be rung."""
OUR_HEADERS = (ACCOUNT, GRADE, PIN, OUTGOING, SERVICE, FLOW)
"""Between us and the media server, or two of us, removed from everything that comes in."""

_MAILBOX_OF = "target=sip:{user}%40{domain}"
_URIS = {
    Kind.PSTN: "sip:{name}@{hop}",
    Kind.SIP: "{name}",
    Kind.IAX: "sip:{name}@{hop};peer={peer}",
    Kind.LINE: "sip:{name}@{domain}",
    Kind.VOICEMAIL: f"sip:voicemail@{{hop}};{_MAILBOX_OF};cause={{cause}}",
    Kind.MAILBOX: f"sip:vm-access@{{hop}};{_MAILBOX_OF}",
    Kind.ANNOUNCEMENT: "sip:annc@{hop};play={name}",
    Kind.CONFERENCE: "sip:conf={name}@{hop}",
    Kind.MENU: "sip:ivr.{name}@{hop}",
    Kind.QUEUE: "sip:queue.{name}@{hop}",
    Kind.PARKING: "sip:park@{hop}",
}
"""Request-URIs; voicemail as in RFC 4458 section 2, announcement and conference in RFC 4240."""
_WITHOUT = {Kind.PSTN: "no gateway is configured", Kind.IAX: "no IAX gateway is configured"}
_CONFIRM = "sip:screen@{hop};target={back}"


def hops_of(planned: Planned, settings: Settings) -> tuple[Server, ...]:
    """The gateways or media servers one of which the branch goes to; empty for what needs none."""
    if _at_media_server(planned):
        return settings.network.media_servers
    if planned.target.kind is Kind.IAX:
        return settings.network.iax_gateways
    return settings.network.gateways if planned.target.kind is Kind.PSTN else ()


def server_of(planned: Planned, settings: Settings, hop: str = "") -> Server | None:
    """The one of them that is there, else the first; None for what needs none."""
    group = hops_of(planned, settings)
    return next((one for one in group if one.at == hop), None) or next(iter(group), None)


def what_is_missing(planned: Planned, settings: Settings) -> str:
    """Why no branch can go to this target; empty where one can."""
    if not _at_media_server(planned) and planned.target.kind is Kind.NUMBER:
        return "only its lines can be rung"
    if hops_of(planned, settings):
        return ""
    if _at_media_server(planned):
        return "no media server is configured"
    return _WITHOUT.get(planned.target.kind, "")


def target_uri(planned: Planned, number: str, settings: Settings, cause: int, hop: str = "") -> str:
    """The Request-URI of the branch; for a line its address of record.

    ``number`` is that of the target's account, ``cause`` the RFC 4458 cause that voicemail gets,
    ``hop`` the ``at`` of one of ``hops_of``, the first where it is left out; where that has a host
    name, the URI does.
    Of an IAX peer it has no password (SPEC T3). Raises InvalidValue for a number, of which only
    the lines ring, and where there is no hop that it needs.
    """
    target, domain = planned.target, settings.platform.domain
    if missing := what_is_missing(planned, settings):
        raise InvalidValue(f"{target}: {missing}")
    form = _CONFIRM if planned.confirm else _URIS[target.kind]
    server = server_of(planned, settings, hop)
    gateway = _as_gateway(server, planned)
    peer, _, name = target.public.address.rpartition("/")
    if target.kind is not Kind.IAX:
        name = _called(target.address, gateway) if gateway else target.address
    return form.format(
        name=name, peer=quote(peer, safe=""),
        domain=domain, hop=server.written if server and (not hop or hop == server.at) else hop,
        user=caller_id.user_of(number), cause=cause,
        back=_way_back(planned, domain) if planned.confirm else "")


def dress(planned: Planned, so_far: SoFar, access: Access | None, settings: Settings,
          hop: str = "") -> Dress:
    """How this branch is told apart from the INVITE as received; once for each branch.

    ``hop`` is the one to which it goes, as in ``target_uri``.
    """
    domain = settings.platform.domain
    if planned.target.kind.outside and not _at_media_server(planned):
        number = so_far.accounts[planned.account].number
        uri = target_uri(planned, number, settings, cause=0, hop=hop)
        gateway = _as_gateway(server_of(planned, settings, hop), planned)
        profile = (gateway and gateway.cli) or settings.network.cli
        return caller_id.outside(planned, uri, so_far, profile, domain)
    seen = caller_id.inside(planned, so_far, domain)
    return replace(seen, add=_to_media_server(planned, so_far, access))


def q_values(entries: Sequence[int]) -> list[str]:
    """The q of each step, from its count of entries: in (1, 0.8), falling, evenly apart (SPEC F9).

    A q has three decimals (RFC 3261 section 25.1), enough for 199 entries.
    """
    apart = 0.2 / (sum(entries) + 1)
    return [f"{1 - apart * place:.3f}".rstrip("0") for place in range(1, len(entries) + 1)]


def redirect_contacts(plan: Plan, settings: Settings) -> list[str] | None:
    """The Contact values of a 302 that say what the plan says (SPEC F9).

    None where they cannot: where a target is not T1 or T2, begins later or asks for ``confirm``,
    or where an outcome continues elsewhere.
    """
    if not plan.steps or not all(map(_is_plain, plan.steps)):
        return None
    steps = [step.targets for step in plan.steps]
    return [f"<{target_uri(one, plan.number, settings, cause=0)}?Expires={one.ring_s}>;q={q}"
            for step, q in zip(steps, q_values(list(map(len, steps))), strict=True)
            for one in step]


def _is_plain(step: PlannedStep) -> bool:
    return not step.on and all(
        one.target.kind in (Kind.PSTN, Kind.SIP) and not one.delay_s and not one.confirm
        for one in step.targets)


def _to_media_server(planned: Planned, so_far: SoFar, access: Access | None) -> tuple[str, ...]:
    if not _at_media_server(planned):
        return ()
    account = f"{ACCOUNT}: {so_far.accounts[planned.account].number}"
    if planned.target.kind is not Kind.MAILBOX or access is None:
        return (account,)
    return (account, f"{GRADE}: {access.grade}", f"{PIN}: {'ask' if access.ask_pin else 'open'}",
            f"{OUTGOING}: {access.outgoing}")


def _as_gateway(server: Server | None, planned: Planned) -> Server | None:
    """The same where the branch goes out by it as a number; None where it goes elsewhere."""
    return server if planned.target.kind is Kind.PSTN and not planned.confirm else None


def _called(number: str, gateway: Server) -> str:
    """The user part of a Request-URI, in which ``#`` is escaped (RFC 3261 section 25.1)."""
    return gateway.prefix.replace("#", "%23") + gateway.numbers.write(number)


def _at_media_server(planned: Planned) -> bool:
    return planned.target.kind.answers or planned.confirm


def _way_back(planned: Planned, domain: str) -> str:
    """Where the media server asks us to call for ``confirm``: a URI as a URI parameter's value."""
    target = planned.target
    uri = target.address if target.kind is Kind.SIP else f"sip:{target.address}@{domain}"
    return quote(uri, safe=":[]+*~")
