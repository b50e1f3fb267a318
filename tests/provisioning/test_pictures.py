# SPDX-License-Identifier: GPL-2.0-or-later
"""Pictures as SVG: valid, accessible, nothing on top of anything else, whatever labels say."""

from dataclasses import asdict, replace

import pytest

from kemi_routing.model import Mode, Number, Ring, Sequence
from kemi_routing.schedule import Override
from kemi_routing.targets import parse
from provisioning.pictures import flow_svg, flow_text, svg, week_svg, week_text
from provisioning.pictures.lettering import clean, columns, hanging, wrapped
from provisioning.pictures.svg import DARK, LIGHT, Picture, Scheme
from tests.provisioning.drawn import (
    SPACE,
    Box,
    boxes,
    check_picture,
    flow_of,
    parsed,
    texts,
    unsaid,
    week_of,
)
from tests.provisioning.test_flow import MIXED, MONDAY_TEN
from tests.provisioning.test_week import MANY, OFFICE_HOURS
from tests.support.builders import at, holiday, number, sequence, step, window

ALL_RANKS = replace(
    OFFICE_HOURS, default="night",
    windows=(window("mon-fri", "08:00-18:00"), window("sun", "01:45-02:30", "closed"),
             window("daily", "09:00-17:00", "closed", "2026-10-20", "2026-10-20")),
    holidays=(holiday("2026-10-21", "closed", "Half day", "10:00-15:00"),),
    overrides=(Override("night", 1, int(at("2026-10-22 11:00").timestamp()),
                        int(at("2026-10-22 13:00").timestamp()), "by hand"),))
HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "quotes": "\"><g onload='x'>&amp;]]>",
    "control characters": "a\x00b\x1b[31m\x07\r\nc\ud800\ufffe",
    "right to left": "\u202e\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "200 letters": "W" * 200,
    "200 wide letters": "\u4e16" * 200,
    "many marks": "e" + "\u0301" * 100,
}


@pytest.mark.parametrize(("one", "now"), [
    pytest.param(OFFICE_HOURS, "2026-11-23 10:00", id="windows"),
    pytest.param(ALL_RANKS, "2026-10-25 23:59", id="all ranks, an hour twice"),
    pytest.param(ALL_RANKS, "2026-03-29 00:00", id="an hour left out"),
    pytest.param(number(), "2026-11-23 10:00", id="no schedule"),
    pytest.param(MANY, "2026-11-23 10:00", id="500 windows"),
])
def test_a_week_is_drawn(one: Number, now: str) -> None:
    seen = week_of(one, at(now))
    root = check_picture(week_svg.picture(seen), week_text.as_text(seen))
    pieces = sum(len(span.pieces) for day in seen.days for span in day.spans)
    rules = {(span.text, span.applied.rank) for day in seen.days for span in day.spans}
    assert len(boxes(root)) == pieces + len(rules)
    assert f"now {now[-5:]}" in [one.what for one in texts(root)]


def test_minutes_that_come_twice_are_one_above_the_other_and_those_left_out_have_no_box() -> None:
    always = replace(OFFICE_HOURS, windows=(window("sun", "02:00-03:00"),))
    hour = 616 / 24
    for now, expected in (("2026-10-25 12:00", {(0.0, 0.5), (0.5, 1.0)}),
                          ("2026-10-18 12:00", {(0.0, 1.0)}), ("2026-03-29 12:00", set())):
        seen = week_of(always, at(now))
        row = [one for one in boxes(parsed(week_svg.picture(seen)))
               if one.what.startswith(seen.today.text)]
        top, height = min(one.top for one in row), 32
        assert {((one.top - top) / height, (one.bottom - top) / height) for one in row
                if abs(one.left - (172 + 2 * hour)) < 0.02
                and abs(one.right - (172 + 3 * hour)) < 0.02} == expected


@pytest.mark.parametrize("name", ["day", "colleague", "night", None])
def test_a_flow_is_drawn(name: str | None) -> None:
    seen = flow_of(MIXED, name, MONDAY_TEN)
    root = check_picture(flow_svg.picture(seen), flow_text.as_text(seen))
    bars = [bar for stage in seen.stages for bar in stage.bars]
    assert len(boxes(root)) == len(bars) + sum(bool(bar.prompt_s) for bar in bars)


def test_bars_stand_where_their_seconds_are() -> None:
    seen = flow_of(MIXED, "day", MONDAY_TEN)
    desk, office, prompt, mobile, *_ = boxes(parsed(flow_svg.picture(seen, axis_s=130)))
    scale = (desk.right - desk.left) / 20
    assert [round((x - desk.left) / scale) for x in (
        office.left, office.right, prompt.left, prompt.right, mobile.left, mobile.right)] == [
        5, 35, 35, 50, 50, 65]
    assert round((708 - desk.left) / scale) == 130


@pytest.mark.parametrize("ring_s", [1, 29, 300, 600])
def test_the_scale_stays_readable(ring_s: int) -> None:
    steps = [step("line jana-desk", ring_s=ring_s)] * 10
    long = number(mode=Mode.FORWARD_ONLY, sequences=(Sequence("long", tuple(steps)),))
    seen = flow_of(long, "long", MONDAY_TEN)
    check_picture(flow_svg.picture(seen), flow_text.as_text(seen))


def test_a_call_that_is_rejected_has_words_only() -> None:
    seen = flow_of(number(mode=Mode.REJECT), None, MONDAY_TEN)
    root = check_picture(flow_svg.picture(seen), flow_text.as_text(seen))
    assert boxes(root) == []
    assert "end      603" in [one.what for one in texts(root)]


@pytest.mark.parametrize("label", [pytest.param(text, id=name) for name, text in HOSTILE.items()])
def test_words_of_others_are_words_only(label: str) -> None:
    one = replace(
        MIXED, owner=f"acme/{label}", default=label, windows=(window("mon", "08:00-18:00", label),),
        holidays=(holiday("2026-11-24", label, label),),
        sequences=(sequence(label, (Ring(parse("line jana-desk"), 20, label),
                                    Ring(parse("49115234567"), 20, label)),),))
    week, flow = week_of(one, MONDAY_TEN), flow_of(one, label, MONDAY_TEN)
    for picture, text in ((week_svg.picture(week), week_text.as_text(week)),
                          (flow_svg.picture(flow), flow_text.as_text(flow))):
        root = check_picture(picture, text)
        assert unsaid(clean(label), " ".join(root.itertext())) == set()
        assert all(one.isprintable() for line in text.splitlines() for one in line)
        assert max(map(columns, text.splitlines())) <= 80


def test_two_weeks_or_flows_stand_one_above_the_other() -> None:
    weeks = [week_of(one, at("2026-10-25 10:00")) for one in (number(), ALL_RANKS)]
    flows = [flow_of(MIXED, name, MONDAY_TEN) for name in ("colleague", "day")]
    root = check_picture(week_svg.before_and_after(*weeks), week_text.before_and_after(*weeks))
    assert root.findtext(f"{SPACE}title") == "Week of 42027777100 before and after"
    root = check_picture(flow_svg.before_and_after(*flows), flow_text.before_and_after(*flows))
    assert [one.what for one in texts(root) if one.what in ("before", "after")] == [
        "before", "after"]
    old, new = (next(one for one in boxes(root) if one.what.endswith(what))
                for what in ("line jana-soft, if registered", "registered (desk)"))
    assert (old.left, old.right) == (new.left, new.right)
    assert old.bottom < new.top


def test_pictures_of_one_page_share_no_id_and_no_rule() -> None:
    picture = week_svg.picture(week_of(number(), MONDAY_TEN))
    ids = [{one.get("id") for one in parsed(picture, name).iter()} - {None}
           for name in ("before", "after")]
    assert not ids[0] & ids[1]
    rules = parsed(picture, "after").findtext(f"{SPACE}style", "")
    assert [line for line in rules.splitlines()
            if "{" in line and not line.strip().startswith(("#after ", "@media"))] == []


def test_a_picture_is_always_the_same_and_needs_nothing_from_elsewhere() -> None:
    first, second = (svg.document(week_svg.picture(week_of(ALL_RANKS, at("2026-10-25 10:00"))))
                     for _ in range(2))
    assert first == second
    assert first.replace('xmlns="http://www.w3.org/2000/svg"', "").count("//") == 0
    assert "@import" not in first
    assert first.count("url(") == first.count("url(#picture-")
    assert "prefers-color-scheme: dark" in first


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = (int(colour[index:index + 2], 16) / 255 for index in (1, 3, 5))
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4
                        for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_contrasts_are_those_of_wcag_aa(scheme: Scheme) -> None:
    fills = [scheme.paper, scheme.blue, scheme.amber, scheme.violet, scheme.red]
    assert len(asdict(scheme)) == len(fills) + 4
    for behind in (*fills, scheme.hatch):
        assert contrast(scheme.ink, behind) >= 4.5
    assert contrast(scheme.mark, scheme.paper) >= 4.5
    for seen, behind in ((scheme.edge, scheme.paper), *((scheme.hatch, one) for one in fills[2:])):
        assert contrast(seen, behind) >= 3


def test_shapes_that_cover_each_other_are_found() -> None:
    area = svg.Area(10, 10, 20, 20)
    bad = Picture("two", "boxes", 50, (svg.box(area, svg.PLAIN, "boxes"),
                                       svg.box(area._replace(x=25), svg.PLAIN, "two")))
    first, second = boxes(parsed(bad))
    assert first == Box(10, 10, 30, 30, "boxes")
    assert first.covers(second)
    with pytest.raises(AssertionError):
        check_picture(bad, "two boxes")


@pytest.mark.parametrize(("text", "most", "lines"), [
    ("", 5, [""]), ("a b  c", 5, ["a b c"]), ("one two", 5, ["one", "two"]),
    ("abcdefgh ij", 5, ["abcde", "fgh", "ij"]),
    ("\u4e16\u4e16\u4e16", 5, ["\u4e16\u4e16", "\u4e16"]),
    ("e\u0301e\u0301e\u0301", 3, ["e\u0301e\u0301e\u0301"]), ("a\tb\u2028c\u00a0d", 9, ["a b c d"]),
    ("\u202ea\u200bb\x1b", 9, ["ab?"])])
def test_lines_are_broken_at_words(text: str, most: int, lines: list[str]) -> None:
    assert wrapped(text, most) == lines


def test_further_lines_are_indented_as_far_as_the_text() -> None:
    assert hanging("end      ", "x" * 72) == ["end      " + "x" * 71, "         x"]
    assert hanging("long " * 14, "text and more") == [
        ("long " * 14 + "text and").strip(), "more"]
