# SPDX-License-Identifier: GPL-2.0-or-later
"""Extensions of FreePBX become a file of ours that passes check, and nothing is lost in silence."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kemi_routing.model import Number, Sequence
from provisioning.importing import Draft, Import
from provisioning.problems import Place, Refused
from tests.provisioning.conftest import Followme, Ran, imported

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
OTHERS = "202,Petr,sip,green-anvil,novm,,,,,,,,\n203,Ida,sip,red-anvil-1,novm,,,,,,,,\n"
HEAD = ("extension,name,tech,secret,voicemail,findmefollow_enabled,findmefollow_strategy,"
        "findmefollow_grptime,findmefollow_pre_ring,findmefollow_grplist,findmefollow_needsconf,"
        "findmefollow_postdest,findmefollow_changecid\n")
Importing = Callable[..., Ran]


def row(strategy: str = "ringall", times: str = "20,0", targets: str = "201-202",
        after: str = '"ext-local,vmu201,1"', confirm: str = "") -> str:
    return (f"201,Jana Nová,pjsip,blue-kettle,default,yes,{strategy},{times},{targets},{confirm},"
            f"{after},default\n")


@pytest.fixture
def importing(followme: Followme, tmp_path: Path) -> Importing:
    """Imports a table for acme, and one of DIDs."""
    def run(text: str, *options: str, dids: str = "") -> Ran:
        path, numbers = tmp_path / "extensions.csv", tmp_path / "dids.csv"
        path.write_text(text)
        numbers.write_text(dids)
        files = [path, numbers] if dids else [path]
        ran = followme("import", "freepbx", *files, "--organisation", "acme", "--time-zone",
                       "Europe/Prague", *options)
        return Ran(ran.code, ran.out, ran.err.replace(f"{tmp_path}/", ""))
    return run


def numbers(text: str) -> dict[str, Number]:
    """What the written file says."""
    return {one.number: one for one in imported(text)}


def steps(sequence: Sequence) -> str:
    """``202 20 + line 201 27 after 7 | …``"""
    return " | ".join(" + ".join(
        str(ring.target).removeprefix("number acme/") + f" {ring.ring_s}"
        + (f" after {ring.delay_s}" if ring.delay_s else "") + ("!" if ring.confirm else "")
        for ring in step) for step in sequence.steps)


@pytest.mark.parametrize(("strategy", "times", "rings"), [
    ("ringall", "20,0", "line 201 20 + 202 20 + 49115234567 20"),
    ("ringall", "25,7", "line 201 7 | line 201 25 + 202 25 + 49115234567 25"),
    ("ringallv2", "25,7", "line 201 32 + 202 25 after 7 + 49115234567 25 after 7"),
    ("ringallv2", "25,0", "line 201 25 + 202 25 + 49115234567 25"),
    ("ringallv2", "25,61", "line 201 61 | line 201 25 + 202 25 + 49115234567 25"),
    ("hunt", "15,7", "line 201 7 | line 201 15 | 202 15 | 49115234567 15"),
    ("memoryhunt", "15,0",
     "line 201 15 | line 201 15 + 202 15 | line 201 15 + 202 15 + 49115234567 15"),
    ("", ",", "line 201 20 + 202 20 + 49115234567 20"),
])
def test_a_strategy_becomes_steps(
        importing: Importing, strategy: str, times: str, rings: str) -> None:
    ran = importing(HEAD + row(strategy, times, "201-202-+49115234567#") + OTHERS)
    number = numbers(ran.out)["acme/201"]
    assert (ran.code, ran.err, number.default) == (0, "", "follow_me")
    assert [steps(one) for one in number.sequences] == [rings]


@pytest.mark.parametrize("strategy", ["firstavailable", "firstnotonphone"])
@pytest.mark.parametrize(("first_s", "found"), [
    ("0", {"follow_me": ("line 201 20 | 202 20", {"no_answer": "nobody_else",
                                                  "declined": "nobody_else"}),
           "nobody_else": ("", {})}),
    ("7", {"follow_me": ("line 201 7", {"busy": "follow_me_list", "no_answer": "follow_me_list",
                                        "unreachable": "follow_me_list"}),
           "follow_me_list": ("line 201 20 | 202 20", {"no_answer": "nobody_else",
                                                       "declined": "nobody_else"}),
           "nobody_else": ("", {})})])
def test_who_does_not_answer_as_the_first_available_is_the_last(
        importing: Importing, strategy: str, first_s: str,
        found: dict[str, tuple[str, dict[str, str]]]) -> None:
    ran = importing(HEAD + row(strategy, f"20,{first_s}") + OTHERS)
    assert {one.name: (steps(one), dict(one.on))
            for one in numbers(ran.out)["acme/201"].sequences} == found


@pytest.mark.parametrize("name", ["ringall", "hunt", "memoryhunt", "ringallv2"])
def test_prim_is_said_to_be_lost(importing: Importing, name: str) -> None:
    ran = importing(HEAD + row(f"{name}-prim") + OTHERS)
    lost = f"not kept: findmefollow_strategy {name}-prim: the others ring too while the first"
    assert f"extensions.csv:2:45: warning: {lost}" in ran.err
    assert f"    # {lost}" in ran.out
    assert numbers(ran.out)


@pytest.mark.parametrize(("after", "mode", "last", "lost"), [
    ('"ext-local,vmu201,1"', "forward_then_voicemail", "202 20", ""),
    ('"ext-local,vmb201,1"', "forward_then_voicemail", "202 20", ""),
    ('"ext-local,201,dest"', "forward_then_voicemail", "202 20", ""),
    ('"app-blackhole,hangup,1"', "forward_only", "202 20", ""),
    ("", "forward_only", "202 20", ""),
    ('"from-did-direct,203,1"', "forward_only", "202 20 | 203 20", ""),
    ('"ext-findmefollow,FM203,1"', "forward_only", "202 20 | 203 20", ""),
    ('"ext-local,vmu202,1"', "forward_only", "202 20", "findmefollow_postdest ext-local,vmu202,1"),
    ('"ext-queues,400,1"', "forward_only", "202 20", "findmefollow_postdest ext-queues,400,1"),
    ('"ivr-3,s,1"', "forward_only", "202 20", "findmefollow_postdest ivr-3,s,1"),
    ('"from-did-direct,299,1"', "forward_only", "202 20", "findmefollow_postdest from-did-direct"),
])
def test_what_comes_when_nobody_answers(
        importing: Importing, after: str, mode: str, last: str, lost: str) -> None:
    ran = importing(HEAD + row(targets="202", after=after) + OTHERS)
    number = numbers(ran.out)["acme/201"]
    assert (number.mode, steps(number.sequences[0])) == (mode, last)
    assert (f"not kept: {lost}" in ran.err) if lost else ran.err == ""


@pytest.mark.parametrize(("targets", "rings", "lost"), [
    ("201-299#", "line 201 20", "299: there is no such extension in"),
    ("201-*97", "line 201 20", r"\*97: '\*97' is not a target"),
    ("201-0115234567#", "line 201 20", "0115234567: 0115234567 starts with the diall"),
    ("201-202#", "line 201 20 + 202 20", "202#: only the phones of 202 ring"),
])
def test_a_target_that_cannot_be_kept_is_said_where_it_stands(
        importing: Importing, targets: str, rings: str, lost: str) -> None:
    ran = importing(HEAD + row(targets=targets) + OTHERS)
    assert re.search(rf"extensions.csv:2:62: warning: not kept: .*{lost}", ran.err)
    assert re.search(rf"    # not kept: .*{lost}", ran.out)
    assert steps(numbers(ran.out)["acme/201"].sequences[0]) == rings


def test_outside_numbers_are_read_by_the_dial_plan_and_give_the_permission(
        importing: Importing) -> None:
    ran = importing(HEAD + row(targets="201-0171 1234567#", confirm="1") + OTHERS,
                    "--dial-plan", "country=49,trunk_prefix=0,international_prefix=00")
    number = numbers(ran.out)["acme/201"]
    assert steps(number.sequences[0]) == "line 201 20 + 491711234567 20!"
    assert number.rights.forward_external
    assert not numbers(ran.out)["acme/202"].rights.forward_external


def test_without_a_dial_plan_a_number_is_said_to_be_taken_as_international(
        importing: Importing) -> None:
    ran = importing(HEAD + row(targets="201-5551234567#") + OTHERS)
    assert "2:62: warning: 5551234567 is taken as +5551234567; if it is not meant so" in ran.err


@pytest.mark.parametrize("off", ["", "no"])
def test_who_has_follow_me_off_rings_and_what_was_in_the_list_is_said(
        importing: Importing, off: str) -> None:
    ran = importing(HEAD + row().replace(",yes,", f",{off},") + OTHERS)
    found = numbers(ran.out)
    assert (found["acme/201"].mode, found["acme/201"].sequences) == ("ring_then_voicemail", ())
    assert (found["acme/202"].mode, found["acme/202"].rights.voicemail) == ("ring_only", False)
    assert "not kept: findmefollow_grplist 201-202: follow me is off for this" in ran.err


def test_each_column_that_is_not_used_is_named_with_its_first_value(importing: Importing) -> None:
    ran = importing("EXTENSION,Secret,voicemail_vmpwd,callgroup,accountcode,\n"
                    "201,blue-kettle,,1,,x\n202,red-kettle,7391,,,x\n")
    assert [line.partition(": ")[::2] for line in ran.err.splitlines() if line[0] != " "] == [
        ("extensions.csv:2:18", "warning: not kept: column callgroup, 1 row with a value"),
        ("extensions.csv:2:21", "warning: not kept: column 6 (without a name), 2 rows with a "
                                "value"),
        ("extensions.csv:3:16", "warning: not kept: column voicemail_vmpwd, 1 row with a value")]
    assert "# not kept: columns voicemail_vmpwd, callgroup, 6 (without a name)\n" in ran.out
    assert "# columns that say nothing: accountcode\n" in ran.out
    assert "7391" not in ran.out + ran.err


@pytest.mark.parametrize(("cid", "cli", "lost"), [
    ('"""Acme"" <42027777100>",,', "42027777100", ""),
    ("42027777100,fixed,+49115234567", "49115234567", "column outboundcid"),
    ("42027777100,did,+49115234567", "42027777100", ""),
    ("Acme,,", "caller", "outboundcid Acme: no number that can be shown"),
    (",,", "caller", ""),
])
def test_what_outside_numbers_see(importing: Importing, cid: str, cli: str, lost: str) -> None:
    ran = importing("extension,secret,outboundcid,findmefollow_changecid,findmefollow_fixedcid\n"
                    f"201,blue-kettle,{cid}\n")
    assert numbers(ran.out)["acme/201"].cli == cli
    assert (lost in ran.err) if lost else ran.err == ""


@pytest.mark.parametrize(("line", "lost"), [
    ("201,dahdi,", "tech dahdi: only SIP phones can be lines"),
    ("201,sip,", "the phone of 201: a password has 1 to 64 printable"),
    ("201,sip,\u200bx", "the phone of 201: a password has 1 to 64 printable characters"),
    ("2,sip,x", "not kept: this row; 2 is no extension of 2 to 6 digits, and no number"),
    (",sip,x", "not kept: this row; it has no extension"),
    ("202,sip,x", "not kept: extension 202 stands twice"),
])
def test_what_can_be_no_line_or_number_is_said(importing: Importing, line: str, lost: str) -> None:
    ran = importing(f"extension,tech,secret\n202,sip,red-kettle\n{line}\n")
    assert lost in ran.err
    assert "acme/202" in numbers(ran.out)


@pytest.mark.parametrize(("cells", "mode", "rings", "lost"), [
    ("sip,x,,default,yes,odd,20,0,201", "forward_only", "line 201 20", "findmefollow_strategy odd"),
    ("sip,x,,default,yes,ringall,x,7,201", "forward_only", "line 201 7 | line 201 20",
     "findmefollow_grptime x: 'x' is not a whole number of seconds"),
    ("dahdi,x,,default,yes,ringall,20,7,201", "forward_only", "", "201: its phone is not kept"),
    ("sip,x,,default,yes,firstavailable,20,7,", "forward_only", "line 201 7", ""),
    ("sip,x,,default,yes,ringall,20,,", "forward_only", "", ""),
    ("sip,x,35,default,,,,,", "ring_then_voicemail", "", ""),
    ('sip,x,,novm,yes,hunt,20,,201,"ext-local,vmu201,1"', "forward_only", "line 201 20",
     "findmefollow_postdest ext-local,vmu201,1: the extension has no voicemail"),
])
def test_rare_settings(
        importing: Importing, cells: str, mode: str, rings: str, lost: str) -> None:
    last = "" if "vmu" in cells else ","
    ran = importing("extension,tech,secret,ringtimer,voicemail,findmefollow_enabled,"
                    "findmefollow_strategy,findmefollow_grptime,findmefollow_pre_ring,"
                    f"findmefollow_grplist,findmefollow_postdest\n201,{cells}{last}\n")
    number = numbers(ran.out)["acme/201"]
    assert (number.mode, [steps(one) for one in number.sequences]) == (
        mode, [rings] if rings else [])
    assert number.ring_s == (35 if "35" in cells else 20)
    assert lost in ran.err


def test_a_did_is_a_number_of_the_extension_that_it_leads_to(importing: Importing) -> None:
    ran = importing(HEAD + row() + OTHERS, "--dial-plan", "country=420,local_digits=9", dids=(
        "description,extension,cidnum,destination,mohclass\n"
        'Jana,277771010,,"from-did-direct,201,1",default\n'
        'Petr,+420277771020,,"from-did-direct,202,1",\n'
        'again,420277771020,,"from-did-direct,203,1",\n'
        'boss,277771030,42075553333,"from-did-direct,203,1",\n'
        'menu,277771040,,"ivr-1,s,1",\n'
        ',112,,"from-did-direct,203,1",\n'))
    found = numbers(ran.out)
    assert {key: (one.owner, steps(one.sequences[0]) if one.sequences else "")
            for key, one in found.items() if "/" not in key} == {
        "420277771010": ("acme/201", "line 201 20 + 202 20"), "420277771020": ("acme/202", "")}
    assert [line.partition(": warning: not kept: ")[::2]
            for line in ran.err.splitlines() if line[0] != " "] == [
        ("dids.csv:2:41", "column mohclass, 1 row with a value"),
        ("dids.csv:4:7", "420277771020 stands twice"),
        ("dids.csv:5:6", "277771030 for the caller 42075553333; write it under callers"),
        ("dids.csv:6:6", "277771040, which leads to ivr-1,s,1; it has no extension of these"),
        ("dids.csv:7:2", "112: there is no such extension in what is imported")]
    assert "    # 277771010: Jana\n" in ran.out


def test_a_line_has_one_owner(importing: Importing) -> None:
    ran = importing("extension,id,secret\n201,desk,x\n202,desk,y\n")
    assert "3:10: warning: not kept: the phone of 202: another one is named desk" in ran.err
    assert [line.name for line in numbers(ran.out)["acme/201"].lines] == ["desk"]


def test_what_no_change_can_mend_is_told_and_no_file_is_made() -> None:
    ours = Import("acme", "Europe/Prague", {}, NOW)
    draft = Draft("jana", Place("x.csv"), numbers={"42027777x01": {"mode": "ring_only"}})
    with pytest.raises(Refused, match="no file can be made of this: '42027777x01' is not a tele"):
        ours.written([draft])


def test_sequences_that_check_would_refuse_are_left_out_and_said(importing: Importing) -> None:
    ran = importing(HEAD + row(targets="202", after='"from-did-direct,202,1"')
                    + row(targets="203", after='"from-did-direct,201,1"').replace("201,J", "202,J")
                    + "203,Ida,sip,red-anvil-1,novm,,,,,,,,\n")
    assert "not kept: the sequences of 20" in ran.err
    assert set(numbers(ran.out)) == {"acme/201", "acme/202", "acme/203"}


@pytest.mark.parametrize(("text", "said"), [
    ("name\nJana\n", "1:1: there is no column extension"),
    ("extension,name\n201\n", "2:1: this row has 1 values for 2 columns"),
    ("extension,Extension\n201,202\n", "1:1: the column extension stands here more than once"),
    ("extension\n\"201\n", "2:1: the quote that opens here is never closed"),
    ("", "1:1: the file is empty"),
])
def test_a_table_that_cannot_be_read_is_an_error(
        importing: Importing, text: str, said: str) -> None:
    ran = importing(text)
    assert (ran.code, ran.out) == (1, "")
    assert f"extensions.csv:{said}" in ran.err


@pytest.mark.parametrize(("options", "said"), [
    (["--time-zone", "Prague"], "there is no time zone 'Prague'"),
    (["--organisation", "a b"], "'a b' is not a name"),
    (["--dial-plan", "country"], "write KEY=VALUE"),
    (["--dial-plan", "county=49"], "there is no key 'county'; did you mean country?"),
    (["--dial-plan", "country=4949"], "country '4949' is not possible"),
])
def test_options_that_cannot_be_are_refused(
        importing: Importing, options: list[str], said: str) -> None:
    ran = importing(HEAD + row() + OTHERS, *options)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


def test_a_file_is_written_once_and_for_its_owner_only(
        importing: Importing, followme: Followme, tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    assert importing(HEAD + row() + OTHERS, "-o", str(path)).code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert followme("check", path).code == 0
    assert followme("apply", "--yes", path).code == 0
    again = importing(HEAD + row() + OTHERS, "-o", str(path))
    assert (again.code, "is there already" in again.err) == (1, True)
    nowhere = importing(HEAD + row() + OTHERS, "-o", str(tmp_path / "none" / "acme.yaml"))
    assert (nowhere.code, "cannot be written: No such file" in nowhere.err) == (1, True)


def test_a_program_gets_the_text_and_the_warnings(importing: Importing) -> None:
    ran = importing(HEAD + row("hunt-prim") + OTHERS, "-F", "json")
    found = json.loads(ran.out)
    assert (ran.code, ran.err, set(numbers(found["text"]))) == (
        0, "", {"acme/201", "acme/202", "acme/203"})
    assert [(one["line"], one["column"]) for one in found["warnings"]] == [(2, 45)]
