# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing.errors import InvalidValue
from kemi_routing.trunks import Asserts, Trunk, Trunks, read

ONE = "192.0.2.1"


@pytest.mark.parametrize(("text", "trunk"), [
    ("From", Trunk(Asserts.FROM, name=ONE)),
    ("P-Asserted-Identity;stir=P-Asserted-Identity;redirect;early-media",
     Trunk(Asserts.PAI, "P-Asserted-Identity", redirect=True, early_media=True, name=ONE)),
    ("none ; early-media ; stir=X-Attest",
     Trunk(Asserts.NOTHING, "X-Attest", early_media=True, name=ONE)),
    ("From;redirect", Trunk(Asserts.FROM, redirect=True, name=ONE)),
    ("From;max-calls=1000000;per-second=1",
     Trunk(Asserts.FROM, max_calls=1_000_000, max_per_second=1, name=ONE)),
])
def test_what_a_trunk_may_and_gets(text: str, trunk: Trunk) -> None:
    trunks = read([f"{ONE}={text}", "192.0.2.2=none"])
    assert trunks.at(ONE) == trunk
    assert trunks.at("192.0.2.2") == Trunk(Asserts.NOTHING, name="192.0.2.2")


@pytest.mark.parametrize(("address", "name"), [
    ("192.0.2.1", "192.0.2.1"), ("192.0.2.2", "192.0.2.0/30"), ("192.0.2.3", "192.0.2.0/30"),
    ("192.0.2.4", "192.0.2.0/24"), ("192.0.3.1", None), ("2001:db8::1", "2001:db8::/64"),
    ("2001:db8:0:1::1", None), ("carrier.example", None), ("", None)])
def test_the_narrowest_network_counts(address: str, name: str | None) -> None:
    trunks = read([" 192.0.2.0/24 = From", "192.0.2.0/30=none", "192.0.2.1=From",
                   "2001:DB8:0:0::/64=From"])
    found = trunks.at(address)
    assert (found and found.name) == name


def test_names() -> None:
    trunks = read(["192.0.2.0/24=From", "192.0.2.0/30=none", "2001:db8::1=From"])
    assert trunks.names == ("2001:db8::1", "192.0.2.0/30", "192.0.2.0/24")


def test_without_trunks_nobody_is_one() -> None:
    assert read([]).names == ()
    assert read([]) == Trunks()
    assert Trunks().at(ONE) is None
    assert Trunks() != read([f"{ONE}=From"])
    assert hash(Trunks()) == hash(read([]))


@pytest.mark.parametrize("text", [
    ONE, f"{ONE}=", f"{ONE}=from", "carrier.example=From", "192.0.2.1/24=From", "=From",
    f"{ONE}=From;stir", f"{ONE}=From;stir=", f"{ONE}=From;stir=X Y", f"{ONE}=From;stir=X=1",
    f"{ONE}=From;302", f"{ONE}=From;", f"{ONE}=From;redirect=yes", f"{ONE}=From;early-media=1",
    f"{ONE}=From;max-calls", f"{ONE}=From;max-calls=0", f"{ONE}=From;per-second=1000001",
    f"{ONE}=From;per-second=\u0661"])
def test_a_refused_trunk_names_the_right_form(text: str) -> None:
    with pytest.raises(InvalidValue, match="write SOURCE=HEADER, an address or network and"):
        read([text])
