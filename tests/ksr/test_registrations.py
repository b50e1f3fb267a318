# SPDX-License-Identifier: GPL-2.0-or-later
"""What the phones of a line may bind, on the fake."""

from dataclasses import replace

import pytest

import tests.ksr.edge as product_edge
from kemi_routing.ksr import credentials
from kemi_routing.record import LineRecord
from tests.ksr.edge import DOMAIN, Product
from tests.support.fake_registrar import PREPARE, Contact, Registrar
from tests.support.sip_message import Address, Request, ha1

PASSWORD = "blue-kettle"
DESK = LineRecord("desk", "acme/jana", ha1("desk", DOMAIN, PASSWORD), "", 3)
PHONE, EDGE_PROXY = Address("127.0.0.51"), Address("127.0.0.50")
ELSEWHERE = "<sip:desk@10.0.0.7:5060>"
PATH = ("Path", f"<sip:{EDGE_PROXY.ip};lr>")


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Product:
    chosen = replace(product_edge.SETTINGS, edge_proxies=frozenset({EDGE_PROXY.ip}))
    monkeypatch.setattr(product_edge, "SETTINGS", chosen)
    return Product(lines=(DESK,))


def register(edge: Product, source: Address, *headers: tuple[str, str],
             password: str = PASSWORD) -> int:
    aor = f"<sip:desk@{DOMAIN}>"
    request = Request("REGISTER", f"sip:{DOMAIN}", f"{aor};tag=1", aor, headers, source)
    edge.receive(request)
    asked = edge.replies[-1].headers.get("WWW-Authenticate") or ""
    edge.receive(request.with_credentials(asked, "desk", password))
    return edge.codes[-1]


@pytest.mark.parametrize(("headers", "code"), [
    ((("Expires", "59"),), 423), ((("Expires", "60"),), 200), ((), 200),
    ((("Contact", f"<sip:b@{PHONE.ip}>;expires=1"),), 423)])
def test_what_is_too_brief_is_refused_with_the_least(
        edge: Product, headers: tuple[tuple[str, str], ...], code: int) -> None:
    assert register(edge, PHONE, ("Contact", f"<sip:desk@{PHONE.ip}>"), *headers) == code
    least = edge.replies[-1].headers.get("Min-Expires")
    assert (least, bool(edge.location)) == (("60", False) if code == 423 else (None, True))


@pytest.mark.parametrize(("source", "headers", "code"), [
    (EDGE_PROXY, (("Contact", ELSEWHERE), PATH), 200), (PHONE, (("Contact", ELSEWHERE), PATH), 403),
    (PHONE, (("Contact", f"<sip:desk@{PHONE.ip}>"), PATH), 403),
    (EDGE_PROXY, (("Contact", ELSEWHERE),), 403),
    (EDGE_PROXY, (("Contact", ELSEWHERE), ("Path", f"{PATH[1]}, <sip:10.0.0.9;lr>")), 200),
    *((EDGE_PROXY, (("Contact", ELSEWHERE), ("Path", path)), 403) for path in (
        "<sip:127.0.0.40:5060;lr>", f"<sip:127.0.0.40;lr>, {PATH[1]}", "", "<tel:+1>",
        f"<sip:{EDGE_PROXY.ip};maddr=127.0.0.40;lr>", f'"{PATH[1]}" <sip:127.0.0.40;lr>'))])
def test_only_the_path_of_an_edge_proxy_leads_elsewhere(
        edge: Product, source: Address, headers: tuple[tuple[str, str], ...], code: int) -> None:
    assert register(edge, source, *headers) == code
    assert bool(edge.location) == (code == 200)


def test_a_guess_behind_an_edge_proxy_counts_where_that_saw_it(edge: Product) -> None:
    register(edge, EDGE_PROXY, ("Via", "SIP/2.0/UDP 10.0.0.7;branch=z"), password="guess")
    register(edge, EDGE_PROXY, password="guess")
    register(edge, PHONE, ("Via", "SIP/2.0/UDP 10.0.0.7;branch=z"), password="guess")
    assert edge.htable.tables[credentials.GUESSES] == {
        "10.0.0.7": 1, EDGE_PROXY.ip: 1, PHONE.ip: 1}


def test_a_phone_too_many_hears_so_and_so_does_the_operator(edge: Product) -> None:
    for port in range(5061, 5065):
        code = register(edge, PHONE, ("Contact", f"<sip:desk@{PHONE.ip}:{port}>"))
        assert code == (200 if port < 5064 else 403)
    assert len(edge.location["desk"]) == 3
    assert any("why='too many phones' line=desk" in text for _, text in edge.log)


@pytest.mark.parametrize(("name", "expires", "most"), [
    ("", "600", 1), ("", "0", 0), (';+sip.instance="<urn:uuid:1>"', "600", 2)])
def test_a_phone_that_starts_again_without_a_name_takes_its_own_place(
        edge: Product, name: str, expires: str, most: int) -> None:
    own = f"<sip:line-1@{PHONE.ip}>"
    for written, seconds in ((own, "600"), (f"{own}{name}", expires)):
        assert register(edge, PHONE, ("Contact", written), ("Expires", seconds)) == 200
    assert edge.location["desk"] == [f"sip:line-1@{PHONE.ip}"] * most


@pytest.mark.parametrize(("connection", "code"), [(7, 200), (8, 403), (0, 403)])
def test_a_connection_that_is_gone_is_no_phone(
        edge: Product, connection: int, code: int) -> None:
    for port in range(5061, 5064):
        register(edge, PHONE, ("Contact", f"<sip:desk@{PHONE.ip}:{port}>"))
    edge.connections.add(8)
    edge.contacts("desk")[1].connection = connection
    assert register(edge, PHONE, ("Contact", f"<sip:desk@{PHONE.ip}:5064>")) == code
    assert [f"sip:desk@{PHONE.ip}:5062" in edge.location["desk"],
            len(edge.location["desk"])] == [code == 403, 3]


def test_flows_that_are_over_make_no_room(edge: Product) -> None:
    for port in range(5061, 5064):
        register(edge, PHONE, ("Contact", f"<sip:desk@{PHONE.ip}:{port}>"))
    edge.contacts("desk").extend(
        Contact(f"sip:desk@{PHONE.ip}:{number}", 0, "", instance=f"<urn:uuid:1>;flow={number}")
        for number in range(2))
    assert register(edge, PHONE, ("Contact", f"<sip:desk@{PHONE.ip}:5064>")) == 403


def test_what_else_is_wrong_with_a_registration_kamailio_says(
        edge: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def save(registrar: Registrar, table: str, flags: int) -> int:
        asked.append(flags)
        if flags == PREPARE:
            return -1
        monkeypatch.undo()
        return registrar.save(table, flags)

    monkeypatch.setattr(Registrar, "save", save)
    assert register(edge, PHONE, ("Contact", f"<sip:desk@{PHONE.ip}>")) == 200
    assert asked == [PREPARE, 0]


@pytest.mark.parametrize("contact", [f"<sips:desk@{PHONE.ip}>", "<tel:+42027777100>"])
def test_a_contact_that_is_no_sip_uri_is_refused(edge: Product, contact: str) -> None:
    assert register(edge, PHONE, ("Contact", contact)) == 403
    assert any("why='contact not understood' line=desk" in text for _, text in edge.log)
