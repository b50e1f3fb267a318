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
    render,
    second_pass,
    start_delay,
    trail,
)
from kemi_routing.hunt import OUTCOMES, End, classify, next_step, voicemail_cause
from kemi_routing.ksr import (
    branch_proof,
    dress,
    flows,
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
from kemi_routing.ksr.caps import Caps
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.next_hops import NextHops
from kemi_routing.ksr.spiral import Spiral
from kemi_routing.ksr.target_set import TargetSet
from kemi_routing.model import Outcome
from kemi_routing.plan import Plan, Planned
from kemi_routing.plan_codec import UNKNOWN, Hunt
from kemi_routing.start_delay import Waiting
from kemi_routing.targets import Kind, Target

HUNT_AVP = "$avp(followme_hunt)"
ON_BRANCH = "ksr_branch_route"
ON_BRANCH_FAILURE = "ksr_branch_failure"
ON_FAILURE = "ksr_failure_route"
ON_RELAY_FAILURE = "ksr_relay_failure"
ON_REPLY = "ksr_reply"

NO_REPLY_MS = 4000
"""A target that sends nothing at all for this long is not reachable (tm's fr_timer)."""

CANCELLED = End(487, "Request Terminated")


class Fork:
    """The forking of calls; what it holds lives no longer than one callback."""

    def __init__(self, edge: Edge, clock_ms: Callable[[], int]) -> None:
        """``clock_ms`` is monotonic, and the same in all processes."""
        self._edge = edge
        self._clock_ms = clock_ms
        self._ksr = edge.ksr
        self._caps = Caps(edge)
        self._hops = NextHops(edge)
        self._spiral = Spiral(edge.secret, edge.settings.spiral_port)
        self._sending: Hunt | None = None
        """The hunt whose branches ``t_relay`` is adding right now."""
        self._unsent: list[int] = []
        """Target index of each branch that ``t_relay`` has still to add."""
        self._hop = ""
        """Where the branch goes that is sent once more."""

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
        state = self._hops.told(self._hops.begin(replace(begun, branches=(0,))))
        hop, tm = "".join(state.hops), self._ksr.tm
        self._ksr.seturi(self._uri(state, state.running.targets[0], cause=0, hop=hop))
        self._watch_branches()
        tm.t_on_failure(ON_RELAY_FAILURE)
        tm.t_set_fr(second_pass.ring_ms(state), NO_REPLY_MS)
        self._save(state)
        self._sending, self._unsent = state, [0]
        if hop == names.NOWHERE or tm.t_relay() < 0:
            # No gateway's address is known: tm says nothing where the transaction is ours.
            self._log_end(state, 503, tried=Outcome.UNREACHABLE)
            self._edge.reply(503, "Service Unavailable")
        self._sending = None

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
            self._ring_or_wait(self._load())

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
        planned = state.running.targets[target]
        if _goes_to_phone(planned) and not second_pass.needed(state)[target]:
            flows.to_phone(self._edge, planned.target.address)
        hop = self._hop or (state.hops[target] if state.hops else "")
        if destination := self._hops.destination(planned, hop):
            self._ksr.setdsturi(destination)
        branch_proof.prove(self._edge, index)
        if not state.spiral:  # there the first pass has dressed it
            dress.put_on(self._edge, state, planned, index, hop)

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
        marks = self._has_sides(self._load(), branch, rings=True)[1] if reliable else ""
        if ksr.pv.gete("$tt"):  # else it makes no dialog
            route_set.restore(self._edge, branch, more=marks)
        if waits:
            state, woken = start_delay.heard(self._load(), branch, waits, self._clock_ms())
            self._save(state)
            waiting.wake(self._edge, woken)
        elif ksr.hdr.is_present("Content-Type") > 0:
            self._plays(branch)

    def _plays(self, branch: int) -> None:
        state = self._load()
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
        state = self._load()
        state = state.with_outcome(branch, outcome, trail.ended(
            branch, self._after_ms(state), 0 if timed_out else status, outcome))
        state = redirects.heard(self._edge, state, branch, status)
        woken: tuple[Waiting, ...] = ()
        if tm.t_is_canceled() < 0:
            if hunt.is_out_of_service(status, outcome):
                state = self._sent_elsewhere(state, branch, status)
            if hunt.is_flow_dead(status, outcome):
                state = self._over_another_flow(state, branch)
            state, woken = start_delay.wake(state, self._clock_ms())
        self._save(state)
        waiting.wake(self._edge, woken)

    def on_failure(self) -> None:
        """All branches of the step ended: ring the next step, or answer."""
        in_force.keep_up(self._edge)
        state = self._load().step_over()
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
        self._log_end(self._load(), CANCELLED.status if tm.t_is_canceled() > 0 else heard,
                      tried=classify(said))

    def _begin(self, plan: Plan, received_ms: int) -> Hunt:
        return replace(plan_codec.begin(plan), began_ms=self._clock_ms(), received_ms=received_ms)

    def _after_ms(self, state: Hunt) -> int:
        return self._clock_ms() - state.began_ms

    def _answered(self, status: int) -> None:
        """Note who answered, and once tell it: a phone repeats its 200 until it is acknowledged."""
        state = self._load()
        if not state.answered and self._ksr.pv.geti("$T_reply_last") >= 300:
            return  # its time was over, and tm does not pass it on
        branch = self._ksr.pv.get("$T_branch_idx")
        without = rtp.answered(self._edge, state)
        by, marks = self._has_sides(state, branch)
        route_set.restore(self._edge, branch, without=without, more=marks)
        if not state.answered:
            told = trail.answered(branch, self._after_ms(state), status)
            state = replace(state, answered=True, trail=state.trail + told)
            self._save(state)
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
            self._save(replace(start_delay.over(state), branches=(-1,), hops=(UNKNOWN,)))
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
                if self._send_step(state, targets):
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

    def _send_step(self, state: Hunt, targets: TargetSet) -> bool:
        """Fork to all targets of the running step; False where not one could be sent."""
        before = state
        state = self._hops.told(self._hops.begin(replace(state, hops=())))
        added = self._add_branches(state, targets)
        if not added:
            return False
        state = start_delay.begin(replace(state, branches=(*state.branches, *added)))
        self._save(state)
        self._sending, self._unsent = state, added
        ring_ms = second_pass.ring_ms(state)
        tm = self._ksr.tm
        self._watch_branches()
        tm.t_on_failure(ON_FAILURE)
        tm.t_set_disable_6xx(1)
        tm.t_set_disable_internal_reply(1)
        tm.t_set_fr(ring_ms, min(ring_ms, NO_REPLY_MS))
        tm.t_set_max_lifetime(ring_ms, ring_ms)  # counts from now, whatever a phone repeats (F3)
        sent = tm.t_relay() > 0
        targets.used_up()
        self._sending = None
        return sent or (self._hops.refused(state) and self._send_step(before, targets))

    def _add_branches(self, state: Hunt, targets: TargetSet) -> list[int]:
        """Put the running step into the target set; the target index of each branch, in order."""
        step, cause = state.running.targets, voicemail_cause(state.tried)
        spirals = second_pass.needed(state)
        # All URIs first: a branch that is added and then not sent rings in some later call.
        hops = state.hops or [""] * len(step)
        lost = {index for index, one in enumerate(step)
                if render.what_is_missing(one, self._edge.settings)}
        uris = ["" if index in lost else
                self._spiral.uri(state, index) if spirals[index] else
                self._uri(state, one, cause, hops[index]) for index, one in enumerate(step)]
        lines = [_goes_to_phone(planned) and not spiral
                 for planned, spiral in zip(step, spirals, strict=True)]
        refused = self._beyond_caps(state)
        added: list[int] = []
        # Lines come last: after a look-up, a plain branch would inherit the phone's address. Plain
        # ones come first: what cannot be made is noticed when tm uses its index again.
        for index in sorted(range(len(step)), key=lambda index: (lines[index], spirals[index])):
            kept_in = step[index].account in refused and step[index].target.kind.outside
            if index not in lost and not kept_in and hops[index] != names.NOWHERE:
                add = targets.add_line if lines[index] else targets.add
                added += [index] * add(uris[index])
        return added

    def _beyond_caps(self, state: Hunt) -> set[int]:
        """Accounts whose outside targets are left out; the first pass has asked for the second."""
        asked = {one.account for one in state.running.targets if one.target.kind.outside}
        return {account for account in asked if not (
            state.spiral or self._caps.admit(state.accounts[account]))}

    def _sent_elsewhere(self, state: Hunt, branch: int, status: int) -> Hunt:
        """Ring the target of a branch by another hop, where its first one does not serve: its ring
        time goes on (SPEC B2).
        """
        index = state.target_of(branch)
        if index is None or second_pass.needed(state)[index]:
            return state
        planned = state.running.targets[index]
        tried = (state.hops[index] if state.hops else "") or self._hops.only(planned)
        if tried in ("", UNKNOWN):
            return state
        if status in hunt.OF_THE_HOP_ITSELF:
            self._hops.failed(tried)
        hop = self._hops.another(planned, tried)
        if not hop:  # a name may have a single address, and the others may have gone away
            return state
        uri = self._uri(state, planned, voicemail_cause(state.tried), hop)
        state = replace(state, hops=(*state.hops[:index], "", *state.hops[index + 1:]))
        return self._send_again(state, index, uri, hop)

    def _over_another_flow(self, state: Hunt, branch: int) -> Hunt:
        """Ring a phone over the flow that it had before, where the newest is dead: its ring time
        goes on.
        """
        index = state.target_of(branch)
        of_phone = index is not None and state.running.targets[index].target.kind is Kind.LINE
        if index is None or not of_phone or self._ksr.tm.t_next_contact_flow() < 0:
            return state
        return self._send_again(state, index)

    def _send_again(self, state: Hunt, index: int, uri: str = "", hop: str = "") -> Hunt:
        """One more branch for a target; without ``uri`` it is in the target set already."""
        told = trail.elsewhere(len(state.branches), self._after_ms(state), hop)
        self._sending = replace(state, branches=(*state.branches, index), trail=state.trail + told)
        self._unsent, self._hop = [index], hop
        self._save(self._sending)
        self._watch_branches()
        with TargetSet(self._ksr, ruri_unused=False) as targets:
            if uri:
                targets.add(uri)
            if self._ksr.tm.t_relay() > 0:
                state = self._sending
        self._sending, self._hop = None, ""
        return state

    def _watch_branches(self) -> None:
        """Have tm tell us of the branches that are added next."""
        tm = self._ksr.tm
        if tm.t_on_branch(ON_BRANCH) < 0:
            raise RuntimeError("branches could not be dressed")
        tm.t_on_branch_failure(ON_BRANCH_FAILURE)
        tm.t_on_reply(ON_REPLY)

    def _uri(self, state: Hunt, planned: Planned, cause: int, hop: str = "") -> str:
        number = state.accounts[planned.account].number
        return render.target_uri(planned, number, self._edge.settings, cause, hop)

    def _load(self) -> Hunt:
        return plan_codec.decode(str(self._ksr.pv.get(HUNT_AVP)))

    def _save(self, state: Hunt) -> None:
        self._ksr.pv.unset(HUNT_AVP)  # a second value would be stacked on the first
        self._ksr.pv.sets(HUNT_AVP, plan_codec.encode(state))


def _goes_to_phone(planned: Planned) -> bool:
    """Whether a branch goes to a registered phone, or to the second pass of one."""
    return planned.target.kind is Kind.LINE and not planned.confirm
