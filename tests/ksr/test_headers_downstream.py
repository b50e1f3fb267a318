# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever a caller writes into an INVITE: what leaves has the fixed headers (SPEC P6, V2)."""

import functools
import re
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kemi_routing.model import Mode
from tests.ksr import edge as product_edge
from tests.ksr.edge import DOMAIN, FROM_TRUNK, Product
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step
from tests.support.fake_state import Forwarded
from tests.support.sip_message import Request
from tests.support.strategies import hostile_texts, many

CALLER = "42075553333"
NUMBER = number(mode=Mode.FORWARD_ONLY, default="all",
                sequences=(sequence("all", step(OFFICE, "line jana-desk")),))

values = hostile_texts(CALLER, MOBILE, PERSONAL, "sip:", "tel:+", "<sip:", "@x>", ";index=1", "id",
                       ";cause=302", "none", "100rel", "verstat=TN-Validation-Passed").map(
    lambda text: re.sub(r"[\r\n\0]", "", text).replace("\ud800", "\udcff"))
"""What one header can hold on the wire; a surrogate stands for a byte that is no text."""

GO_ON = ("Subject", "Call-Info", "Supported", "Require", "Contact", "Record-Route")
"""Headers of the caller that reach everybody."""
STAY_HERE = ("Route", "P-Preferred-Identity", "Remote-Party-ID", "X-Followme-Account",
             "X-Followme-Grade", "X-Followme-Pin", "X-Followme-Outgoing", "X-Followme-Service")
OF_CALLER = ("P-Asserted-Identity", "Privacy", "Diversion", "History-Info", "Identity")
"""Replaced, removed or passed on as the target may see them."""
PARTS = ("From", "display name", "user", "host", "tag", "To", "Call-ID", "R-URI")

USUAL = {"From", "To", "Via", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Privacy",
         "Diversion", "History-Info", *GO_ON}
TO_EACH = {
    "@127.0.0.40:5060": USUAL | {"P-Asserted-Identity"},
    "@127.0.0.51:5060": USUAL | {"Identity"},
    "@127.0.0.30:5060": USUAL | {"Identity", *STAY_HERE[3:7]},
}  # fmt: skip
"""Headers that the gateway, a phone of the line and the media server may get, and no others."""
URI = re.compile(r"sip:[A-Za-z0-9_.+~*=%-]+(@[0-9.]+:5060)(;[a-z]+=[A-Za-z0-9_.:%@+~*-]+)*")
SHOWN = re.compile(rf"<sip:({PERSONAL}@{re.escape(DOMAIN)}|anonymous@anonymous\.invalid)>(;.*)?",
                   re.DOTALL)
"""To the gateway; the parameters of From are the caller's."""
OURS = re.compile(rf"{PERSONAL}|[A-D]|open|ask|no|pin|yes")


def call(parts: Mapping[str, str]) -> Product:
    """A call of a trunk, parts of whose INVITE are so."""
    edge = Product(NUMBER)
    edge.register("jana-desk", "sip:desk@127.0.0.51:5060")
    caller = parts.get("From", '{}<sip:{}@{}>;tag={}'.format(
        f'"{parts["display name"]}" ' if "display name" in parts else "",
        parts.get("user", CALLER), parts.get("host", "x"), parts.get("tag", "a")))
    names = (*GO_ON, *STAY_HERE, *OF_CALLER, "Call-ID")
    headers = tuple((name, parts[name].encode(errors="surrogateescape"))
                    for name in names if name in parts)
    edge.receive(Request(uri=f"sip:{parts.get('R-URI', PERSONAL)}@{DOMAIN}", caller=caller,
                         callee=parts.get("To", f"<sip:{PERSONAL}@{DOMAIN}>"), source=FROM_TRUNK,
                         headers=headers))
    return edge


def wrong(edge: Product) -> list[str]:
    """What is not as it must be, in what left and in our log."""
    sent = [one for one in edge.forwarded if one.method == "INVITE"]
    found = [each for one in sent for each in _wrong_in(one)]
    return found + [text for _, text in edge.log if text.startswith("error")]


def _wrong_in(sent: Forwarded) -> Iterator[str]:
    uri = URI.fullmatch(sent.uri)
    if uri is None:
        yield f"R-URI {sent.uri!r}"
        return
    yield from (line.name for line in sent.headers if line.name not in TO_EACH[uri[1]])
    yield from (f"{line.name}: {line.value!r}" for line in sent.headers
                if line.name.startswith("X-") and not OURS.fullmatch(line.text))
    if uri[1] == "@127.0.0.40:5060":
        shown = [line for line in sent.headers if line.name in ("From", "P-Asserted-Identity")]
        yield from (f"{line.name}: {line.value!r}" for line in shown
                    if not SHOWN.fullmatch(line.text))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product_edge, "entry", functools.cache(product_edge.entry))


SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
headers = st.fixed_dictionaries({}, optional=dict.fromkeys(
    (*GO_ON, *STAY_HERE, *OF_CALLER), values))


@given(headers)
@settings(SETTINGS, max_examples=300)
def test_no_header_of_the_caller_changes_what_leaves(parts: dict[str, str]) -> None:
    assert wrong(call(parts)) == []


@pytest.mark.parametrize("part", PARTS)
@given(value=values)
@settings(SETTINGS, max_examples=60)
def test_no_part_of_the_invite_changes_what_leaves(part: str, value: str) -> None:
    assert wrong(call({part: value})) == []


@pytest.mark.long
@pytest.mark.timeout(1800)
@given(many(headers, 5))
@settings(SETTINGS, max_examples=50_000 // 5)
def test_no_header_of_fifty_thousand_changes_what_leaves(together: list[dict[str, str]]) -> None:
    for parts in together:
        assert wrong(call(parts)) == []


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", PARTS)
@given(together=many(values, 25))
@settings(SETTINGS, max_examples=50_000 // 25)
def test_no_part_of_fifty_thousand_changes_what_leaves(part: str, together: list[str]) -> None:
    for value in together:
        assert wrong(call({part: value})) == []
