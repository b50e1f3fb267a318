# SPDX-License-Identifier: GPL-2.0-or-later
"""RTP of calls through rtpengine, an option (Kamailio's module rtpengine).

Each branch is an offer of its own, by the branch of our Via. Where rtpengine does not answer, the
call goes on without it.
"""

from kemi_routing.ksr.caps import alarm_once
from kemi_routing.ksr.edge import Edge
from kemi_routing.plan_codec import Hunt

RELAYED = "relayed"
"""Hash table of kamailio.cfg: Call-IDs whose RTP goes through rtpengine."""

_FLAGS = "replace-origin replace-session-connection"
_OF_BRANCH = f"{_FLAGS} via-branch=auto-next"


def offer(edge: Edge) -> None:
    """A branch is being added: what the caller offers names rtpengine."""
    if edge.settings.rtpengine:
        _manage(edge, _OF_BRANCH)


def answer(edge: Edge, state: Hunt) -> None:
    """A branch answers, or plays something that the caller hears: so does what it answers. What
    comes through a second pass is heard in the first one.
    """
    if edge.settings.rtpengine and not state.spiral and _is_relayed(edge):
        _manage(edge, _OF_BRANCH)


def within_call(edge: Edge) -> None:
    """The same for a request within a call."""
    if not (edge.settings.rtpengine and _is_relayed(edge)):
        return
    if edge.ksr.is_method_in("B"):
        end(edge)
    else:
        _manage(edge, _FLAGS)


def answer_within_call(edge: Edge) -> None:
    """The answer to that."""
    if edge.settings.rtpengine and _is_relayed(edge):
        _manage(edge, _FLAGS)


def end_of_set_up(edge: Edge, status: int) -> None:
    """The caller hears this final answer."""
    if status >= 300:
        end(edge)


def end(edge: Edge) -> None:
    """The call is over, or nobody answered."""
    if edge.settings.rtpengine and _is_relayed(edge):
        edge.ksr.htable.sht_rm(RELAYED, edge.ksr.pv.gete("$ci"))
        edge.ksr.rtpengine.rtpengine_delete("")


def _is_relayed(edge: Edge) -> bool:
    return edge.ksr.htable.sht_get(RELAYED, edge.ksr.pv.gete("$ci")) == 1


def _manage(edge: Edge, flags: str) -> None:
    """Let rtpengine deal with the SDP of the message, if there is one."""
    ksr = edge.ksr
    if ksr.hdr.is_present("Content-Type") < 0:
        return
    if ksr.rtpengine.rtpengine_manage(flags) < 0:
        alarm_once(edge, RELAYED, "rtp", why="rtpengine does not answer")
    else:
        ksr.htable.sht_seti(RELAYED, ksr.pv.gete("$ci"), 1)
