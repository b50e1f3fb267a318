# SPDX-License-Identifier: GPL-2.0-or-later
"""What editors are told agrees with ``check``: of all that it lets through, and as far as can be
told of what it refuses.
"""

import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docs import files
from kemi_routing import caller_id, e164, feature_codes, formats, hops, screening, targets, trunks
from kemi_routing import schedule as schedule_of
from kemi_routing.errors import InvalidValue
from kemi_routing.trunks import MAX_LIMIT
from provisioning import kinds, schema, source, values
from provisioning.check import check, check_text
from provisioning.problems import Problems
from provisioning.written import Written
from tests.provisioning.conftest import EXAMPLES, ROOT, Followme
from tests.provisioning.test_check import PLATFORM, REFUSED
from tests.provisioning.test_laws import as_written, containers, mutate, numbers
from tests.support.builders import NOW
from tests.support.editor import complaints, errors_of, plain, seen, unquoted

STARTS = ("organisation:", "trunks:", "gateways:", "grants:")
ACCEPTED = sorted(
    path for folder in (EXAMPLES, ROOT / "tests" / "cases", ROOT / "tests" / "e2e")
    for path in folder.rglob("*.yaml")
    if any(row.startswith(STARTS) for row in path.read_text().splitlines()))
UNKNOWN = {"anchors", "dial_plan_prefixes", "dialling_prefixes", "keys_twice", "loops",
           "national_without_country", "overlaps", "too_many_branches",
           "too_many_lines_of_others", "voicemail_in_the_middle"}
"""Files in which all that is wrong is known by names, numbers and times only."""
TEXTS: list[tuple[str, Callable[[str], object], str, str]] = [
    ("Name", values.name, "jana jana-desk a.b_c 42 1.5 true null", "-a a/b _a é"),
    ("Label", values.words, "mobile true null .nan 42 1e5", ""),
    ("Password", values.password, "blue-kettle 12345678 null", ""),
    ("Zone", values.time_zone, "UTC Europe/Prague Etc/GMT+5 America/Argentina/Salta",
     "+01:00 Europe:Prague 1"),
    ("Alias", e164.alias, "42073723123@pstn +420737231231@pstn",
     "42073723123 42073723123@sip jana@pstn"),
    ("Choice", values.yes, "yes no", "true false Yes on 1"),
    ("Redirects", values.redirects, "follow ignore", "yes"),
    ("RingTime", values.ring_time, "1 20 600 007", "0 601 -1 20s 1.5 soon"),
    ("Delay", values.delay, "0 5 60", "61 -1 later"),
    ("Phones", values.max_phones, "1 3 12", "0 13 three"),
    ("Cap", values.cap, "1 100 999999999", "0 -1 many"),
    ("Limit", values.up_to(MAX_LIMIT, "calls"), "1 1000000", "0 1000001 many"),
    ("Weight", values.up_to(hops.MAX_WEIGHT, "shares"), "1 1000", "0 1001"),
    ("Priority", values.up_to(hops.MAX_PRIORITY, "ranks"), "1 100", "0 101"),
    ("LocalDigits", values.digits_count, "7 9", "-1 seven"),
    ("To", targets.parse, "49115234567 +49115234567 voicemail park SIP/a@b.example "
     "sip:a@192.0.2.1:5061;transport=tls IAX2/a:b@c.example:4569/100 IAX2/a@c.example/100",
     "jana Voicemail SIP/a sips:a@b IAX2/a@b line menu announcement"),
    ("Callers", screening.pattern, "42075553333 42075* * anonymous Anonymous +42075*",
     "someone *5 sip:a@b"),
    ("Days", schedule_of.parse_days, "mon-fri daily Daily sat,sun SAT mon,wed-fri sun-tue",
     "monday mon-fri-sun 1 mon; ,mon"),
    ("Clock", schedule_of.parse_clock, "08:00 8:05 24:00 23:59", "8 25:00 12:60 08.00 8am"),
    ("Date", values.day, "2026-12-24 2100-01-31", "24.12.2026 2026-13-01 2026-12-4 soon"),
    ("Prefix", values.prefix, "420900 1 49", "+49 0420 a"),
    ("Permission", values.permission, "voicemail outgoing", "voice_mail"),
    ("NumberClass", values.number_class, "premium national", "partners"),
    ("ModeName", values.mode, "reject ring_only", "Reject ring"),
    ("Mailbox", values.mailbox, "always_pin", "never"),
    ("AssertsBy", values.asserts, "From none P-Asserted-Identity", "PAI from"),
    ("Place", hops.place, "192.0.2.1:5060 gw.example:5060;transport=tls [2001:db8::1]:5060 "
     "192.0.2.1:5060;Transport=TCP", "192.0.2.1 gw;lr:5060 192.0.2.1:5060;lr"),
    ("Address", trunks.source, "192.0.2.1 192.0.2.0/28 2001:db8::/32 192.0.2.0/255.255.255.0",
     "carrier.example 192.0.2.0/28/"),
    ("Certificate", trunks.certificate, "sbc.carrier.example _a null 42", "a/b *.example"),
    ("Header", trunks.header, "P-Asserted-Identity X-Verdict null", "X_Y 1 ä"),
    ("NumberForm", formats.read, "e164 plus 00", "local + 000"),
    ("TechnicalPrefix", formats.technical_prefix, "1234# * 007", "+49 a"),
    ("Profile", caller_id.profile, "from=number pai=none history=no diversion=last",
     "privacy=id history=maybe from"),
    ("Until", feature_codes.parse_end, "08:00", "tomorrow 8 8h"),
]
"""A kind, who reads it, and words that are right and wrong."""


def test_it_is_json_schema() -> None:
    validator = import_module("jsonschema").Draft202012Validator
    validator.check_schema(schema.schema())
    assert schema.schema()["$schema"] == validator.META_SCHEMA["$schema"]
    patterns = list(map(json.loads, re.findall(r'"pattern": (".*")', schema.text())))
    assert len(patterns) > 50
    # What Python has and ECMA 262 has not.
    assert [one for one in patterns if re.search(r"\(\?[^:]|\\[^sSu.*?()]", one)] == []


def test_the_command_prints_it(followme: Followme) -> None:
    ran = followme("schema")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == schema.schema()
    assert ran.out == (EXAMPLES / schema.FILE).read_text()
    assert followme("schema", "-F", "json").out == ran.out
    assert followme("schema", "-F", "yaml").out.startswith("$schema: https://json-schema.org/")


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda path: path.stem)
def test_an_example_names_it_for_editors(path: Path) -> None:
    words, _, name = path.read_text().splitlines()[0].partition("$schema=")
    assert words == "# yaml-language-server: "
    assert (path.parent / name).resolve() == EXAMPLES / schema.FILE


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_file_that_is_accepted_pleases_editors_too(path: Path) -> None:
    text = path.read_text()
    assert list(complaints(seen(text))) == []


@pytest.mark.parametrize(("kind", "read", "right", "wrong"), TEXTS,
                         ids=[row[0] for row in TEXTS])
def test_a_kind_of_text_is_what_is_read(
        kind: str, read: Callable[[str], object], right: str, wrong: str) -> None:
    told = told_of(kind)
    for text in right.split(" "):
        assert is_read(read, text), text
        assert [*errors_of(told, text), *errors_of(told, plain(text))] == []
    for text in wrong.split():
        assert not is_read(read, text), text
        assert [*errors_of(told, text), *errors_of(told, plain(text))] != [], text
    (example,) = told["examples"]
    assert list(errors_of(told, example)) == []


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(TEXTS), st.text(max_size=12) | st.from_regex(r"[-+ 0-9./*#:a-z]{1,9}\Z"))
def test_no_kind_refuses_what_is_read(row: tuple[str, Callable[[str], object], str, str],
                                      text: str) -> None:
    if is_read(row[1], text):
        told = told_of(row[0])
        assert [*errors_of(told, text), *errors_of(told, plain(text))] == []


def told_of(kind: str) -> dict[str, Any]:
    told: dict[str, Any] = get_args(getattr(kinds, kind))[1].schema
    return told


def is_read(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except InvalidValue:
        return False
    return True


def test_names_of_keys_have_no_type_for_who_takes_digits_for_a_number() -> None:
    names = re.findall(r'"propertyNames": \{[^}]*\}', schema.text())
    assert len(names) > 15
    assert [one for one in names if '"type"' in one] == []


@pytest.mark.parametrize("model", [*sorted(schema.schema()["$defs"]), ""])
def test_each_key_has_a_description_and_an_example(model: str) -> None:
    found = schema.schema()["$defs"][model] if model else schema.schema()
    for key, told in found["properties"].items():
        assert told.get("description"), key
        assert "examples" in json.dumps(told) or "$ref" in json.dumps(told), key


def test_each_example_of_the_reference_is_right() -> None:
    whole = schema.schema()
    models = {heading: whole["$defs"][model] for model, heading in files.SECTIONS.items()}
    rows = re.findall(r"^(?:## (.*)|\|.*\| `((\w+): .*)` \|)$", files.page(), re.M)
    told, seen_rows = whole, 0
    for heading, example, key in rows:
        told = models.get(heading, whole) if heading else told
        if key:
            seen_rows += 1
            of_key = {"$defs": whole["$defs"], **told["properties"][key]}
            assert list(errors_of(of_key, seen(example)[key])) == [], example
    assert seen_rows > 90


def test_each_link_of_the_reference_leads_somewhere() -> None:
    links = set(re.findall(r"\]\((\w+\.md)?#([\w-]+)\)", files.page()))
    headings = {(name, anchor(heading))
                for name in {name for name, _ in links}
                for heading in re.findall("^##+ (.*)", files.page() if not name else
                                          (ROOT / "docs" / name).read_text(), re.M)}
    assert links <= headings
    assert len(links) > 20


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_all_files_are_looked_at() -> None:
    assert len(ACCEPTED) > 60


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_a_file_that_is_refused_does_not_where_that_can_be_told(path: Path) -> None:
    tree = source.read(path, Problems())
    errors = [error.place.line for error in check([path], PLATFORM, NOW).problems.errors]
    ways = set(complaints(seen(path.read_text()))) if tree else set()
    assert bool(ways) == (tree is not None and path.stem not in UNKNOWN)
    for way in ways:
        first, last = rows_of(tree, way)
        assert [line for line in errors if first <= line <= last] != [], way


def rows_of(tree: Written | None, way: tuple[Any, ...]) -> tuple[int, int]:
    """First and last row of a value, with its key."""
    assert tree is not None
    for step in way:
        tree = tree.content[step]
    return tree.key.line, 1 + tree.source.count("\n", 0, tree.span[1])


@settings(deadline=None, max_examples=60)
@given(numbers(), st.data())
def test_whatever_check_accepts_pleases_editors(number: Any, data: st.DataObject) -> None:
    written = as_written(number)
    places = list(containers(written))
    for _ in range(data.draw(st.integers(0, 2))):
        place, key = data.draw(st.sampled_from(places))
        mutate(place, key, data)
    if not check_text(json.dumps(written), "a.yaml", PLATFORM, NOW).problems.errors:
        assert list(complaints(written)) == []
        assert list(complaints(unquoted(written))) == []
