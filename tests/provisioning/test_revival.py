# SPDX-License-Identifier: GPL-2.0-or-later
"""Undo reads again what was written then, with what is shared today."""

from tests.provisioning.conftest import Followme, Write
from tests.provisioning.test_export import JANA, ORGANISATION, PETR, acme, rows


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
        "the settings that it shares: apply a file with these\n")
