# SPDX-License-Identifier: GPL-2.0-or-later
"""The XML files of sipXecs become a file of ours that passes check, and nothing is lost in silence.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kemi_routing.model import Number
from tests.provisioning.conftest import Followme, Ran, imported

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
Importing = Callable[..., Ran]


def items(kind: str, *rows: dict[str, str]) -> str:
    """A file of that kind, as sipXecs writes it, an element a line."""
    lines = ["<?xml version='1.0'?>", f'<items type="{kind}" '
             f'xmlns="http://www.sipfoundry.org/sipX/schema/xml/{kind}-00-00">']
    for row in rows:
        elements = (f"<{tag}>{text.replace('<', '&lt;').replace('>', '&gt;')}</{tag}>"
                    for tag, text in row.items())
        lines += ["<item>", *elements, "</item>"]
    return "\n".join([*lines, "</items>"])


def alias(identity: str, contact: str, relation: str = "") -> dict[str, str]:
    row = {"identity": f"{identity}@example.org", "contact": contact}
    return row | ({"relation": relation} if relation else {})


def forward(user: str, seconds: int, q: str, at: str = "example.org", more: str = "") -> str:
    return f"<sip:{user}@{at};sipx-noroute=Voicemail?expires={seconds}>;q={q}{more}"


USERS = items("credential", *(
    {"realm": "example.org", "uri": f"<sip:{name}@example.org>", "userid": name,
     "passtoken": f"blue-kettle-{name}", "authtype": "DIGEST"} for name in ("200", "201", "jana")))
VOICEMAIL = items("permission", {"identity": "200@example.org", "permission": "Voicemail"})


@pytest.fixture
def importing(followme: Followme, tmp_path: Path) -> Importing:
    """Imports files for acme."""
    def run(*texts: str, options: tuple[str, ...] = ()) -> Ran:
        paths = [tmp_path / f"{index}.xml" for index in range(1, len(texts) + 1)]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        ran = followme("import", "sipxpbx", *paths, "--organisation", "acme", "--time-zone",
                       "Europe/Prague", *options)
        return Ran(ran.code, ran.out, ran.err.replace(f"{tmp_path}/", ""))
    return run


def numbers(text: str) -> dict[str, Number]:
    """What the written file says."""
    return {one.number.removeprefix("acme/"): one for one in imported(text)}


def rings(number: Number) -> str:
    return " | ".join(" + ".join(
        f"{str(ring.target).removeprefix('number acme/')} {ring.ring_s}" for ring in step)
        for one in number.sequences for step in one.steps)


def test_forwardings_ring_by_their_q_values_after_the_own_phones(importing: Importing) -> None:
    ran = importing(USERS, VOICEMAIL, items(
        "alias", alias("200", forward("201", 25, "0.95"), "userforward"),
        alias("200", forward("+49115234567", 30, "0.9"), "userforward"),
        alias("200", forward("jana", 15, "0.9"), "userforward"),
        alias("205", "sip:jana@example.org", "alias")))
    number = numbers(ran.out)["200"]
    assert (ran.code, ran.err) == (0, "")
    assert (number.mode, number.default) == ("ring_forward_then_voicemail", "forward")
    assert rings(number) == "201 25 | 49115234567 30 + 205 15"
    assert number.rights.forward_external
    assert [line.name for line in number.lines] == ["200"]


def test_what_rings_at_the_same_time_rings_with_the_own_phones(importing: Importing) -> None:
    ran = importing(USERS, items(
        "alias", alias("200", forward("201", 25, "1.0"), "userforward"),
        alias("200", forward("205", 30, "0.9"), "userforward"),
        alias("205", "sip:jana@example.org", "alias")))
    number = numbers(ran.out)["200"]
    assert (number.mode, rings(number)) == ("forward_only", "line 200 20 + 201 25 | 205 30")


def test_an_alias_is_a_number_of_its_user_and_rings_as_he_does(importing: Importing) -> None:
    ran = importing(USERS, items(
        "alias", alias("42027777100", "<sip:jana@example.org>", "alias"),
        alias("207", "<sip:jana@example.org>"),
        alias("jana", forward("200", 25, "0.9"), "userforward")))
    found = numbers(ran.out)
    assert {key: (one.owner, rings(one)) for key, one in found.items() if key not in {
        "200", "201"}} == {"42027777100": ("acme/jana", "200 25"), "207": ("acme/jana", "200 25")}


@pytest.mark.parametrize("relation", ["callgroup", ""])
def test_a_hunt_group_is_a_subscriber_without_phones(importing: Importing, relation: str) -> None:
    ran = importing(USERS, items(
        "alias", alias("302", '"Jana" <sip:200@example.org>;q=0.8', relation),
        alias("302", "<sip:201@example.org>;q=0.8", relation),
        alias("302", "<sip:207@example.org>;q=0.5", relation),
        alias("207", "<sip:jana@example.org>", "alias")))
    number = numbers(ran.out)["302"]
    assert (number.owner, number.mode, number.lines) == ("acme/302", "forward_only", ())
    assert rings(number) == "200 20 + 201 20 | 207 20"


@pytest.mark.parametrize(("row", "lost"), [
    (alias("sales", "<sip:200@example.org>", "alias"), "the alias sales, which is no number"),
    (alias("300", "<sip:x@example.org>", "conference"), "300, which is conference"),
    (alias("200", forward("208", 20, "0.9"), "userforward"), "208: there is no such extension in"),
    (alias("200", forward("bob", 20, "0.9"), "userforward"), "bob, who has no number that could"),
    (alias("200", forward("bob", 20, "0.9", "pbx.local"), "userforward"),
     "sip:bob@pbx.local: the operator does not allow calls to the host pbx.local"),
    (alias("200", forward("201", 20, "0.9", more=';sipx-ValidTime="744:924:2760:2760"'),
           "userforward"),
     "201, which rings at some times only (UTC: mon 07:00-mon 15:00, sun 00:00-sun 00:00); write"),
    (alias("200", forward("201", 20, "0.9", more=';sipx-ValidTime="x"'), "userforward"),
     '201, which rings at some times only (UTC: "x"); write a schedule'),
    (alias("200", forward("201", 20, "0.9", more=";x=y"), "userforward"), "x of the contact 201@"),
    (alias("200", forward("201", 20, "2"), "userforward"), "q=2 of the contact 201@"),
    (alias("200", "<sip:201@example.org?expires=x>;q=0.9", "userforward"), "expires=x of the cont"),
    (alias("200", forward("201", 601, "0.9"), "userforward"), "expires of 201: a ring time is"),
    (alias("200", "<tel:201>;q=0.9", "userforward"), "'<tel:201>;q=0.9' is no contact of the form"),
    ({"identity": "200@example.org"}, "an item without identity or contact"),
    (alias("200", "<sip:200@example.org>;q=0.9", "callgroup"), "200, whose own phones are not"),
    (alias("201", "<sip:200@example.org>", "alias"), "201 as an alias of 200; it is 201's"),
])
def test_what_cannot_be_kept_is_said_with_its_place(
        importing: Importing, row: dict[str, str], lost: str) -> None:
    ran = importing(items("alias", alias("207", "<sip:201@example.org>", "alias"), row), USERS)
    (said,) = [line for line in ran.err.splitlines() if lost in line and "not kept" in line]
    assert said.split(":")[0] in {"1.xml", "2.xml"}
    assert said.split(":")[1] != "1"
    assert {"200", "201", "207"} <= numbers(ran.out).keys()


def test_sip_addresses_elsewhere_are_targets_where_the_platform_lets_them(
        importing: Importing) -> None:
    ran = importing(USERS, items("alias", alias(
        "200", "<sip:bob@9.9.9.9:5080;transport=tcp?expires=9>;q=0.9", "userforward"),
        alias("209", "<sip:bob@9.9.9.9>", "alias")))
    found = numbers(ran.out)
    assert rings(found["200"]) == "sip:bob@9.9.9.9:5080;transport=tcp 9"
    assert (found["209"].owner, rings(found["209"])) == ("acme/209", "sip:bob@9.9.9.9 20")


def test_an_item_that_says_too_little_is_named(importing: Importing) -> None:
    ran = importing(items("credential", {"passtoken": "x"}, {}),
                    items("permission", {"identity": "200@example.org"}), USERS)
    assert [line for line in ran.err.splitlines() if "item" in line] == [
        "1.xml:4:1: warning: not kept: an item without userid",
        "2.xml:4:1: warning: not kept: an item without identity or permission"]


def test_voicemail_as_a_contact_is_the_permission(importing: Importing) -> None:
    ran = importing(USERS, items(
        "alias", alias("200", forward("201", 25, "0.95"), "userforward"),
        alias("200", forward("~~vm~200", 9, "0.9"), "userforward"),
        alias("201", forward("201", 9, "1.0"), "userforward")))
    found = numbers(ran.out)
    assert (found["200"].mode, rings(found["200"])) == ("ring_forward_then_voicemail", "201 25")
    assert (found["201"].mode, rings(found["201"])) == ("forward_only", "line 201 20 + line 201 9")


def test_a_user_whose_name_is_none_is_named(importing: Importing) -> None:
    ran = importing(items("credential", {"userid": "a b", "passtoken": "x"}), USERS)
    assert "1.xml:4:1: warning: not kept: 'a b' is not a name" in ran.err


def test_a_digest_is_no_password_and_no_secret_is_told(importing: Importing) -> None:
    digest = "6bb63f6985ebca42e079cf27f7fc48dc"
    ran = importing(items("credential", {"userid": "200", "passtoken": digest, "pintoken": "99"}))
    assert "1.xml:5:1: warning: not kept: the phone of 200: there is a digest only" in ran.err
    assert "1.xml:6:1: warning: not kept: element pintoken, 1 time" in ran.err
    assert digest not in ran.out + ran.err
    assert numbers(ran.out)["200"].lines == ()


def test_rules_of_the_proxy_are_named_element_by_element(importing: Importing) -> None:
    ran = importing(VOICEMAIL, "<mappings><hostMatch>\n<hostPattern>example.org</hostPattern>\n"
                           "<hostPattern>sipx</hostPattern></hostMatch></mappings>")
    said = [line.partition(": warning: not kept: ")[::2] for line in ran.err.splitlines()]
    assert [one for one in said if one[0].startswith("2.xml")] == [
        ("2.xml:1:1", "all in mappings; what may be dialled, and by which gateway, is said by "
                      "dial_plan, groups and the operator's file"),
        ("2.xml:1:11", "element hostMatch, 1 time"),
        ("2.xml:2:1", "element hostPattern, 2 times")]


def test_other_permissions_are_named_and_counted(importing: Importing) -> None:
    ran = importing(USERS, items("permission", *(
        {"identity": f"{name}@example.org", "permission": "LocalDialing"} for name in (200, 201))))
    assert "2.xml:5:1: warning: not kept: permission LocalDialing, 2 users" in ran.err


@pytest.mark.parametrize(("text", "said"), [
    ("<items>\n<item>\n</items>", "1.xml:3:3: this is not XML: mismatched tag"),
    ("", "1.xml:1:1: this is not XML: no element found"),
    ('<!DOCTYPE items [<!ENTITY a "b">]>\n<items/>', "1.xml:1:17: a DOCTYPE is not part of this"),
    ("<items>\0</items>", "1.xml:1:8: this is not XML: not well-formed"),
])
def test_what_is_no_xml_is_an_error(importing: Importing, text: str, said: str) -> None:
    ran = importing(text)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


def test_a_file_that_is_not_there_is_an_error(followme: Followme, tmp_path: Path) -> None:
    ran = followme("import", "sipxpbx", tmp_path / "x.xml", "--organisation", "a", "--time-zone",
                   "UTC")
    assert (ran.code, "x.xml:1:1: the file cannot be read" in ran.err) == (1, True)


def test_without_a_user_the_file_is_empty_but_good(importing: Importing) -> None:
    ran = importing(items("alias"))
    assert (ran.code, numbers(ran.out)) == (0, {})
