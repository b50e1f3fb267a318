# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers that lead to others: hand-overs, lines of others, loops through the store (T5, P5)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kemi_routing.model import Mode, Platform
from kemi_routing.redis import keys
from kemi_routing.targets import Kind
from provisioning.check import check_text
from provisioning.checked import Checked
from provisioning.network import Extents
from provisioning.storage import Storage
from tests.provisioning.conftest import Followme, stored, target_kinds
from tests.support.builders import NOW, number, sequence, step

HEAD = "organisation: acme\ntime_zone: Europe/Prague\nsubscribers:\n"
PLATFORM = Platform()
NO_MEDIA = Platform(media_server=False)
JANA, PETR = "420277771101", "420277771102"

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of one organisation."""
    def make(name: str, subscribers: str) -> Path:
        path = tmp_path / name
        path.write_text(HEAD + subscribers)
        return path
    return make


def checked(subscribers: str, platform: Platform = PLATFORM) -> Checked:
    return check_text(HEAD + subscribers, "a.yaml", platform, NOW)


def owner(name: str, *numbers: str, line: bool = False) -> str:
    phones = f"    lines: {{{name}-desk: {{password: blue-kettle}}}}\n" if line else ""
    return (f"  {name}:\n    permissions: [voicemail, forward_external]\n{phones}    numbers:\n"
            + "".join(f"      {number}\n" for number in numbers))


def forwarding(number: str, *targets: str, mode: str = "forward_only", more: str = "") -> str:
    steps = ", ".join(f"{{to: {target}}}" for target in targets)
    return f"{number}: {{mode: {mode}, {more}default: all, sequences: {{all: [{steps}]}}}}"


def test_plain_digits_are_a_number_of_ours_where_a_file_holds_it() -> None:
    found = checked(owner("jana", forwarding(JANA, PETR, "420777123123, ring: 20", "49115234567"))
                    + owner("petr", f"{PETR}: {{}}", line=True))
    assert found.problems.errors == []
    assert target_kinds(found.numbers[0].number) == [Kind.NUMBER, Kind.PSTN, Kind.PSTN]


def test_plain_digits_are_a_number_of_ours_where_the_store_holds_it(
        followme: Followme, storage: Storage, write: Write) -> None:
    assert followme("apply", "--yes", write("petr.yaml", owner("petr", f"{PETR}: {{}}", line=True))
                    ).code == 0
    jana = write("jana.yaml", owner("jana", forwarding(JANA, PETR, "49115234567")))
    assert followme("apply", "--yes", jana).code == 0
    assert target_kinds(stored(storage, JANA)) == [Kind.NUMBER, Kind.PSTN]
    assert followme("apply", "--yes", jana).out.splitlines()[-1] == "nothing to do"


def test_an_extension_of_another_file_is_known_to_apply_and_not_to_check(
        followme: Followme, storage: Storage, write: Write) -> None:
    petr = write("petr.yaml", "  petr: {extensions: {201: {}}}\n")
    jana = write("jana.yaml", owner("jana", forwarding(JANA, "201", "49115234567")))
    assert followme("apply", "--yes", petr).code == 0
    assert "201 is no extension of acme; there are none" in followme("check", jana).err
    assert followme("check", jana, petr).code == 0
    assert followme("apply", "--yes", jana).code == 0
    assert target_kinds(stored(storage, JANA)) == [Kind.NUMBER, Kind.PSTN]


def test_an_extension_that_is_nowhere_is_refused_by_apply_too(
        followme: Followme, storage: Storage, write: Write) -> None:
    jana = write("jana.yaml", owner("jana", forwarding(JANA, "201")))
    ran = followme("apply", "--yes", jana)
    assert ran.code == 1
    assert f"{jana}:7:79: 201 is no extension of acme" in ran.err
    assert not list(storage.owners())


@pytest.mark.parametrize("middle", [PETR, "201"])
def test_a_loop_through_the_store_is_refused_with_its_way_and_times(
        followme: Followme, storage: Storage, write: Write, middle: str) -> None:
    schedule = "schedule: [{days: mon-fri, from: 08:00, to: 18:00, sequence: all}]"
    petr = write("petr.yaml", owner("petr", forwarding(PETR, "extension 201"))
                 + f"    extensions: {{201: {{mode: forward_only, {schedule}, "
                   "sequences: {all: [{to: 49115234567}]}}}\n")
    assert followme("apply", "--yes", petr).code == 0
    back = write("petr.yaml", petr.read_text().removeprefix(HEAD).replace("49115234567", JANA))
    assert followme("apply", "--yes", back).code == 0  # nobody's number yet, so outside
    jana = write("jana.yaml", owner("jana", forwarding(JANA, middle)))
    ran = followme("apply", "--yes", jana)
    way = [JANA, *([PETR] if middle == PETR else []), "acme/201", JANA]
    assert (ran.code, ran.told) == (1, [
        f"{jana}:7:79: forwarding would come back: {' -> '.join(way)}, live mon-fri 08:00-18:00; "
        "write another target in one of them",
        "1 error"])
    assert storage.client.get(keys.number(JANA)) is None


def test_numbers_that_come_back_at_night_by_override_are_a_warning() -> None:
    night = "sequences: {{night: [{{to: {}}}]}}"
    text = (owner("jana", f"{JANA}: {{mode: forward_only, {night.format(PETR)}}}")
            + owner("petr", f"{PETR}: {{mode: forward_only, {night.format(JANA)}}}"))
    problems = checked(text).problems
    assert problems.errors == []
    assert [one.text for one in problems.warnings if "come back" in one.text] == [
        f"forwarding would come back: {JANA} -> {PETR} -> {JANA}, live at any time with the "
        f"override night of {JANA} with the override night of {PETR}; write another target in "
        "one of them"]


@pytest.mark.parametrize(("subscribers", "warnings", "notes"), [
    pytest.param(owner("jana", forwarding(JANA, PETR)) + owner("petr", f"{PETR}: {{}}"), [],
                 [f"the call is handed over to {PETR}, whose own settings decide then"],
                 id="the only target of the last step"),
    pytest.param(owner("jana", forwarding(JANA, f"{PETR}, confirm: yes"))
                 + owner("petr", f"{PETR}: {{}}"), [
        f"the call is handed over to {PETR}, so confirm and delay mean nothing; leave them out"],
                 [f"the call is handed over to {PETR}, whose own settings decide then"],
                 id="with what only lines could do"),
    pytest.param(owner("jana", forwarding(JANA, PETR, "49115234567"))
                 + owner("petr", f"{PETR}: {{}}"), [
        f"{PETR} never rings here: in the middle of a sequence only its lines ring, and it has "
        "none; let it be the only target of the last step"], [], id="in the middle without lines"),
    pytest.param(owner("jana", forwarding(JANA, PETR, mode="forward_then_voicemail"))
                 + owner("petr", f"{PETR}: {{}}"), [
        f"{PETR} never rings here: in the middle of a sequence only its lines ring, and it has "
        "none; let it be the only target of the last step"], [], id="voicemail comes after it"),
    pytest.param(owner("jana", forwarding(JANA, PETR, "49115234567"))
                 + owner("petr", f"{PETR}: {{}}", line=True), [], [],
                 id="in the middle with lines"),
])
def test_what_another_number_does_here_is_said(
        subscribers: str, warnings: list[str], notes: list[str]) -> None:
    problems = checked(subscribers).problems
    assert problems.errors == []
    assert [one.text for one in problems.warnings] == warnings
    assert [one.text for one in problems.notes] == notes


def test_a_set_up_goes_on_beyond_a_hand_over(followme: Followme, write: Write) -> None:
    path = write("a.yaml", owner("jana", forwarding(JANA, "49115234567, ring: 100", PETR))
                 + owner("petr", forwarding(PETR, "49115234567, ring: 90")))
    ran = followme("check", path)
    assert f"{path}:7:68: warning: sequence all can ring 190 s" in ran.err
    assert f"    {path.read_text().splitlines()[6].strip()}\n" in ran.err
    assert [row.split()[-1] for row in ran.out.splitlines()[1:3]] == ["190", "90"]


def test_the_branches_beyond_a_hand_over_count_in_the_whole_call() -> None:
    steps = ["49115234567"] * 8
    text = owner("jana", forwarding(JANA, *steps, PETR)) + owner("petr", forwarding(PETR, *steps))
    assert [error.text for error in checked(text).problems.errors] == [
        "sequence all: the whole call makes 32 branches, at most 30 are possible "
        "(a line counts as its phones, an outside number as two); let fewer ring"]


def test_short_forms_are_shown_in_full(followme: Followme, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("dial_plan: {country: 420, trunk_prefix: 0}\n" + HEAD + owner(
        "jana", forwarding(JANA, "0222 345 678", "+49 115 234567")))
    assert f"{path}:8:79: note: 0222 345 678 is 420222345678" in followme("check", path).err
    assert followme("apply", "--yes", path).code == 0
    assert "forwards to  420222345678, 49115234567" in followme("show", JANA).out


def test_confirm_needs_a_media_server() -> None:
    text = owner("jana", forwarding(JANA, "420777123123, ring: 30, confirm: yes"))
    assert checked(text).problems.warnings == []
    assert [error.text for error in checked(text, NO_MEDIA).problems.errors
            ] == ["who answers is asked by a media server, and none is configured; "
                  "leave confirm out"]


@pytest.mark.parametrize(("target", "platform", "warnings"), [
    ("420777123123, ring: 20", PLATFORM, []),
    ("420777123123, ring: 21", PLATFORM, ["write ring: 20 or confirm: yes"]),
    ("420777123123, ring: 21", NO_MEDIA, ["write ring: 20"]),
    ("420777123123, ring: 21, confirm: yes", PLATFORM, []),
    ("12125550123, ring: 30", PLATFORM, ["write ring: 20 or confirm: yes"]),
    ("420222345678, ring: 60", PLATFORM, []),
])
def test_a_mobile_that_rings_long_may_take_the_call_with_its_own_voicemail(
        target: str, platform: Platform, warnings: list[str]) -> None:
    found = checked(owner("jana", forwarding(JANA, target)), platform).problems.warnings
    assert [one.text for one in found] == [
        f"a mobile's own voicemail may take the call after about 20 s; {form}" for form in warnings]


def test_a_chain_may_be_longer_than_the_stack_and_a_ring_counts_each_number_once() -> None:
    chain = [str(420277770000 + index) for index in range(3000)]
    for last, setup_s in (([], 2999 * 10 + 20), (chain[:1], 3000 * 10)):
        numbers = {key: number(number=key, mode=Mode.FORWARD_ONLY, sequences=(
            sequence("all", step("line jana-desk", ring_s=10), step(f"number {to}")),))
            for key, to in zip(chain, (*chain[1:], *last), strict=False)}
        assert Extents(numbers).of(chain[0]).setup_s == setup_s
