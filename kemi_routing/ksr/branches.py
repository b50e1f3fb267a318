# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends the branches of a running step through tm, and hears of each as it is added."""

from collections.abc import Callable
from dataclasses import replace

from kemi_routing import hunt, plan_codec, render, second_pass, start_delay, trail
from kemi_routing.hunt import voicemail_cause
from kemi_routing.ksr import branch_proof, dress, flows, names
from kemi_routing.ksr.caps import Caps
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.next_hops import NextHops
from kemi_routing.ksr.spiral import Spiral
from kemi_routing.ksr.target_set import TargetSet
from kemi_routing.plan import Planned
from kemi_routing.plan_codec import UNKNOWN, Hunt
from kemi_routing.targets import Kind

_HUNT = "$avp(followme_hunt)"
ON_BRANCH = "ksr_branch_route"
ON_BRANCH_FAILURE = "ksr_branch_failure"
ON_FAILURE = "ksr_failure_route"
ON_RELAY_FAILURE = "ksr_relay_failure"
ON_REPLY = "ksr_reply"

NO_REPLY_MS = 4000
"""A target that sends nothing at all for this long is not reachable (tm's fr_timer)."""


def load(edge: Edge) -> Hunt:
    """The hunt of the transaction that the callback is about."""
    return plan_codec.decode(str(edge.ksr.pv.get(_HUNT)))


def save(edge: Edge, state: Hunt) -> None:
    """Keep it for the callbacks to come, in whatever process they run."""
    edge.ksr.pv.unset(_HUNT)  # a second value would be stacked on the first
    edge.ksr.pv.sets(_HUNT, plan_codec.encode(state))


class Branches:
    """What it holds lives no longer than one callback."""

    def __init__(self, edge: Edge, clock_ms: Callable[[], int], spiral: Spiral) -> None:
        self._edge = edge
        self._clock_ms = clock_ms
        self._ksr = edge.ksr
        self._caps = Caps(edge)
        self._hops = NextHops(edge)
        self._spiral = spiral
        self._sending: Hunt | None = None
        """The hunt whose branches ``t_relay`` is adding right now."""
        self._unsent: list[int] = []
        """Target index of each branch that ``t_relay`` has still to add."""
        self._hop = ""
        """Where the branch goes that is sent once more."""

    def step(self, state: Hunt, targets: TargetSet) -> bool:
        """Fork to all targets of the running step; False where not one could be sent."""
        before = state
        state = self._hops.told(self._hops.begin(replace(state, hops=())))
        added = self._add(state, targets)
        if not added:
            return False
        state = start_delay.begin(replace(state, branches=(*state.branches, *added)))
        save(self._edge, state)
        self._sending, self._unsent = state, added
        ring_ms = second_pass.ring_ms(state)
        tm = self._ksr.tm
        self._watch()
        tm.t_on_failure(ON_FAILURE)
        tm.t_set_disable_6xx(1)
        tm.t_set_disable_internal_reply(1)
        tm.t_set_fr(ring_ms, min(ring_ms, NO_REPLY_MS))
        tm.t_set_max_lifetime(ring_ms, ring_ms)  # counts from now, whatever a phone repeats (F3)
        sent = tm.t_relay() > 0
        targets.used_up()
        self._sending = None
        return sent or (self._hops.refused(state) and self.step(before, targets))

    def only(self, begun: Hunt) -> bool:
        """Send the one target of a step whose answer the caller hears, whatever it is."""
        state = self._hops.told(self._hops.begin(replace(begun, branches=(0,))))
        hop, tm = "".join(state.hops), self._ksr.tm
        self._ksr.seturi(self._uri(state, state.running.targets[0], cause=0, hop=hop))
        self._watch()
        tm.t_on_failure(ON_RELAY_FAILURE)
        tm.t_set_fr(second_pass.ring_ms(state), NO_REPLY_MS)
        save(self._edge, state)
        self._sending, self._unsent = state, [0]
        # No gateway's address is known: tm says nothing where the transaction is ours.
        sent = hop != names.NOWHERE and tm.t_relay() >= 0
        self._sending = None
        return sent

    def elsewhere(self, state: Hunt, branch: int, status: int) -> Hunt:
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

    def another_flow(self, state: Hunt, branch: int) -> Hunt:
        """Ring a phone over the flow that it had before, where the newest is dead: its ring time
        goes on.
        """
        index = state.target_of(branch)
        of_phone = index is not None and state.running.targets[index].target.kind is Kind.LINE
        if index is None or not of_phone or self._ksr.tm.t_next_contact_flow() < 0:
            return state
        return self._send_again(state, index)

    def on_branch(self) -> None:
        """A branch is being added: note which target it is, and dress it."""
        state, target = self._sending, self._unsent.pop(0)
        assert state is not None
        index = self._ksr.pv.get("$T_branch_idx")
        if state.branches[index:index + 1] != (target,):
            # A branch before this one could not be made and its index is used again.
            branches = (*state.branches[:index], target, *self._unsent)
            self._sending = state = replace(state, branches=branches)
            save(self._edge, state)
        planned = state.running.targets[target]
        if _goes_to_phone(planned) and not second_pass.needed(state)[target]:
            flows.to_phone(self._edge, planned.target.address)
        hop = self._hop or (state.hops[target] if state.hops else "")
        if destination := self._hops.destination(planned, hop):
            self._ksr.setdsturi(destination)
        branch_proof.prove(self._edge, index)
        if not state.spiral:  # there the first pass has dressed it
            dress.put_on(self._edge, state, planned, index, hop)

    def _add(self, state: Hunt, targets: TargetSet) -> list[int]:
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

    def _send_again(self, state: Hunt, index: int, uri: str = "", hop: str = "") -> Hunt:
        """One more branch for a target; without ``uri`` it is in the target set already."""
        after_ms = self._clock_ms() - state.began_ms
        told = trail.elsewhere(len(state.branches), after_ms, hop)
        self._sending = replace(state, branches=(*state.branches, index), trail=state.trail + told)
        self._unsent, self._hop = [index], hop
        save(self._edge, self._sending)
        self._watch()
        with TargetSet(self._ksr, ruri_unused=False) as targets:
            if uri:
                targets.add(uri)
            if self._ksr.tm.t_relay() > 0:
                state = self._sending
        self._sending, self._hop = None, ""
        return state

    def _watch(self) -> None:
        """Have tm tell us of the branches that are added next."""
        tm = self._ksr.tm
        if tm.t_on_branch(ON_BRANCH) < 0:
            raise RuntimeError("branches could not be dressed")
        tm.t_on_branch_failure(ON_BRANCH_FAILURE)
        tm.t_on_reply(ON_REPLY)

    def _uri(self, state: Hunt, planned: Planned, cause: int, hop: str = "") -> str:
        number = state.accounts[planned.account].number
        return render.target_uri(planned, number, self._edge.settings, cause, hop)


def _goes_to_phone(planned: Planned) -> bool:
    """Whether a branch goes to a registered phone, or to the second pass of one."""
    return planned.target.kind is Kind.LINE and not planned.confirm
