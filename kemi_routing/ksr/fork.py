# SPDX-License-Identifier: GPL-2.0-or-later
"""Executes a plan on tm: steps in series, the targets of a step in parallel.

Callbacks run in whatever process tm chooses, so the hunt rides in an AVP of the transaction.
"""

from collections.abc import Callable
from dataclasses import replace

from kemi_routing import (
    early_media,
    hunt,
    plan_codec,
    second_pass,
    start_delay,
    trail,
)
from kemi_routing.hunt import OUTCOMES, End, classify, next_step
from kemi_routing.ksr import (
    dress,
    in_force,
    masks,
    names,
    parties,
    records,
    redirects,
    route_set,
    rtp,
    waiting,
)
from kemi_routing.ksr.branches import Branches, load, save
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.spiral import Spiral
from kemi_routing.ksr.target_set import TargetSet
from kemi_routing.model import Outcome
from kemi_routing.plan import Plan
from kemi_routing.plan_codec import UNKNOWN, Hunt
from kemi_routing.start_delay import Waiting
from kemi_routing.targets import Target

CANCELLED = End(487, "Request Terminated")


class Fork:
    """The forking of calls; what it holds lives no longer than one callback."""

    def __init__(self, edge: Edge, clock_ms: Callable[[], int]) -> None:
        """``clock_ms`` is monotonic, and the same in all processes."""
        self._edge = edge
        self._clock_ms = clock_ms
        self._ksr = edge.ksr
        self._spiral = Spiral(edge.secret, edge.settings.spiral_port)
        self.branches = Branches(edge, clock_ms, self._spiral)

    def start(self, plan: Plan, *, received_ms: int = 0, early_media: bool = False) -> None:
        """Ring the first step of a plan, or answer; called in the request route.

        ``received_ms`` names the call's record; with ``early_media`` the caller hears that of every
        target that rings alone (SPEC F11).
        """
        state = replace(self._begin(plan, received_ms), early_media=early_media)
        self._advance(state, ruri_unused=True)

    def relay(self, plan: Plan, received_ms: int = 0) -> None:
        """Send the one target of a plan; the caller hears its answer, whatever it is."""
        begun = self._begin(plan, received_ms).jump_to(0, trail.step(0, 0))
        if not self.branches.only(begun):
            self._log_end(load(self._edge), 503, tried=Outcome.UNREACHABLE)
            self._edge.reply(503, "Service Unavailable")

    def second_pass(self) -> None:
        """Ring the one target that a spiral branch carries; called in the request route."""
        state = self._spiral.hunt(self._ksr.pv.gete("$rU"))
        if state is None:
            self._edge.reply(403, "Forbidden")
        elif self._edge.new_transaction():
            self._ring_or_wait(state)

    def on_delay_over(self) -> None:
        """The second pass has waited, or was woken: its target rings now."""
        in_force.keep_up(self._edge)
        if self._ksr.tm.t_is_canceled() > 0:
            self._ksr.tm.t_reply(CANCELLED.status, CANCELLED.phrase)
        else:
            self._ring_or_wait(load(self._edge))

    def on_reply(self) -> None:
        """A branch is under way: hear that it waits; what it plays may have to become ringing.

        One that answers is the end of the hunt.
        """
        ksr = self._ksr
        status = ksr.pv.geti("$rs")
        masks.answered(self._edge)
        if status >= 200:
            if status < 300:
                self._answered(status)
            return
        # No phone of a second pass is heard here with its 100, and what others say means nothing.
        branch = ksr.pv.get("$T_branch_idx")
        waits = ksr.hdr.gete(waiting.WAITS) if status == 100 else ""
        if status in records.RINGS:
            records.rings(self._edge, branch, self._clock_ms())
        # Acknowledged within the call.
        reliable = ksr.hdr.is_present("RSeq") > 0
        marks = self._has_sides(load(self._edge), branch, rings=True)[1] if reliable else ""
        if ksr.pv.gete("$tt"):  # else it makes no dialog
            route_set.restore(self._edge, branch, more=marks)
        if waits:
            state, woken = start_delay.heard(load(self._edge), branch, waits, self._clock_ms())
            save(self._edge, state)
            waiting.wake(self._edge, woken)
        elif ksr.hdr.is_present("Content-Type") > 0:
            self._plays(branch)

    def _plays(self, branch: int) -> None:
        state = load(self._edge)
        # One that the caller must acknowledge stays as it is (RFC 3262).
        if self._ksr.hdr.is_present("RSeq") < 0 and not early_media.passes(state, branch):
            dress.as_ringing(self._edge)
        else:
            rtp.answer(self._edge, state)

    def on_branch_failure(self) -> None:
        """A branch ended without an answer: note its outcome, start what waited for it."""
        in_force.keep_up(self._edge)
        tm, pv = self._ksr.tm, self._ksr.pv
        status, branch = pv.get("$T_reply_code"), pv.get("$T_branch_idx")
        timed_out = tm.t_branch_timeout() > 0
        outcome = classify(status, timed_out=timed_out, replied=tm.t_branch_replied() > 0)
        state = load(self._edge)
        state = state.with_outcome(branch, outcome, trail.ended(
            branch, self._after_ms(state), 0 if timed_out else status, outcome))
        state = redirects.heard(self._edge, state, branch, status)
        woken: tuple[Waiting, ...] = ()
        if tm.t_is_canceled() < 0:
            if hunt.is_out_of_service(status, outcome):
                state = self.branches.elsewhere(state, branch, status)
            if hunt.is_flow_dead(status, outcome):
                state = self.branches.another_flow(state, branch)
            state, woken = start_delay.wake(state, self._clock_ms())
        save(self._edge, state)
        waiting.wake(self._edge, woken)

    def on_failure(self) -> None:
        """All branches of the step ended: ring the next step, or answer."""
        in_force.keep_up(self._edge)
        state = load(self._edge).step_over()
        if self._ksr.tm.t_is_canceled() > 0:  # unanswered, tm would prefer a 6xx of a phone
            self._log_end(state, CANCELLED.status)
            self._ksr.tm.t_reply(CANCELLED.status, CANCELLED.phrase)
        else:
            self._advance(state, ruri_unused=False)

    def on_relay_failure(self) -> None:
        """The one target of ``relay`` did not answer; the caller hears what it said."""
        tm = self._ksr.tm
        said = self._ksr.pv.get("$T_reply_code")
        heard = 500 if said == 503 else said  # RFC 3261 section 16.7, step 6
        self._log_end(load(self._edge), CANCELLED.status if tm.t_is_canceled() > 0 else heard,
                      tried=classify(said))

    def _begin(self, plan: Plan, received_ms: int) -> Hunt:
        return replace(plan_codec.begin(plan), began_ms=self._clock_ms(), received_ms=received_ms)

    def _after_ms(self, state: Hunt) -> int:
        return self._clock_ms() - state.began_ms

    def _answered(self, status: int) -> None:
        """Note who answered, and once tell it: a phone repeats its 200 until it is acknowledged."""
        state = load(self._edge)
        if not state.answered and self._ksr.pv.geti("$T_reply_last") >= 300:
            return  # its time was over, and tm does not pass it on
        branch = self._ksr.pv.get("$T_branch_idx")
        without = rtp.answered(self._edge, state)
        by, marks = self._has_sides(state, branch)
        route_set.restore(self._edge, branch, without=without, more=marks)
        if not state.answered:
            told = trail.answered(branch, self._after_ms(state), status)
            state = replace(state, answered=True, trail=state.trail + told)
            save(self._edge, state)
            self._log_end(state, status, answered=by or "earlier step")

    def _has_sides(
        self, state: Hunt, branch: int, *, rings: bool = False
    ) -> tuple[Target | None, str]:
        """Note where both sides are, as this branch answers or rings; its target, and what the
        caller's Record-Route needs.
        """
        index = state.target_of(branch)
        # One of an earlier step may answer before its CANCEL comes (RFC 3261 section 9.1).
        by = None if index is None else state.running.targets[index].target
        if state.spiral or (rings and state.answered):  # the first pass knows both sides
            return by, ""
        first = not (rings or state.answered)
        return by, parties.answered(self._edge, by, first=first, rings=rings)

    def _log_end(self, state: Hunt, status: int, **values: object) -> None:
        """The line and the record about the end of a call's set-up; the first pass has the line."""
        after_ms = self._after_ms(state)
        if not state.spiral:
            rtp.end_of_set_up(self._edge, status)
            said = {"tried": plan_codec.tried_text(state.tried), **values}
            self._edge.log("end", number=state.number, status=status, after_ms=after_ms, **said)
        records.ended(self._edge, state, status, after_ms)

    def _ring_or_wait(self, state: Hunt) -> None:
        """Ring the target of a second pass, in which the Request-URI is always free to use."""
        planned, = state.running.targets
        delay_ms, wanted = 1000 * planned.delay_s, names.named(planned)
        known = not wanted or bool(state.hops) or names.hops(self._edge, wanted) is not None
        if delay_ms or not known:
            # What tm adds for the time of the suspension is a branch too: index 0.
            save(self._edge, replace(start_delay.over(state), branches=(-1,), hops=(UNKNOWN,)))
            until = waiting.suspend(self._edge, delay_ms or second_pass.LOOK_UP_MS,
                                    self._clock_ms())
            if not known:
                names.ask(self._edge, wanted, "" if delay_ms else until.text)
        else:
            self._ksr.corex.set_send_socket(self._edge.settings.send_socket)
            self._advance(state, ruri_unused=True)

    def _advance(self, state: Hunt, *, ruri_unused: bool) -> None:
        """Ring the next step in which somebody can be reached, or give the final answer."""
        with TargetSet(self._ksr, ruri_unused=ruri_unused) as targets:
            while not isinstance(coming := next_step(state.steps, state.tried), End):
                state = state.jump_to(coming, trail.step(coming, self._after_ms(state)))
                if self.branches.step(state, targets):
                    return
                if self._ksr.tm.t_is_canceled() > 0:
                    coming = CANCELLED
                    break
                state = state.step_over()
        self._log_end(state, coming.status)
        if state.spiral and coming is not CANCELLED:
            outcome = state.tried[-1][0]
            coming = End(OUTCOMES[outcome].status, "Second Pass Over")
            if outcome is not Outcome.DECLINED:
                redirects.tell(self._edge, state)
        self._ksr.tm.t_reply(coming.status, coming.phrase)
