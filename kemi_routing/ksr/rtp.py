# SPDX-License-Identifier: GPL-2.0-or-later
"""RTP of calls through rtpengine, an option (Kamailio's module rtpengine).

Each branch has an offer of its own, by the branch of our Via: the caller's, or the callee's where
the INVITE carries none (RFC 3264). Where rtpengine does not answer, the call goes on without it.

Which calls go through it their route knows: our Record-Route outlives a restart, and of several
proxies the one that it names relays.
"""

from kemi_routing.ksr import caller
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.workers import alarm_once
from kemi_routing.plan_codec import Hunt
from kemi_routing.settings import LOOPBACK

ROUTE_MARK = "fr"
"""Parameter of our Record-Route: the RTP of the call goes through rtpengine, and who offers first.
"""
_CALLER, _CALLEE = "caller", "callee"
OFFERED = "$avp(followme_offered)"
"""Who offered, in the transaction of an INVITE that rtpengine has heard of."""
ON_REFRESH = "ksr_refresh"
ANSWERED = "$avp(followme_answered)"
"""The branch that answered first."""
FLAG = 7
"""Flag of a branch, or of a request within a call, whose RTP goes through rtpengine."""

TOO_MUCH = 488, "Too Many Streams"
_MOST_STREAMS = 8
"""For each of which rtpengine opens four ports or more."""
_BODY_IN_HEX, _STREAM = "$(rb{s.encode.hexa})", b"\nm=".hex()
"""A body may hold what is not UTF-8."""
_FLAGS = "replace-origin replace-session-connection"
_OF_BRANCH = f"{_FLAGS} via-branch=auto-next"
_WHOLE_CALL = "from-tag="
_SLOPPY = 1
_SOURCE = "$T_req($si)"
_SILENT = "rtp:"
"""Key of the alarm that no trunk and no number has as its name."""


def asks_too_much(edge: Edge) -> bool:
    """Whether a message describes more streams than rtpengine is asked to relay."""
    return bool(edge.settings.rtpengine) and (
        str(edge.ksr.pv.gete(_BODY_IN_HEX)).lower().count(_STREAM) > _MOST_STREAMS)


def offer(edge: Edge) -> str:
    """A branch is being added: what the caller offers names rtpengine. The parameter that our
    Record-Route needs then.
    """
    if not edge.settings.rtpengine:
        return ""
    by = _CALLER if _has_sdp(edge) else _CALLEE
    if by == _CALLER and not _of_branch(edge, by, _to_callee(edge)):
        edge.ksr.resetbflag(FLAG)  # which it has from a branch of the step before
        return ""
    edge.ksr.setbflag(FLAG)
    return f";{ROUTE_MARK}={by}"


def answer(edge: Edge, state: Hunt) -> None:
    """A branch answers, or plays something that the caller hears: what it answers, or offers, names
    rtpengine too. What comes through a second pass is heard in the first one.
    """
    if (edge.settings.rtpengine and not state.spiral and edge.ksr.isbflagset(FLAG)
            and _answers_sdp(edge)):
        by = str(edge.ksr.pv.get(OFFERED) or _CALLEE)
        _of_branch(edge, by, "" if by == _CALLER else _to_caller(edge))


def answered(edge: Edge, state: Hunt) -> str:
    """A branch answers for good; the parameter that our Record-Route has no more. Where two do at
    once, the caller ends the later call (RFC 3261 section 13.2.2.4): it has no RTP through
    rtpengine, and its end takes none away.
    """
    if edge.settings.rtpengine and not state.spiral and edge.ksr.isbflagset(FLAG):
        branch, first = edge.ksr.pv.geti("$T_branch_idx"), edge.ksr.pv.get(ANSWERED)
        if first is None:
            edge.ksr.pv.seti(ANSWERED, branch)
        if first not in (None, branch):
            return ROUTE_MARK
        answer(edge, state)
    return ""


def within_call(edge: Edge) -> None:
    """The same for a request within a call that goes on; call it after ``loose_route``."""
    ksr = edge.ksr
    if not (edge.settings.rtpengine and ksr.rr.check_route_param(f";{ROUTE_MARK}=") > 0):
        return
    if ksr.is_method_in("B"):
        ksr.rtpengine.rtpengine_delete(_WHOLE_CALL)
    elif ksr.is_method_in("IUA"):
        ksr.setflag(FLAG)
        if _has_sdp(edge):
            _told(edge, ksr.rtpengine.rtpengine_manage(_FLAGS))
    elif ksr.is_method_in("E") and _has_sdp(edge):
        _acknowledged(edge)


def answer_within_call(edge: Edge) -> None:
    """The answer to that; of a refusal what it offers is not looked at."""
    ksr = edge.ksr
    if not (edge.settings.rtpengine and ksr.isflagset(FLAG) and ksr.pv.geti("$rs") < 300
            and _answers_sdp(edge)):
        return
    if ksr.is_method_in("E"):
        _told(edge, ksr.rtpengine.rtpengine_answer(_FLAGS))
    else:
        _told(edge, ksr.rtpengine.rtpengine_manage(_FLAGS))


def end_of_set_up(edge: Edge, status: int) -> None:
    """The caller hears this final answer: nobody else is, from one of 300 and above."""
    if status >= 300 and edge.settings.rtpengine and edge.ksr.pv.get(OFFERED):
        edge.ksr.rtpengine.rtpengine_delete(_WHOLE_CALL)


def _acknowledged(edge: Edge) -> None:
    """PRACK answers an offer of the callee's, or offers once more (RFC 3262 section 5), which the
    module rtpengine does not tell apart.
    """
    ksr = edge.ksr
    if ksr.rr.check_route_param(f";{ROUTE_MARK}={_CALLEE}") > 0:
        _told(edge, ksr.rtpengine.rtpengine_answer(_FLAGS))
    else:
        ksr.setflag(FLAG)
        ksr.tm.t_on_reply(ON_REFRESH)
        _told(edge, ksr.rtpengine.rtpengine_offer(_FLAGS))


def _of_branch(edge: Edge, by: str, family: str) -> bool:
    """Whether rtpengine deals with the SDP of a branch, of an INVITE of which this one offers."""
    ksr = edge.ksr
    relays = _told(edge, ksr.rtpengine.rtpengine_manage(_OF_BRANCH + family))
    if relays and not ksr.pv.get(OFFERED):
        ksr.pv.sets(OFFERED, by)
    return relays


def _to_callee(edge: Edge) -> str:
    """The family of addresses that the callee is offered, where we speak both: that by which it is
    reached, which of a branch of a second pass nobody knows here.
    """
    pv, settings = edge.ksr.pv, edge.settings
    uri = str(pv.gete("$ru"))
    if not settings.address6 or uri.endswith(f"@{LOOPBACK}:{settings.spiral_port}"):
        return ""
    return _family(six="[" in uri or "[" in str(pv.gete("$du")))


def _to_caller(edge: Edge) -> str:
    """The same of the caller."""
    return _family(six=":" in str(edge.ksr.pv.gete(_SOURCE))) if edge.settings.address6 else ""


def _family(*, six: bool) -> str:
    return f" address-family={'IP6' if six else 'IP4'}"


def _has_sdp(edge: Edge) -> bool:
    """Whether there is something in the message for rtpengine, alone or in a multipart/mixed; of
    one that is well-formed the second question asks whether SDP is among its parts.
    """
    ksr = edge.ksr
    return ksr.sdpops.sdp_content() > 0 and ksr.sdpops.sdp_content_flags(_SLOPPY) > 0


def _answers_sdp(edge: Edge) -> bool:
    """The same of an answer, which loses what asks too much: past rtpengine it would tell a side
    where the other one is.
    """
    if not _has_sdp(edge):
        return False
    if asks_too_much(edge):
        caller.without_body(edge)
        return False
    return True


def _told(edge: Edge, code: int) -> bool:
    """Whether rtpengine did what it was told; the operator hears of it once where not."""
    if code < 0:
        alarm_once(edge, _SILENT, "rtp", why="rtpengine does not answer")
    return code > 0
