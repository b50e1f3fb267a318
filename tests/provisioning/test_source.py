# SPDX-License-Identifier: GPL-2.0-or-later
"""YAML is read as it was written."""

from pathlib import Path

import pytest

from provisioning import source
from provisioning.problems import Problems
from provisioning.written import Spot, Written


def parse(text: str) -> Written:
    problems = Problems()
    tree = source.parse(text, "a.yaml", problems)
    assert tree is not None, problems
    assert problems == Problems()
    return tree


@pytest.mark.parametrize("text", [
    "08:00", "18:30", "0049115234567", "NO", "yes", "null", "~", "1_000", "0x10", "1e3", "3.10",
    "2026-11-23", "+420 277 771 00", ".inf", "0o17",
])
def test_every_scalar_stays_the_text_that_was_written(text: str) -> None:
    assert parse(f"{{a: {text}}}").plain() == {"a": text}


def test_a_value_and_its_key_know_where_they_stand() -> None:
    spot = Spot(parse("a:\n  - b: x\n    c: y\n"), Problems()) / "a" / 0 / "c"
    assert str(spot.place) == "a.yaml:3:8"
    assert str(spot.at_key().place) == "a.yaml:3:5"


def test_a_place_that_does_not_exist_is_that_around_it() -> None:
    spot = Spot(parse("a: [x]"), Problems())
    assert spot / "steps" is spot
    assert str((spot / "a" / "steps" / 0).written.value) == "a.yaml:1:5"


def test_the_text_of_a_value_is_kept_with_its_comments() -> None:
    tree = parse("subscribers:\n"
                 "  jana:  # who\n"
                 "    numbers:\n"
                 "      # before\n"
                 "      1234567:  # main\n"
                 "        mode: x\n"
                 "\n"
                 "        # the night\n"
                 "        schedule: [a,\n"
                 "     b]\n"
                 "        # the end\n"
                 "      # the next one\n"
                 "      7654321: {}\n")
    numbers = Spot(tree, Problems()) / "subscribers" / "jana" / "numbers"
    assert (numbers / "1234567").written.text == (
        "# before\n"
        "1234567:  # main\n"
        "  mode: x\n"
        "\n"
        "  # the night\n"
        "  schedule: [a,\n"
        "b]\n"
        "  # the end\n")
    assert (numbers / "7654321").written.text == "# the next one\n7654321: {}\n"


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: b\r\nc: d\r\n")
    tree = source.read(path, Problems())
    assert tree is not None
    assert tree.plain() == {"a": "b", "c": "d"}


def test_a_character_in_two_escapes_is_one_character() -> None:
    assert parse(r'{"a\ud83d\ude00": "\ud83d\ude00"}').plain() == {"a\U0001f600": "\U0001f600"}


def test_half_a_character_is_refused() -> None:
    problems = Problems()
    source.parse(r'{"a": "x\udc00\ud800"}', "a.yaml", problems)
    assert [str(error) for error in problems.errors] == [
        r"a.yaml:1:7: half a character is written here (an escape \ud800 to \udfff)"]


@pytest.mark.parametrize("version", ["9.9", "1." + "9" * 5_000])
def test_a_version_of_yaml_that_nobody_knows_is_an_error_like_any_other(version: str) -> None:
    problems = Problems()
    assert source.parse(f"%YAML {version}\n---\na: b\n", "a.yaml", problems) is None
    assert len(problems.errors) == 1


@pytest.mark.parametrize("text", ["block: [*, 42075*]", "*33: {}", "allow: *"])
def test_a_star_without_quotes_is_said_to_need_them(text: str) -> None:
    problems = Problems()
    assert source.parse(text, "a.yaml", problems) is None
    assert str(problems.errors[0]).endswith('what begins with * stands in quotes: "*33"')


@pytest.mark.parametrize(("text", "place", "mend"), [
    ("a:\n\tb: c\n", "2:1", "write spaces, not tabs"),
    ("a: b\n---\nc: d\n", "2:1", "write each in a file of its own"),
    ("a: b\n c: d\n", "2:3", "a key stands below those beside it"),
    ("a: b: c\n", "1:5", "a text with a colon in quotes"),
    ("a\nb: c\n", "2:2", "a key stands below those beside it"),
    ("a: 1\nb\n", "3:1", "write  KEY: VALUE"),
    ("a: {b: c\nd: e\n", "2:2", "what begins with { ends with }"),
    ("a: {b: c, d\n", "2:1", "what begins with { ends with }"),
    ("a: [b\nc: d\n", "2:2", "what begins with [ ends with ]"),
    ("a: 'b\n", "2:1", "end the text with the quote"),
    ("  a: b\n c: d\n", "2:2", "begin each key below those beside it"),
    ("  - a\n - b\n", "2:2", "begin each key below those beside it"),
    ("a:\n  - b\n  c: d\n", "3:3", "begin each - below those beside it"),
])
def test_what_is_no_yaml_is_told_with_its_mend(text: str, place: str, mend: str) -> None:
    problems = Problems()
    assert source.parse(text, "a.yaml", problems) is None
    (error,) = problems.errors
    assert (str(error).startswith(f"a.yaml:{place}: this is not YAML: "), mend in error.text) == (
        True, True), str(error)


def test_an_anchor_that_stands_twice_is_said_by_us_alone() -> None:
    problems = Problems()
    source.parse("a: &x b\nc: &x d\n", "a.yaml", problems)
    assert [error.place.line for error in problems.errors] == [1, 2]


def test_deep_nesting_is_an_error_like_any_other() -> None:
    problems = Problems()
    assert source.parse("[" * 5_000, "a.yaml", problems) is None
    assert [str(error) for error in problems.errors] == [
        "a.yaml:1:1: values are nested too deeply; no value needs ten levels"]
