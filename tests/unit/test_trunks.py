# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing.errors import InvalidValue
from kemi_routing.trunks import Trunks, certificate, header, source, source_text
from tests.support.builders import trunk

ONE = "192.0.2.1"


@pytest.mark.parametrize(("address", "name"), [
    ("192.0.2.1", "one"), ("192.0.2.2", "narrow"), ("192.0.2.3", "narrow"), ("192.0.2.9", "one"),
    ("192.0.2.4", "wide"), ("192.0.3.1", None), ("2001:db8::1", "wide"),
    ("2001:db8:0:1::1", None), ("carrier.example", None), ("", None)])
def test_the_narrowest_network_counts(address: str, name: str | None) -> None:
    found = Trunks([trunk("192.0.2.0/24", "2001:db8::/64", name="wide"),
                    trunk("192.0.2.0/30", name="narrow"),
                    trunk(ONE, "192.0.2.9", name="one")]).at(address)
    assert (found and found.name) == name


def test_without_trunks_nobody_is_one() -> None:
    assert Trunks().at(ONE) is None
    assert Trunks([trunk(ONE)]).at("192.0.2.2") is None


@pytest.mark.parametrize(("text", "shown"), [
    (f" {ONE} ", ONE), (f"{ONE}/32", ONE), ("192.0.2.0/28", "192.0.2.0/28"),
    ("2001:DB8:0:0::/64", "2001:db8::/64"), ("2001:DB8::1", "2001:db8::1")])
def test_a_source_has_one_form(text: str, shown: str) -> None:
    assert source_text(source(text)) == shown


@pytest.mark.parametrize("text", ["", "carrier.example", "192.0.2.1/24", "192.0.2", "::/129"])
def test_a_refused_source_names_the_right_form(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"write 192.0.2.1 or 192.0.2.0/28"):
        source(text)


def test_the_name_in_a_certificate() -> None:
    assert certificate("SBC.Carrier.example") == "sbc.carrier.example"
    for text in ("", " x", "a/b", "x\n", "x" * 254, "\u0130"):
        with pytest.raises(InvalidValue, match="is not the name of a certificate; write its"):
            certificate(text)


@pytest.mark.parametrize("text", ["", "X Y", "1st", "X:", "X\r\nY", "\u0130", "X" * 65])
def test_a_refused_header_names_the_right_form(text: str) -> None:
    assert header("X-Attest") == "X-Attest"
    with pytest.raises(InvalidValue, match="is not the name of a header"):
        header(text)
