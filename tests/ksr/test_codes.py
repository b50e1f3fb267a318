# SPDX-License-Identifier: GPL-2.0-or-later
"""What a registered line dials: codes and digits."""

from dataclasses import replace

import pytest

from kemi_routing.dialplan import DialPlan
from kemi_routing.errors import StoreUnavailable
from kemi_routing.feature_codes import Action, FeatureCode
from kemi_routing.ksr import codes
from kemi_routing.model import Mode
from kemi_routing.network import Server
from kemi_routing.record import LineRecord, State
from kemi_routing.settings import Settings
from tests.ksr import edge as product_edge
from tests.ksr.edge import DOMAIN, Product, in_network
from tests.support.builders import OFFICE, PERSONAL, number, sequence, step
from tests.support.sip_message import Address, Request, ha1

PASSWORD = "blue-kettle"
PHONE = Address("127.0.0.51")
EXTENSION, LOCAL, FOREIGN = "acme/201", "42027777102", "42027777103"
PLAN = DialPlan(country="420", area="2", international_prefix="00", local_digits=7,
                emergency=("112", "2012"))
DESK = LineRecord(
    "jana-desk", "acme/jana", ha1("jana-desk", DOMAIN, PASSWORD), PERSONAL, 1, PLAN, (
        FeatureCode("*33", Action.TOGGLE, "night"), FeatureCode("*60", Action.BLOCK_LAST_CALLER)))
NIGHT = (sequence("night", step(OFFICE)),)


@pytest.fixture(params=[(), (Server("127.0.0.30:5060"),)],
                ids=["no media server", "a media server"])
def media(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """With and without a media server."""
    settings: Settings = in_network(media_servers=request.param)
    monkeypatch.setattr(product_edge, "SETTINGS", settings)
    return bool(request.param)


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Product:
    """Jana's numbers and one of Petr's; no media server."""
    monkeypatch.setattr(product_edge, "SETTINGS", in_network(media_servers=()))
    return product()


def product() -> Product:
    numbers = (PERSONAL, EXTENSION, LOCAL)
    return Product(
        *(number(number=each, mode=Mode.FORWARD_ONLY, sequences=NIGHT) for each in numbers),
        number(number=FOREIGN, owner="acme/petr"), lines=(DESK,))


def dial(edge: Product, user: str, domain: str = DOMAIN) -> None:
    """Jana's phone dials, and again with its password."""
    address = f"<sip:jana-desk@{DOMAIN}>"
    request = Request(uri=f"sip:{user}@{domain}", caller=f"{address};tag=l", callee=address,
                      source=PHONE, headers=(("Contact", "<sip:jana-desk@127.0.0.51:5060>"),))
    edge.receive(request)
    challenge = edge.replies[-1].headers.get("Proxy-Authenticate") or ""
    edge.receive(request.with_credentials(challenge, "jana-desk", PASSWORD))


def said(edge: Product) -> tuple[int, str]:
    return edge.replies[-1].code, edge.replies[-1].reason


class TestACode:
    @pytest.mark.parametrize("code", ["*33", "%2A33", "%2a33"])
    def test_is_confirmed_in_words(self, edge: Product, code: str) -> None:
        dial(edge, code)
        assert said(edge) == (480, "Night for ever")
        dial(edge, code)
        assert said(edge) == (480, "As scheduled")

    @pytest.mark.parametrize(("behind", "key"), [
        ("", PERSONAL), (PERSONAL, PERSONAL), (LOCAL, LOCAL), (f"+{LOCAL}", LOCAL),
        ("7777102", LOCAL), (f"00{LOCAL}", LOCAL), ("201", EXTENSION)])
    def test_is_for_the_main_number_or_the_one_behind_it(
            self, edge: Product, behind: str, key: str) -> None:
        dial(edge, f"*33{behind}")
        assert [each for each in edge.records.states if edge.records.states[each].overrides] == [
            key]

    @pytest.mark.parametrize("behind", [FOREIGN, "42027777199", "299", "1"])
    def test_is_not_for_the_numbers_of_others(self, edge: Product, behind: str) -> None:
        dial(edge, f"*33{behind}")
        assert said(edge) == (480, "Not your number")
        assert not any(state.overrides for state in edge.records.states.values())

    def test_of_a_line_without_a_number_needs_one(self, edge: Product) -> None:
        edge.records.lines["jana-desk"] = replace(DESK, number="")
        dial(edge, "*33")
        assert said(edge) == (480, "Not your number")

    def test_is_in_force_for_the_next_call(self, edge: Product) -> None:
        dial(edge, "*33")
        edge.call(PERSONAL)
        assert edge.uris == [f"sip:{OFFICE}@127.0.0.40:5060"]

    def test_is_done_once_however_often_it_is_sent(self, edge: Product) -> None:
        dial(edge, "*33")
        edge.receive(edge.transactions[-1].request)
        assert len(edge.records.states[PERSONAL].overrides) == 1

    def test_that_cannot_be_stored_is_answered_503(
            self, edge: Product, monkeypatch: pytest.MonkeyPatch) -> None:
        def change_state(*_: object) -> None:
            raise StoreUnavailable("fm:1:state:{1}: no")

        monkeypatch.setattr(type(edge.records), "change_state", change_state)
        dial(edge, "*33")
        assert said(edge)[0] == 503
        assert edge.replies[-1].headers.get("Retry-After") == "5"

    def test_leaves_a_line_in_the_log(self, edge: Product) -> None:
        dial(edge, "*33")
        assert edge.log[-1][1].endswith(
            f"line=jana-desk code=*33 number={PERSONAL} words='Night for ever'\n")

    def test_means_nothing_at_another_domain(self, edge: Product) -> None:
        dial(edge, "*33", "else.where")
        assert (said(edge)[0], edge.records.states) == (404, {})

    def test_means_nothing_from_a_trunk(self, edge: Product) -> None:
        edge.call("*33")
        assert edge.codes == [404]

    @pytest.mark.parametrize(("last_caller", "words"), [
        ("42075551111", "Blocked 42075551111"), ("anonymous", "Last caller withheld the number")])
    def test_blocks_the_last_caller(self, edge: Product, last_caller: str, words: str) -> None:
        edge.records.last_callers[PERSONAL] = last_caller
        dial(edge, "*60")
        assert said(edge) == (480, words)
        assert len(edge.records.states.get(PERSONAL, State()).screens) == words.startswith("B")


class TestTheConfirmation:
    def test_is_heard_where_there_is_a_media_server(self, media: str) -> None:
        edge = product()
        dial(edge, "*33")
        dial(edge, "*33")
        dial(edge, f"*33{FOREIGN}")
        heard = [uri.partition("play=")[2].partition(";")[0] for uri in edge.uris]
        assert heard == ([codes.ON, codes.OFF, codes.UNCHANGED] if media else [])

    def test_stands_in_a_warning_where_nothing_could_be_played(self, media: str) -> None:
        edge = product()
        dial(edge, "*33")
        if media:
            edge.answer("annc", 404)
        assert edge.replies[-1].code == 480
        warning = '399 followme "Night for ever"' if media else None
        assert edge.replies[-1].headers.get("Warning") == warning


class TestDigits:
    @pytest.mark.parametrize(("dialled", "key"), [
        ("201", EXTENSION), ("7777102", LOCAL), (LOCAL, LOCAL), (f"00{LOCAL}", LOCAL),
        (f"+{LOCAL}", LOCAL)])
    def test_lead_to_a_number_of_ours(self, edge: Product, dialled: str, key: str) -> None:
        dial(edge, dialled)
        routed = next(text for _, text in edge.log if text.startswith("route"))
        assert f" number={key} " in routed

    @pytest.mark.parametrize(("dialled", "called"), [
        ("7654321", "42027654321"), ("0049115234567", OFFICE), ("+49115234567", OFFICE)])
    def test_lead_outside_in_full(self, edge: Product, dialled: str, called: str) -> None:
        dial(edge, dialled)
        assert edge.uris == [f"sip:{called}@127.0.0.40:5060"]

    @pytest.mark.parametrize("dialled", ["299", "0", "nobody", "0049"])
    def test_that_mean_nothing_are_refused(self, edge: Product, dialled: str) -> None:
        dial(edge, dialled)
        assert (said(edge)[0], edge.uris) == (404, [])
        assert f"number={dialled}" in edge.log[-1][1]

    @pytest.mark.parametrize("dialled", ["112", "2012"])
    def test_of_an_emergency_are_refused_and_reported(self, edge: Product, dialled: str) -> None:
        edge.records.held["acme/2012"] = number(number="acme/2012")
        dial(edge, dialled)
        assert (said(edge), edge.uris) == ((404, "No Emergency Route"), [])
        level, text = edge.log[-1]
        assert level == "err"
        assert f"why='no emergency route' line=jana-desk number={dialled}" in text

    def test_of_an_extension_mean_nothing_from_a_trunk(self, edge: Product) -> None:
        edge.call("201")
        assert edge.codes == [404]
