# SPDX-License-Identifier: GPL-2.0-or-later
"""Executes a plan on tm: steps in series, the targets of a step in parallel.

Callbacks run in whatever process tm chooses, so the hunt rides in an AVP of the transaction.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from kemi_routing import plan_codec, render
from kemi_routing.hunt import OUTCOMES, End, classify, next_step, voicemail_cause
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.spiral import Spiral
from kemi_routing.ksr.target_set import TargetSet
from kemi_routing.plan import Plan, Planned
from kemi_routing.plan_codec import Hunt
from kemi_routing.targets import Kind

if TYPE_CHECKING:
    from KSR import Api

HUNT_AVP = "$avp(followme_hunt)"
ON_BRANCH = "ksr_branch_route"
ON_BRANCH_FAILURE = "ksr_branch_failure"
ON_FAILURE = "ksr_failure_route"

NO_REPLY_MS = 4000
"""A target that sends nothing at all for this long is not reachable (tm's fr_timer)."""


CANCELLED = End(487, "Request Terminated")


def new_transaction(ksr: "Api") -> bool:
    """Begin the transaction of this request; False for a retransmission, which tm has handled.

    Raises RuntimeError where tm could not make one: without an answer the caller hears silence.
    """
    code = ksr.tm.t_newtran()
    if code < 0:
        raise RuntimeError(f"t_newtran returned {code}")
    return code > 0


class Fork:
    """The forking of calls; what it holds lives no longer than one callback."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._ksr = edge.ksr
        self._spiral = Spiral(edge.secret, edge.settings.spiral_port)
        self._sending: Hunt | None = None
        """The hunt whose branches ``t_relay`` is adding right now."""
        self._unsent: list[int] = []
        """Target index of each branch that ``t_relay`` has still to add."""

    def start(self, plan: Plan) -> None:
        """Ring the first step of a plan, or answer; called in the request route."""
        self._advance(plan_codec.begin(plan), ruri_unused=True)

    def relay(self, plan: Plan) -> None:
        """Send the one target of a plan; the caller hears its answer, whatever it is."""
        state = plan_codec.begin(plan).jump_to(0)
        self._ksr.seturi(self._uri(state, state.running[0], cause=0))
        self._ksr.tm.t_on_branch(ON_BRANCH)
        self._ksr.tm.t_set_fr(_ring_ms(state), NO_REPLY_MS)
        self._sending, self._unsent = replace(state, branches=(0,)), [0]
        if self._ksr.tm.t_relay() < 0:
            # Its name does not resolve: tm says nothing where the transaction is ours.
            self._edge.log("end", number=state.number, status=503, tried="unreachable")
            self._edge.reply(503, "Service Unavailable")
        self._sending = None

    def second_pass(self) -> None:
        """Ring the one target that a spiral branch carries; called in the request route."""
        state = self._spiral.hunt(self._ksr.pv.gete("$rU"))
        if state is None:
            self._edge.reply(403, "Forbidden")
        elif new_transaction(self._ksr):
            self._ksr.corex.set_send_socket(self._edge.settings.send_socket)
            self._advance(state, ruri_unused=True)

    def on_branch(self) -> None:
        """A branch is being added: note which target it is, and dress it."""
        state, target = self._sending, self._unsent.pop(0)
        assert state is not None
        index = self._ksr.pv.get("$T_branch_idx")
        if state.branches[index:index + 1] != (target,):
            # A branch before this one could not be made and its index is used again.
            branches = (*state.branches[:index], target, *self._unsent)
            self._sending = state = replace(state, branches=branches)
            self._save(state)
        self._dress(state, state.running[target])

    def on_branch_failure(self) -> None:
        """A branch ended without an answer: note its outcome."""
        tm, pv = self._ksr.tm, self._ksr.pv
        outcome = classify(pv.get("$T_reply_code"), timed_out=tm.t_branch_timeout() > 0,
                           replied=tm.t_branch_replied() > 0)
        self._save(self._load().with_outcome(pv.get("$T_branch_idx"), outcome))

    def on_failure(self) -> None:
        """All branches of the step ended: ring the next step, or answer."""
        if self._ksr.tm.t_is_canceled() > 0:  # unanswered, tm would prefer a 6xx of a phone
            self._ksr.tm.t_reply(CANCELLED.status, CANCELLED.phrase)
        else:
            self._advance(self._load().step_over(), ruri_unused=False)

    def _advance(self, state: Hunt, *, ruri_unused: bool) -> None:
        """Ring the next step in which somebody can be reached, or give the final answer."""
        targets = TargetSet(self._ksr, ruri_unused=ruri_unused)
        while not isinstance(coming := next_step(state.steps, state.tried), End):
            state = state.jump_to(coming)
            if self._send_step(state, targets):
                return
            if self._ksr.tm.t_is_canceled() > 0:
                coming = CANCELLED
                break
            state = state.step_over()
        if state.spiral and coming is not CANCELLED:
            coming = End(OUTCOMES[state.tried[-1][0]].status, "Second Pass Over")
        else:
            self._edge.log("end", number=state.number, status=coming.status,
                           tried=plan_codec.tried_text(state.tried))
        self._ksr.tm.t_reply(coming.status, coming.phrase)

    def _send_step(self, state: Hunt, targets: TargetSet) -> bool:
        """Fork to all targets of the running step; False where not one could be sent."""
        added = self._add_branches(state, targets)
        if not added:
            return False
        state = replace(state, branches=(*state.branches, *added))
        self._save(state)
        self._sending, self._unsent = state, added
        ring_ms = _ring_ms(state)
        tm = self._ksr.tm
        tm.t_on_branch(ON_BRANCH)
        tm.t_on_branch_failure(ON_BRANCH_FAILURE)
        tm.t_on_failure(ON_FAILURE)
        tm.t_set_disable_6xx(1)
        tm.t_set_disable_internal_reply(1)
        tm.t_set_fr(ring_ms, min(ring_ms, NO_REPLY_MS))
        tm.t_set_max_lifetime(ring_ms, ring_ms)  # counts from now, whatever a phone repeats (F3)
        sent = tm.t_relay() > 0
        targets.used_up()
        self._sending = None
        return sent

    def _add_branches(self, state: Hunt, targets: TargetSet) -> list[int]:
        """Put the running step into the target set; the target index of each branch, in order."""
        step, longest_ms, cause = state.running, _ring_ms(state), voicemail_cause(state.tried)
        spirals = [1000 * planned.ring_s < longest_ms for planned in step]
        # All URIs first: a branch that is added and then not sent rings in some later call.
        uris = [self._spiral.uri(state, planned) if spiral else self._uri(state, planned, cause)
                for planned, spiral in zip(step, spirals, strict=True)]
        lines = [planned.target.kind is Kind.LINE and not spiral
                 for planned, spiral in zip(step, spirals, strict=True)]
        added: list[int] = []
        # Lines come last: after a look-up, a plain branch would inherit the phone's address.
        for index in sorted(range(len(step)), key=lines.__getitem__):
            add = targets.add_line if lines[index] else targets.add
            added += [index] * add(uris[index])
        return added

    def _uri(self, state: Hunt, planned: Planned, cause: int) -> str:
        return render.target_uri(planned, state.number, self._edge.settings, cause)

    def _dress(self, state: Hunt, planned: Planned) -> None:
        """Give a branch its caller id and headers; they concern this branch alone."""
        settings, hdr = self._edge.settings, self._ksr.hdr
        if planned.cli:
            for name in render.IDENTITY_HEADERS:
                hdr.remove(name)
            self._ksr.uac.uac_replace_from("", render.from_uri(planned.cli, settings))
        for header in render.branch_headers(planned, state.owner, state.access, settings):
            hdr.append(f"{header}\r\n")

    def _load(self) -> Hunt:
        return plan_codec.decode(str(self._ksr.pv.get(HUNT_AVP)))

    def _save(self, state: Hunt) -> None:
        self._ksr.pv.unset(HUNT_AVP)  # a second value would be stacked on the first
        self._ksr.pv.sets(HUNT_AVP, plan_codec.encode(state))


def _ring_ms(state: Hunt) -> int:
    return 1000 * max(planned.ring_s for planned in state.running)

