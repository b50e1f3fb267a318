# SPDX-License-Identifier: GPL-2.0-or-later
"""Other numbers follow where one comes or goes: what is exported is what is stored (SPEC T5)."""

from pathlib import Path

import pytest

from kemi_routing.redis import keys
from kemi_routing.targets import Kind
from provisioning import following
from provisioning.storage import Storage
from tests.provisioning.conftest import Followme, Write, stored, target_kinds

JANA, SECOND, PETR = "420277771101", "420277771102", "420277771103"
ACME = """\
organisation: acme
time_zone: Europe/Prague
dial_plan: {{country: 420, local_digits: 9}}
subscribers:
  jana:
    permissions: [{permissions}]
    lines: {{jana-desk: {{password: blue-kettle-7391}}}}
    numbers:
      # the first is the main number
      420277771102: {{}}
      420277771101: {{mode: forward_only, default: all, sequences: {{all: [{steps}]}}}}
    extensions: {{201: {{}}}}
  petr:
    numbers: {{277771103: {{}}}}
    lines: {{petr-desk: {{password: blue-kettle-7391}}}}
    extensions: {{202: {{}}}}
"""


def acme(steps: str = "{to: voicemail}", permissions: str = "voicemail, forward_external") -> str:
    return ACME.format(steps=steps, permissions=permissions)


def plan_of_export(followme: Followme, folder: Path) -> tuple[int, str]:
    assert followme("export", "acme", "-o", folder).code == 0
    ran = followme("plan", folder / "acme.yaml")
    return ran.code, ran.out


NOTHING = (0, "nothing to do\n")


@pytest.mark.parametrize(("removed", "steps", "told"), [
    pytest.param(SECOND, "{to: voicemail}", ([], [
        f"number {SECOND} of acme/jana: removed, revision 1",
        "number acme/201 of acme/jana: changed, revision 1 → 2",
        "line jana-desk of acme/jana: changed", "3 changes written"]),
        id="a main number, which its line and its extension show"),
    pytest.param("acme/201", "{to: voicemail}", ([], [
        "number acme/201 of acme/jana: removed, revision 1", "1 change written"]),
        id="a number with which nothing has to do"),
    pytest.param(PETR, f"{{to: {PETR}}}", ([
        f"{JANA} forwards to {PETR}, which is called outside from now on"], [
        f"number {PETR} of acme/petr: removed, revision 1",
        f"number {JANA} of acme/jana: changed, revision 1 → 2",
        "number acme/202 of acme/petr: changed, revision 1 → 2",
        "line petr-desk of acme/petr: changed", "4 changes written"]),
        id="a target"),
    pytest.param(PETR, "{to: 777 123 123}, {to: 277 771 103}, {to: 202}", ([
        f"{JANA} forwards to {PETR}, which is called outside from now on"], [
        f"number {PETR} of acme/petr: removed, revision 1",
        f"number {JANA} of acme/jana: changed, revision 1 → 2",
        "number acme/202 of acme/petr: changed, revision 1 → 2",
        "line petr-desk of acme/petr: changed", "4 changes written"]),
        id="a target in the middle, in a short form"),
    pytest.param(PETR, f"{{to: number {PETR}}}", ([
        f"{JANA} forwards to {PETR}, which will be left out there"], [
        f"number {PETR} of acme/petr: removed, revision 1",
        "number acme/202 of acme/petr: changed, revision 1 → 2",
        "line petr-desk of acme/petr: changed", "3 changes written"]),
        id="a target that says that it is ours"),
    pytest.param("acme/202", "{to: 202}", ([
        f"{JANA} forwards to acme/202, which will be left out there"], [
        "number acme/202 of acme/petr: removed, revision 1", "1 change written"]),
        id="an extension"),
])
def test_after_remove_the_export_is_what_is_stored(
        followme: Followme, tmp_path: Path, removed: str, steps: str, told: tuple[list[str], ...],
        ) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(acme(steps))
    assert followme("apply", "--yes", path).code == 0
    dry = followme("remove", "--dry-run", removed)
    assert dry.code == 0
    ran = followme("remove", "--yes", removed)
    assert (ran.code, ran.err.splitlines()) == (0, [f"warning: {one}" for one in told[0]])
    assert ran.things == told[1]
    assert dry.out.splitlines()[:-1] == ran.out.splitlines()[:-1]
    assert plan_of_export(followme, tmp_path / "out") == NOTHING


WITHOUT_PETR = slice(0, ACME.index("  petr:"))


@pytest.mark.parametrize("steps", [f"{{to: {PETR}}}", "{to: 202222222}, {to: 277771103, ring: 30}"])
def test_who_called_a_number_outside_until_it_came_follows(
        followme: Followme, storage: Storage, tmp_path: Path, steps: str) -> None:
    path, kept = tmp_path / "acme.yaml", tmp_path / "acme.plan"
    path.write_text(ACME[WITHOUT_PETR].format(steps=steps, permissions="forward_external"))
    assert followme("apply", "--yes", path).code == 0
    assert target_kinds(stored(storage, JANA))[-1] is Kind.PSTN
    petr = tmp_path / "petr.yaml"
    petr.write_text("organisation: acme\ntime_zone: Europe/Prague\nsubscribers:\n"
                    f"  petr: {{numbers: {{{PETR}: {{mode: reject}}}}}}\n")
    things = [f"number {PETR} of acme/petr: new",
              f"number {JANA} of acme/jana: changed, revision 1 → 2"]
    assert followme("plan", petr, "-o", kept).things == [*things, "1 new, 1 changed"]
    assert followme("apply", "--yes", kept).things == [*things, "2 changes written"]
    assert target_kinds(stored(storage, JANA))[-1] is Kind.NUMBER
    assert plan_of_export(followme, tmp_path / "out") == NOTHING
    assert followme("remove", "--yes", PETR).code == 0
    assert target_kinds(stored(storage, JANA))[-1] is Kind.PSTN
    assert followme("undo", "--yes", PETR).things == [
        f"number {PETR} of acme/petr: new",
        f"number {JANA} of acme/jana: changed, revision 3 → 4", "2 changes written"]
    assert plan_of_export(followme, tmp_path / "again") == NOTHING


BETA = """\
organisation: beta
time_zone: Europe/Prague
subscribers:
  eva:
    permissions: [{permissions}]
    numbers:
      420277771203: {{mode: forward_only, default: all, sequences: {{all: [{{to: {target}}}]}}}}
"""
EVA = "420277771203"


def test_of_another_organisation_the_export_is_mended(
        followme: Followme, storage: Storage, tmp_path: Path, write: Write) -> None:
    beta = write("beta.yaml", BETA.format(permissions="forward_external", target=PETR))
    assert followme("apply", "--yes", beta).code == 0
    assert "beta" not in followme("apply", "--yes", write("acme.yaml", acme())).out
    assert followme("export", "-o", tmp_path / "out").code == 0
    exported = tmp_path / "out" / "beta.yaml"
    ran = followme("drift", exported)
    assert (ran.code, ran.things) == (2, [
        f"number {EVA} of beta/eva: changed, revision 1 → 2"])
    assert followme("apply", "--yes", exported).code == 0
    assert target_kinds(stored(storage, EVA)) == [Kind.NUMBER]
    assert followme("drift", exported).out == ""


@pytest.mark.parametrize(("most", "count", "changed"), [
    pytest.param(3, 3, ", 1 changed", id="just as many"),
    pytest.param(2, 1, "", id="stored"),
    pytest.param(3, 4, "", id="in the plan"),
])
def test_very_many_numbers_are_not_looked_through(
        followme: Followme, write: Write, most: int, count: int, changed: str) -> None:
    path = write("acme.yaml", ACME[WITHOUT_PETR].format(
        steps=f"{{to: {PETR}}}", permissions="forward_external"))
    assert followme("apply", "--yes", path).code == 0
    numbers = ", ".join(f"{int(PETR) + index}: {{mode: reject}}" for index in range(count))
    petr = write("petr.yaml", "organisation: acme\ntime_zone: Europe/Prague\nsubscribers:\n"
                              f"  petr: {{numbers: {{{numbers}}}}}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "MOST", most)
        assert followme("plan", petr).out.splitlines()[-1] == f"{count} new{changed}"
        patch.setattr(following, "MOST", 0)
        assert followme("apply", "--yes", petr).code == 0
    petr.write_text(petr.read_text().replace(f"{PETR}:", f"420277771199: {{}}, {PETR}:"))
    ran = followme("plan", petr)  # PETR has come before: that is for drift to tell
    assert (ran.things[0], JANA in ran.out) == ("number 420277771199 of acme/petr: new", False)


def test_numbers_of_the_files_are_as_the_files_say(followme: Followme, write: Write) -> None:
    path = write("acme.yaml", ACME[WITHOUT_PETR].format(
        steps=f"{{to: {PETR}}}", permissions="forward_external"))
    assert followme("apply", "--yes", path).code == 0
    path.write_text(acme(f"{{to: {PETR}}}", "forward_external"))
    assert [one for one in followme("plan", path).things if JANA in one] == [
        f"number {JANA} of acme/jana: changed, revision 1 → 2"]


@pytest.mark.parametrize(("permissions", "what"), [
    ("voicemail, forward_external", "is called outside from now on"),
    ("voicemail", "will be left out there: permission forward_external is not granted"),
])
def test_numbers_of_other_organisations_follow_too(
        followme: Followme, storage: Storage, write: Write, permissions: str, what: str) -> None:
    beta = write("beta.yaml", BETA.format(permissions=permissions, target=PETR))
    assert followme("apply", "--yes", write("acme.yaml", acme()), beta).code == 0
    assert target_kinds(stored(storage, EVA)) == [Kind.NUMBER]
    ran = followme("remove", "--yes", PETR)
    assert ran.err == f"warning: {EVA} forwards to {PETR}, which {what}\n"
    assert target_kinds(stored(storage, EVA)) == [Kind.PSTN]
    assert followme("plan", beta).out == "nothing to do\n"


def test_what_the_operator_has_taken_does_not_keep_a_number(
        followme: Followme, write: Write) -> None:
    assert followme("apply", "--yes", write("acme.yaml", acme())).code == 0
    operator = write("operator.yaml", "grants: {acme: {permissions: [voicemail]}}\n")
    assert followme("apply", "--yes", operator).code == 0
    ran = followme("remove", "--yes", SECOND)
    assert (ran.code, ran.err) == (0, "")


def test_an_extension_as_long_as_a_local_number_stays_one(
        followme: Followme, write: Write) -> None:
    text = acme("{to: 2011}, {to: voicemail}").replace(
        "local_digits: 9", "area: 2777, local_digits: 4").replace("277771103", PETR)
    path = write("acme.yaml", text.replace("202:", "2011:"))
    assert followme("apply", "--yes", path).code == 0
    assert f"number {JANA} of" not in followme("remove", "--yes", SECOND).out


def test_settings_that_cannot_be_read_again_do_not_keep_a_number(
        followme: Followme, storage: Storage, write: Write) -> None:
    beta = write("beta.yaml", BETA.format(permissions="voicemail", target=PETR))
    assert followme("apply", "--yes", write("acme.yaml", acme()), beta).code == 0
    storage.client.set(keys.organisation("beta"), b"\x02broken")
    ran = followme("remove", "--yes", PETR)
    assert (ran.code, ran.err.splitlines()) == (0, [
        "warning: the settings of beta in the store cannot be read; apply all files of beta again; "
        f"until then the numbers of beta that have to do with {PETR} stay as they are",
        f"warning: {EVA} forwards to {PETR}, which will be left out there"])
    assert target_kinds(stored(storage, EVA)) == [Kind.NUMBER]


def test_a_target_is_refused_where_it_is_new_and_warned_of_where_it_was_ours(
        followme: Followme, write: Write) -> None:
    path = write("acme.yaml", acme("{to: 202}"))
    assert followme("apply", "--yes", path).code == 0
    assert followme("remove", "--yes", "acme/202").code == 0
    path.write_text(acme("{to: 202}").replace("    extensions: {202: {}}\n", ""))
    ran = followme("plan", path)
    assert (ran.code, ran.out, ran.told) == (*NOTHING, [
        f"{path}:11:79: warning: 202 is nobody's number any more, so it never rings; write another "
        "target"])
    path.write_text(path.read_text().replace("{to: 202}", "{to: 203}"))
    ran = followme("plan", path)
    assert (ran.code, ran.told) == (1, [
        f"{path}:11:79: 203 is no extension of acme; did you mean 201? known are: 201; "
        "a number is written with its country code: 49115234567", "1 error"])
