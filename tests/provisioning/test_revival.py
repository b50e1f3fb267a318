# SPDX-License-Identifier: GPL-2.0-or-later
"""Undo reads again what was written then, with what is shared today; no password is among it."""

import json
from dataclasses import replace

import pytest

from kemi_routing.redis import keys
from provisioning.kept import Kept
from provisioning.revisions import encode
from provisioning.storage import Storage
from tests.provisioning.conftest import Followme, Write
from tests.provisioning.test_export import JANA, ORGANISATION, PETR, acme, rows
from tests.provisioning.test_history import ME


def test_of_a_removed_subscriber_his_settings_come_back(
        followme: Followme, write: Write) -> None:
    text = acme("jana", "petr").replace(
        "    lines:\n      # the desk\n      petr-desk: {password: \"blue-kettle-7391\"}  "
        "# grey\n", "").replace("line petr-desk", "voicemail")
    assert followme("apply", "--yes", write("acme.yaml", text)).code == 0
    before = followme("export", "acme").out
    assert followme("remove", "--yes", PETR).code == 0
    assert rows(followme("export", "acme").out) == rows(acme("jana"))
    assert followme("undo", "--yes", PETR).code == 0
    assert followme("export", "acme").out == before


def test_the_removal_of_a_number_is_no_version_to_go_back_to(
        followme: Followme, write: Write) -> None:
    assert followme("apply", "--yes", write("acme.yaml", acme("jana", "petr"))).code == 0
    assert followme("remove", "--yes", PETR).code == 0
    assert followme("undo", f"{PETR}@2").err == (
        "followme: revision 2 is no number: it was removed then, or its record cannot be read\n")


def test_of_a_removed_subscriber_without_settings_the_file_is_wanted(
        followme: Followme, write: Write, storage: Storage) -> None:
    assert followme("apply", "--yes", write("acme.yaml", acme("jana", "petr"))).code == 0
    assert followme("remove", "--yes", PETR).code == 0
    older = [encode(replace(one, settings=b"")) for one in storage.versions(PETR)]
    storage.client.delete(keys.history(PETR))
    storage.client.rpush(keys.history(PETR), *older)  # as programs did that kept no settings
    ran = followme("undo", "--yes", PETR)
    assert (ran.code, ran.err) == (
        1, "followme: acme/petr is gone, and no settings of his are kept; apply his file\n")


def test_what_is_shared_is_that_of_today(followme: Followme, write: Write) -> None:
    path = write("acme.yaml", acme("jana", "petr"))
    assert followme("apply", "--yes", path).code == 0
    path.write_text(acme("jana", "petr").replace(
        "mode: forward_then_voicemail", "mode: forward_only"))
    assert followme("apply", "--yes", path).code == 0
    shared = ORGANISATION.replace("to: 18:00", "to: 17:00")
    path.write_text(acme("jana", "petr", shared=shared).replace(
        "mode: forward_then_voicemail", "mode: forward_only"))
    assert followme("apply", "--yes", path).code == 0
    assert followme("undo", "--yes", f"{JANA}@1").code == 0
    found = followme("show", JANA).out
    assert "mode: forward_then_voicemail" in found
    assert followme("plan", path).out.splitlines()[0] == (
        f"number {JANA} of acme/jana: changed, revision 4 → 5")
    assert followme("undo", f"{JANA}@1").err == (
        f"followme: {JANA} says now what it said in revision 1; what is different comes from "
        "what it shares:  followme history acme\n")


def test_what_an_organisation_shares_goes_back_with_all_numbers_that_use_it(
        followme: Followme, write: Write) -> None:
    path = write("acme.yaml", acme("jana", "petr"))
    assert followme("apply", "--yes", path).code == 0
    before = followme("export", "acme").out
    changed = ORGANISATION.replace("to: 18:00", "to: 17:00")
    assert followme("apply", "--yes", write("jana.yaml", acme("jana", shared=changed))).code == 0
    found = json.loads(followme("history", "-F", "json", "acme").out)
    assert [(row["revision"], row["by"], row["what"]) for row in found] == [
        (2, ME, ["schedule office: changed"]),
        (1, ME, ["organisation: new", "time_zone: new", "schedule office: new",
                 "group staff: new"])]
    assert followme("diff", "acme@1").out == "acme\n  schedule office: changed\n"
    assert followme("diff", "acme@2").out == "nothing is different\n"
    assert "to: 18:00" in followme("show", "acme@1").out
    planned = followme("undo", "--dry-run", "acme").things
    assert planned == [
        f"number {JANA} of acme/jana: changed, revision 2 → 3",
        f"number {PETR} of acme/petr: changed, revision 2 → 3",
        "organisation acme: changed, revision 2 → 3", "3 changed, 2 unchanged"]
    assert followme("undo", "--yes", "acme").things[:-1] == planned[:-1]
    assert followme("export", "acme").out == before
    assert followme("plan", path).out == "nothing to do\n"


@pytest.mark.parametrize(("command", "said"), [
    (("history", "nobody"), "nobody is no number, and no organisation of which settings are kept; "
                            "write a number:  42027777100"),
    (("undo", "acme"), "acme has no version before this one"),
    (("undo", "acme@7"), "there is no revision 7; known are: 1"),
    (("diff", "acme"), "since when? write  acme@yesterday, or acme@3 for a revision"),
    (("diff", "acme@"), "since when? write  acme@yesterday, or acme@3 for a revision"),
])
def test_what_there_is_not_is_said(
        followme: Followme, write: Write, command: tuple[str, ...], said: str) -> None:
    assert followme("apply", "--yes", write("acme.yaml", acme("jana"))).code == 0
    ran = followme(*command)
    assert (ran.code, ran.err) == (1, f"followme: {said}\n")


@pytest.mark.parametrize(("name", "text"), [
    ("a.csv", "organisation,time_zone,subscriber,number,line,password\n"
              f"acme,UTC,jana,{JANA},desk,blue-kettle-7391\n"),
    ("a.jsonl", '{"organisation": "acme", "time_zone": "UTC", "subscriber": "jana", "number": '
                f'"{JANA}", "lines": {{"desk": {{"password": "blue-kettle-7391"}}}}}}\n'),
    ("a.yaml", "organisation: acme\ntime_zone: UTC\nsubscribers: {jana: {lines: {desk: {password: "
               f"blue-kettle-7391}}}}, numbers: {{{JANA}: {{}}}}}}}}\n"),
    ("a.yaml", "organisation: acme\ntime_zone: UTC\nsubscribers:\n  jana:\n    lines:\n"
               f"      desk:\n        password: blue-kettle-7391\n    numbers: {{{JANA}: {{}}}}\n"),
], ids=["table", "line", "braces", "rows"])
def test_no_password_is_kept(
        followme: Followme, storage: Storage, write: Write, name: str, text: str) -> None:
    assert followme("apply", "--yes", write(name, text)).code == 0
    kept = Kept(storage).subscribers(["acme/jana"])["acme/jana"].text
    assert ("kettle" in kept, "ha1: [desk]" in kept) == (False, True)
