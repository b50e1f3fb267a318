# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever stands in an export, the file that is made of it passes check."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kemi_routing.model import Platform
from provisioning import freepbx, sipx
from provisioning.check import check_text
from provisioning.importing import Import

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
PLANS: tuple[dict[str, str], ...] = (
    {}, {"country": "420", "local_digits": "9"},
    {"country": "49", "trunk_prefix": "0", "international_prefix": "00"})
DIGITS = st.sampled_from(["201", "202", "203", "299", "737231010", "0171234567", "+49115234567",
                          "*97", "", "112", "42027777100"])
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
                max_size=8)
ANY = DIGITS | TEXTS
COLUMNS = {
    "name": ANY, "tech": st.sampled_from(["sip", "pjsip", "dahdi"]), "id": ANY, "secret": ANY,
    "outboundcid": ANY, "voicemail": st.sampled_from(["default", "novm", ""]), "ringtimer": ANY,
    "findmefollow_enabled": st.sampled_from(["yes", ""]),
    "findmefollow_strategy": st.builds(
        lambda name, prim: name + prim,
        st.sampled_from(["ringall", "ringallv2", "hunt", "memoryhunt", "firstavailable", "odd"]),
        st.sampled_from(["", "-prim"])),
    "findmefollow_grptime": st.sampled_from(["", "5", "60", "601", "x"]),
    "findmefollow_pre_ring": st.sampled_from(["", "0", "7", "61"]),
    "findmefollow_grplist": st.lists(st.builds(
        lambda one, end: one + end, ANY, st.sampled_from(["", "#"])), max_size=12).map("-".join),
    "findmefollow_needsconf": st.sampled_from(["", "1"]),
    "findmefollow_postdest": st.builds("{}{},1".format, st.sampled_from(
        ["ext-local,vmu", "from-did-direct,", "ext-findmefollow,FM", "ivr-"]), DIGITS) | TEXTS,
    "findmefollow_changecid": st.sampled_from(["default", "fixed", "did"]),
    "findmefollow_fixedcid": ANY,
}
DIDS = st.lists(st.tuples(ANY, DIGITS, st.sampled_from(["", "42075553333"])), max_size=4)
ROWS = st.lists(st.fixed_dictionaries({"extension": DIGITS, **COLUMNS}), min_size=1, max_size=4)
CONTACTS = st.builds(
    "<sip:{}@{}{}?expires={}>;q={}{}".format, ANY, st.sampled_from(["a.org", "a.org", "9.9.9.9"]),
    st.sampled_from(["", ";sipx-noroute=Voicemail", ";x=y"]), st.sampled_from(["20", "999", "x"]),
    st.sampled_from(["1.0", "0.95", "0.9", "x"]), st.sampled_from(["", ';sipx-ValidTime="1:2"'])
) | TEXTS
ITEMS = st.lists(st.tuples(ANY, CONTACTS, st.sampled_from(
    ["alias", "userforward", "callgroup", "moh", ""])), max_size=12)


def is_good(read: Callable[[Import], str], plan: dict[str, str]) -> None:
    """What is made passes check."""
    text = read(Import("acme", "Europe/Prague", plan, NOW))
    assert check_text(text, "imported.yaml", Platform(), NOW).problems.errors == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@settings(max_examples=100, deadline=None)
@given(ROWS, DIDS, st.sampled_from(PLANS))
def test_any_tables_of_freepbx(folder: Path, rows: list[dict[str, str]],
                               numbers: list[tuple[str, str, str]], plan: dict[str, str]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path, dids = folder / "extensions.csv", folder / "dids.csv"
    path.write_text(text.getvalue(), newline="")
    text = io.StringIO()
    csv.writer(text).writerows([("extension", "destination", "cidnum"), *(
        (did, f"from-did-direct,{extension},1", caller) for did, extension, caller in numbers)])
    dids.write_text(text.getvalue(), newline="")
    is_good(lambda ours: freepbx.read([path, dids], ours), plan)


@settings(max_examples=100, deadline=None)
@given(ITEMS, st.lists(st.tuples(ANY, ANY), max_size=3), st.sampled_from(PLANS))
def test_any_aliases_of_sipx(folder: Path, rows: list[tuple[str, str, str]],
                             users: list[tuple[str, str]], plan: dict[str, str]) -> None:
    aliases, credentials = folder / "alias.xml", folder / "credential.xml"
    aliases.write_text('<items type="alias">' + "".join(
        f"<item><identity>{escape(identity)}@a.org</identity><contact>{escape(contact)}</contact>"
        f"<relation>{relation}</relation></item>" for identity, contact, relation in rows)
        + "</items>", encoding="utf-8")
    credentials.write_text('<items type="credential">' + "".join(
        f"<item><userid>{escape(user)}</userid><passtoken>{escape(token)}</passtoken></item>"
        for user, token in users) + "</items>", encoding="utf-8")
    is_good(lambda ours: sipx.read([aliases, credentials], ours), plan)
