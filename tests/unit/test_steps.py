# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing import hunt, steps
from kemi_routing.model import Outcome
from kemi_routing.plan import END, Planned, PlannedStep
from kemi_routing.steps import Key, PlannedBlock
from tests.support.builders import MOBILE, OFFICE, planned
from tests.support.strategies import hunted, planned_blocks

DAY, BUSY, LAST, OTHER = (
    (0, "day", False), (0, "assistant", False), (0, "voicemail", True), (1, "day", False))
DESK, SOFT = planned("line jana-desk").targets, planned("line jana-soft").targets
TO_OFFICE, TO_MOBILE = planned(OFFICE).targets, planned(MOBILE).targets
VOICEMAIL = planned("voicemail").targets


def last(*targets_of: tuple[Planned, ...]) -> PlannedBlock:
    return PlannedBlock(LAST, targets_of)


@pytest.mark.parametrize(("blocks", "linked"), [
    ([], []),
    ([PlannedBlock(DAY, ())], []),
    ([PlannedBlock(DAY, (DESK,))], [PlannedStep(DESK)]),
    ([PlannedBlock(DAY, (DESK, TO_OFFICE))], [PlannedStep(DESK, then=1), PlannedStep(TO_OFFICE)]),
    # A refusal of the own line leads to the end, over the steps between.
    ([PlannedBlock(DAY, (DESK, TO_OFFICE), after=LAST, end=LAST), last(VOICEMAIL)],
     [PlannedStep(DESK, then=1, end=2), PlannedStep(TO_OFFICE, then=2, end=2),
      PlannedStep(VOICEMAIL)]),
    # Every step of a block has its continuations, which lead to the same end.
    ([PlannedBlock(DAY, (DESK, TO_OFFICE), {Outcome.BUSY: BUSY}, after=LAST, end=LAST),
      PlannedBlock(BUSY, (SOFT,), after=LAST, end=LAST), last(VOICEMAIL)],
     [PlannedStep(DESK, 1, 3, ((Outcome.BUSY, 2),)),
      PlannedStep(TO_OFFICE, 3, 3, ((Outcome.BUSY, 2),)),
      PlannedStep(SOFT, 3, 3), PlannedStep(VOICEMAIL)]),
    # A number that the call is handed over to has its own end.
    ([PlannedBlock(DAY, (DESK,), after=OTHER),
      PlannedBlock(OTHER, (TO_MOBILE,), after=LAST, end=LAST), last(VOICEMAIL)],
     [PlannedStep(DESK, then=1, end=END), PlannedStep(TO_MOBILE, then=2, end=2),
      PlannedStep(VOICEMAIL)]),
])
def test_blocks_in_a_row(blocks: list[PlannedBlock], linked: list[PlannedStep]) -> None:
    assert steps.link(blocks) == tuple(linked)


@pytest.mark.parametrize(("blocks", "rung"), [
    # What comes instead of a block in which nobody can be rung: first what is not reachable,
    ([PlannedBlock(DAY, (), {Outcome.UNREACHABLE: BUSY}, after=LAST), PlannedBlock(BUSY, (SOFT,)),
      last(VOICEMAIL)], [SOFT]),
    # then what is after; not the block of another outcome, though it stands first.
    ([PlannedBlock(DAY, (), {Outcome.BUSY: BUSY}, after=LAST), PlannedBlock(BUSY, (SOFT,)),
      last(VOICEMAIL)], [VOICEMAIL]),
    ([PlannedBlock(DAY, (), {Outcome.BUSY: BUSY}), PlannedBlock(BUSY, (SOFT,))], []),
    ([PlannedBlock(DAY, (), {Outcome.UNREACHABLE: BUSY}), PlannedBlock(BUSY, (), after=LAST),
      last(VOICEMAIL)], [VOICEMAIL]),
    ([PlannedBlock(DAY, (DESK,), after=LAST), last()], [DESK]),
    ([PlannedBlock(DAY, (DESK,), after=BUSY), PlannedBlock(BUSY, (), after=OTHER),
      PlannedBlock(OTHER, (TO_MOBILE,))], [DESK, TO_MOBILE]),
    # What nothing leads to is left out.
    ([PlannedBlock(DAY, (DESK,)), PlannedBlock(BUSY, (SOFT,), after=LAST), last(VOICEMAIL)],
     [DESK]),
])
def test_a_block_in_which_nobody_can_be_rung(
        blocks: list[PlannedBlock], rung: list[tuple[Planned, ...]]) -> None:
    linked = steps.link(blocks)
    assert [step.targets for step in linked] == rung
    assert [step.then for step in linked] == [*range(1, len(rung)), END][:len(rung)]


@given(planned_blocks())
def test_links_lead_forward_and_to_every_step(blocks: list[PlannedBlock]) -> None:
    linked = steps.link(blocks)
    reached = {0, END}
    for index, step in enumerate(linked):
        links = {step.then, step.end, *dict(step.on).values()}
        assert all(index < link < len(linked) for link in links - {END})
        assert index in reached
        reached |= links


@given(planned_blocks(), st.data())
def test_a_hunt_goes_the_way_that_its_blocks_name(
        blocks: list[PlannedBlock], data: st.DataObject) -> None:
    """Told block by block, without indexes: what is rung for any outcomes."""
    linked = steps.link(blocks)
    rung, tried = hunted(linked, data)
    assert [linked[index].targets for index in rung] == _walk(
        blocks, [ended for ended in tried if ended])


def _walk(blocks: list[PlannedBlock], said: list[tuple[Outcome, ...]]) -> list[tuple[Planned, ...]]:
    by_key: dict[Key, PlannedBlock] = {block.key: block for block in blocks}
    rung: list[tuple[Planned, ...]] = []
    key: Key | None = blocks[0].key
    while key:
        block, key = by_key[key], None
        if not block.steps:
            key = block.on.get(Outcome.UNREACHABLE, block.after)
        for index, targets in enumerate(block.steps):
            outcomes = said[len(rung)]
            rung.append(targets)
            strongest = hunt.strongest(outcomes)
            if strongest in block.on:
                key = block.on[strongest]
                break
            if any(one.own and outcome is Outcome.DECLINED
                   for one, outcome in zip(targets, outcomes, strict=True)):
                key = block.end
                break
            if index == len(block.steps) - 1:
                key = block.after
    return rung
