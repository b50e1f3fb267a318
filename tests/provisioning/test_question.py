# SPDX-License-Identifier: GPL-2.0-or-later
"""What is asked of ``explain``."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kemi_routing import settings
from kemi_routing.explain import Explained
from kemi_routing.model import Platform
from kemi_routing.network import Network, Server
from provisioning.cases import Numbers
from provisioning.check import check_text
from provisioning.problems import Refused
from provisioning.question import Question, Rejected, answer

NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)


FILE = """\
organisation: acme
time_zone: Europe/Prague
dial_plan: {country: 420, trunk_prefix: 0, emergency: [112]}
subscribers:
  jana:
    permissions: [forward_external, outgoing]
    lines: {jana-desk: {password: blue-kettle}}
    numbers:
      420277771101: {mode: forward_only, default: all, sequences: {all: [{to: 201}]}}
  petr:
    lines: {petr-desk: {password: blue-kettle}}
    extensions:
      201: {mode: forward_only, default: all, sequences: {all: [{to: 202}]}}
      202: {mode: ring_only}
  eva:
    lines: {eva-desk: {password: blue-kettle}}
"""
MONDAY = "2026-11-23 12:00"
WITH_GATEWAY = Network(gateways=(Server("192.0.2.40:5060"),))


def answered(dialled: str, **asked: Any) -> Explained | Rejected:
    network = asked.pop("network", WITH_GATEWAY)
    checked = check_text(FILE, "a.yaml", Platform(), NOW)
    assert checked.problems.errors == []
    return answer(Question(dialled, at=MONDAY, **asked), Numbers(checked),
                  settings.from_environment({}).with_network(network), NOW)


@pytest.mark.parametrize(("dialled", "why"), [
    ("*33", "480: feature code *33: toggle night for the line's main number; the caller is told"),
    ("*60", "480: feature code *60: block_last_caller for the line's main number; "
            "the caller is told"),
    ("*33420277771102", "480: feature code *33: toggle night for number 420277771102; "
                        "the caller is told"),
    ("112", "404: 112 is an emergency number, and there is no emergency route"),
    ("203", "404: nobody owns 203"),
    ("reception", "404: nobody owns reception"),
])
def test_what_a_line_dials_and_nobody_rings_for(dialled: str, why: str) -> None:
    rejected = answered(dialled, via="jana-desk")
    assert isinstance(rejected, Rejected)
    assert f"{rejected.status}: {rejected.why}" == why


def test_without_a_gateway_no_line_calls_outside() -> None:
    assert answered("0222345678", network=Network(), via="jana-desk") == Rejected(
        480, "no gateway is configured")


def test_a_line_without_a_number_reaches_nobody_outside() -> None:
    assert answered("0222345678", via="eva-desk") == Rejected(404, "nobody owns 0222345678")


@pytest.mark.parametrize(("dialled", "menu", "why"), [
    ("112", "420277771101", "403: 420277771101: 112 is an emergency number; it is not called from "
                            "the menu"),
    ("203", "420277771101", "404: nobody owns 203"),
    ("0900123456", "420277771101", "403: 420277771101: 420900123456 is premium, which is denied"),
    ("0222345678", "acme/201", "403: acme/201: permission outgoing is not granted"),
])
def test_what_may_not_be_called_from_the_menu(dialled: str, menu: str, why: str) -> None:
    rejected = answered(dialled, menu=menu)
    assert isinstance(rejected, Rejected)
    assert f"{rejected.status}: {rejected.why}" == why


@pytest.mark.parametrize(("dialled", "rung"), [
    ("0222345678", ("420222345678", "420277771101")), ("201", ("petr-desk", "420277771101"))])
def test_who_is_called_from_the_menu_sees_the_number(dialled: str, rung: tuple[str, str]) -> None:
    explained = answered(dialled, menu="+420 277 771 101")
    assert not isinstance(explained, Rejected)
    ((target,),) = (step["targets"] for step in explained["steps"])
    assert (target["address"], target["cli"]) == rung


def test_a_menu_of_nobodys_number_is_refused() -> None:
    with pytest.raises(Refused, match="420277771199: nobody owns this number"):
        answered("201", menu="420277771199")


def test_an_answer_follows_every_hand_over() -> None:
    explained = answered("420277771101", caller="42075553333")
    assert not isinstance(explained, Rejected)
    assert [one["what"] for one in explained["handed_over"]] == [
        "step 1 of all, to acme/201", "step 1 of all, to acme/202"]
    assert [one["address"] for step in explained["steps"] for one in step["targets"]] == [
        "petr-desk"]


@pytest.mark.parametrize("dialled", ["acme/201", "201"])
def test_an_extension_cannot_be_called_from_a_trunk(dialled: str) -> None:
    with pytest.raises(Refused, match=rf"{dialled} is an extension.*explain 201 --via LINE"):
        answered(dialled)


@pytest.mark.parametrize("from_inside", [{"via": "jana-desk"}, {"menu": "420277771101"}])
def test_an_extension_may_be_named_with_its_organisation(from_inside: dict[str, str]) -> None:
    explained = answered("acme/202", **from_inside)
    assert not isinstance(explained, Rejected)
    assert explained == answered("202", **from_inside)
    assert explained["number"] == "acme/202"


@pytest.mark.parametrize("from_inside", [{"via": "jana-desk"}, {"menu": "420277771101"}])
def test_an_extension_of_another_organisation_is_refused(from_inside: dict[str, str]) -> None:
    with pytest.raises(Refused, match="brno/202 is an extension of brno, which acme cannot dial; "
                                      "write the personal number of that subscriber"):
        answered("brno/202", **from_inside)


@pytest.mark.parametrize("from_inside", [{"via": "jana-desk"}, {"menu": "420277771101"}])
def test_a_call_to_the_outside_plays_on_the_callers_clock(from_inside: dict[str, str]) -> None:
    explained = answered("0222345678", **from_inside)
    assert not isinstance(explained, Rejected)
    assert (explained["at"], explained["zone"]) == ("2026-11-23T12:00:00+01:00", "Europe/Prague")
