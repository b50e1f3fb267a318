# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers as they are dialled in their organisation, for every command that takes one."""

import pytest

from kemi_routing.redis import keys
from provisioning import as_dialled
from provisioning.problems import Refused
from provisioning.storage import Storage
from tests.provisioning.conftest import Followme, Write

PRAGUE, BERLIN, BOTH, TWICE = "420277771100", "4930277771", "420222000111", "49222000111"
FILE = """\
organisation: {name}
time_zone: Europe/Prague
{plan}
subscribers:
  jana:
    permissions: [voicemail, outgoing]
    lines: {{{name}-desk: {{password: blue-kettle}}}}
    numbers: {{{numbers}}}
    extensions: {{{extensions}}}
"""
PRACTICE = ("prague", "dial_plan: {country: 420, international_prefix: 00, local_digits: 9, "
            "emergency: [112]}", f"{PRAGUE}: {{}}, {BOTH}: {{}}", "201: {}, 202: {}")
OFFICE = ("berlin", "dial_plan: {country: 49, area: 30, trunk_prefix: 0, local_digits: 6}",
          f"{BERLIN}: {{}}, {TWICE}: {{}}, 49222222222: {{}}", "202: {}")
OTHER = ("other", "", "42027777102: {}", "203: {}")


@pytest.fixture
def three(followme: Followme, write: Write) -> Followme:
    """Three organisations, one without a dial plan."""
    files = [write(f"{one[0]}.yaml", FILE.format(**dict(zip(
        ("name", "plan", "numbers", "extensions"), one, strict=True))))
        for one in (PRACTICE, OFFICE, OTHER)]
    assert followme("apply", "--yes", *files).code == 0
    return followme


@pytest.mark.parametrize(("text", "found"), [
    ("277771100", PRAGUE), ("277 771 100", PRAGUE), ("00420277771100", PRAGUE),
    ("277771100@3", f"{PRAGUE}@3"), ("277771", BERLIN), ("030 277771", BERLIN),
    ("201", "prague/201"), ("203", "other/203"),
    *((same, same) for same in (
        PRAGUE, f"+{PRAGUE}", "+277771100", "network", "@yesterday", "prague", "112", "209",
        "prague/201", "1e9", "27777110.0", "49222222222", "²²²²²²²²²")),
])
def test_a_number_is_found_as_it_is_dialled(
        three: Followme, storage: Storage, text: str, found: str) -> None:
    assert as_dialled.find(text, storage) == found


@pytest.mark.parametrize(("text", "said"), [
    ("202", "202 may be berlin/202, prague/202; write one of them"),
    ("277771109", "277771109: nobody owns this number, nor 420277771109"),
    ("0277771", "0277771: nobody owns this number, nor 49277771"),
])
def test_what_is_not_one_number_is_refused_with_the_right_form(
        three: Followme, storage: Storage, text: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        as_dialled.find(text, storage)
    assert str(refused.value) == said


def test_many_are_not_all_told() -> None:
    assert as_dialled._several(list("abcdef")) == "a, b, c, d, e …"


def test_of_many_organisations_none_is_asked(
        three: Followme, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_dialled, "MOST", 2)
    assert as_dialled.find("277771100", storage) == "277771100"


def test_settings_that_cannot_be_read_hide_no_others(
        three: Followme, storage: Storage) -> None:
    storage.client.set(keys.organisation("berlin"), b"\xff")
    storage.client.delete(keys.organisation("other"))
    assert as_dialled.find("277771100", storage) == PRAGUE


def test_a_number_that_was_is_no_short_form(three: Followme, storage: Storage) -> None:
    storage.client.rpush(keys.history("277771100"), b"")
    assert as_dialled.find("277771100", storage) == "277771100"


@pytest.mark.parametrize("command", [
    ("show", "277771100"), ("show", "277771100@1"), ("history", "277771100"),
    ("diff", "277771100@1"), ("undo", "277771100@1"), ("override", "277771100"),
    ("remove", "277771100", "--dry-run"), ("explain", "277771100"), ("week", "277771100"),
    ("explain", "201", "--for", "277771100"), ("flow", "277771100"), ("calls", "277771100"),
    ("export", "277771100", "--as", "ics"),
])
def test_every_command_says_which_number_it_takes(
        three: Followme, command: tuple[str, ...]) -> None:
    taken = [f"277771100{at} is taken for {PRAGUE}{at}" for at in ("", "@1")]
    assert three(*command).err.splitlines()[0] in taken
    ran = three(*command, "-F", "json")
    assert ran.err == ""
    assert "277771100" not in ran.out.replace(PRAGUE, "")


def test_explain_asks_what_a_trunk_or_a_line_dials(three: Followme) -> None:
    for via in ("192.0.2.20", "berlin-desk"):
        ran = three("explain", "277771100", "--via", via)
        assert "277771100" in ran.out + ran.err
        assert PRAGUE not in ran.out + ran.err


@pytest.mark.parametrize(("text", "said"), [
    ("202", "202 may be berlin/202, prague/202; write one of them"),
    ("277771109", "277771109: nobody owns this number, nor 420277771109"),
    ("42027777109", "42027777109: nobody owns this number"),
])
def test_what_is_no_number_is_said_by_the_command(three: Followme, text: str, said: str) -> None:
    assert three("show", text).err == f"followme: {said}\n"
