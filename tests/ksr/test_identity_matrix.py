# SPDX-License-Identifier: GPL-2.0-or-later
"""Who gets into a mailbox: 24 ways to claim the owner's number x 6 sources of a call (SPEC V2)."""


import pytest

from kemi_routing.model import Mode
from kemi_routing.record import LineRecord
from kemi_routing.trunks import Asserts
from tests.ksr import edge as product_edge
from tests.ksr.edge import DOMAIN, FROM_TRUNK, STRANGER, TRUNK, Product, in_network
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step, trunk
from tests.support.sip_message import Address, Request, ha1

OTHER = "42075553333"
SILENT, MEDIA, PHONE = Address("127.0.0.22"), Address("127.0.0.30"), Address("127.0.0.51")
PASSWORD = "blue-kettle"
SOURCES = {"PAI": TRUNK, "From": FROM_TRUNK, "none": SILENT, "line": PHONE, "media": MEDIA,
           "stranger": STRANGER}

Headers = tuple[tuple[str, str | bytes], ...]
PAI = "P-Asserted-Identity"
OWNER = (PAI, f"<sip:+{MOBILE}@x>")
FORMS: dict[str, tuple[str, Headers]] = {
    "nothing": ("", ()),
    "From": (f"<sip:{MOBILE}@x>", ()),
    "From with +": (f"<sip:+{MOBILE}@x>", ()),
    "From as tel:": (f"<tel:+{MOBILE}>", ()),
    "From with parameters": (f"<sip:+{MOBILE};isub=1@x;user=phone>", ()),
    "From, name alone": (f'"{MOBILE}" <sip:{OTHER}@x>', ()),
    "From, a longer number": (f"<sip:1{MOBILE}@x>", ()),
    "From, a shorter number": (f"<sip:{MOBILE[3:]}@x>", ()),
    "From, escaped": (f"<sip:%34{MOBILE[1:]}@x>", ()),
    "PAI": ("", (OWNER,)),
    "PAI as tel:": ("", ((PAI, f"<tel:+{MOBILE}>"),)),
    "PAI of another country": ("", ((PAI, f"<tel:{MOBILE};phone-context=+1>"),)),
    "PAI in small letters": ("", ((PAI.lower(), f"<sip:{MOBILE}@x>"),)),
    "PAI, name alone": ("", ((PAI, f'"{MOBILE}" <sip:{OTHER}@x>'),)),
    "PAI, second value": ("", ((PAI, f"<sip:{OTHER}@x>, <tel:+{MOBILE}>"),)),
    "PAI, second header": ("", ((PAI, f"<sip:{OTHER}@x>"), OWNER)),
    "PAI, a longer number": ("", ((PAI, f"<sip:+1{MOBILE}@x>"),)),
    "PAI, Privacy: id": ("", (OWNER, ("Privacy", "id"))),
    "PAI, From anonymous": ("<sip:anonymous@anonymous.invalid>", (OWNER,)),
    "PAI, diverted": ("", (OWNER, ("Diversion", f"<sip:{OTHER}@x>;reason=no-answer"))),
    "PAI, retargeted": ("", (OWNER, ("History-Info", "<sip:a@b>;index=1, <sip:c@d>;index=1.1"))),
    "P-Preferred-Identity": ("", (("P-Preferred-Identity", f"<sip:{MOBILE}@x>"),)),
    "Remote-Party-ID": ("", (("Remote-Party-ID", f"<sip:{MOBILE}@x>;party=calling"),)),
    "our own headers": ("", (("X-Followme-Grade", "A"), ("X-Followme-Pin", "open"),
                             ("X-Followme-Account", PERSONAL))),
    "Contact": ("", (("Contact", f"<sip:{MOBILE}@x>"),)),
}  # fmt: skip

LEG = (("X-Followme-Account", PERSONAL), ("X-Followme-Service", "outgoing"))
"""Of a call that the media server makes for an owner who dials his own number from the menu."""
MAILBOX = """
                        PAI     From    none    line    media   stranger
nothing                 rings   rings   rings   rings   rings   403
From                    pin     open    pin     403     rings   403
From with +             pin     open    pin     403     rings   403
From as tel:            pin     open    pin     403     rings   403
From with parameters    pin     open    pin     403     rings   403
From, name alone        rings   rings   rings   403     rings   403
From, a longer number   rings   rings   rings   403     rings   403
From, a shorter number  rings   rings   rings   403     rings   403
From, escaped           rings   rings   rings   403     rings   403
PAI                     open    rings   rings   rings   rings   403
PAI as tel:             open    rings   rings   rings   rings   403
PAI of another country  rings   rings   rings   rings   rings   403
PAI in small letters    open    rings   rings   rings   rings   403
PAI, name alone         rings   rings   rings   rings   rings   403
PAI, second value       rings   rings   rings   rings   rings   403
PAI, second header      rings   rings   rings   rings   rings   403
PAI, a longer number    rings   rings   rings   rings   rings   403
PAI, Privacy: id        pin     rings   rings   rings   rings   403
PAI, From anonymous     pin     rings   rings   rings   rings   407
PAI, diverted           rings   rings   rings   rings   rings   403
PAI, retargeted         rings   rings   rings   rings   rings   403
P-Preferred-Identity    rings   rings   rings   rings   rings   403
Remote-Party-ID         rings   rings   rings   rings   rings   403
our own headers         rings   rings   rings   rings   rings   403
Contact                 rings   rings   rings   rings   rings   403
"""
"""What each comes to: "open" and "pin" are the mailbox without and with PIN, "rings" an ordinary
call, or the code of a refusal.
"""


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    trunks = (trunk(TRUNK.ip), trunk(FROM_TRUNK.ip, asserts=Asserts.FROM),
              trunk(SILENT.ip, asserts=Asserts.NOTHING))
    monkeypatch.setattr(product_edge, "SETTINGS", in_network(trunks=trunks))


def product() -> Product:
    line = LineRecord("petr-desk", "acme/petr", ha1("petr-desk", DOMAIN, PASSWORD), OTHER, 1)
    return Product(number(outgoing=True, mode=Mode.FORWARD_ONLY, default="all",
                          sequences=(sequence("all", step(OFFICE)),)), lines=(line,))


def outcome(source: str, form: str) -> str:
    """What becomes of a call to the owner's number."""
    edge = product()
    caller, headers = FORMS[form]
    usual = f"<sip:{OTHER}@x>" if source != "line" else f"<sip:petr-desk@{DOMAIN}>"
    caller = caller.replace("@x", f"@{DOMAIN}") if source == "line" else caller
    if source == "media":
        headers = (*LEG, *headers)
    elif source == "line":
        headers = (("Contact", f"<sip:{OTHER}@{PHONE.ip}>"), *headers)
    request = Request(uri=f"sip:{PERSONAL}@{DOMAIN}", caller=f"{caller or usual};tag=a",
                      callee=f"<sip:{PERSONAL}@{DOMAIN}>", source=SOURCES[source], headers=headers)
    edge.receive(request)
    if edge.codes == [407] and source == "line":
        challenge = edge.replies[-1].headers.get("Proxy-Authenticate") or ""
        edge.receive(request.with_credentials(challenge, "petr-desk", PASSWORD))
    if not edge.uris:
        return str(edge.codes[-1])
    if not edge.uris[-1].startswith("sip:vm-access@"):
        return "rings"
    (pin,) = edge.forwarded[-1].headers.all("X-Followme-Pin")
    return {"open": "open", "ask": "pin"}[pin]


@pytest.mark.parametrize("row", MAILBOX.strip("\n").splitlines()[1:],
                         ids=lambda row: row[:24].strip())
def test_a_claim_opens_no_more_than_is_written_down(row: str) -> None:
    form, cells = row[:24].strip(), row[24:].split()
    assert [outcome(source, form) for source in SOURCES] == cells


def test_every_claim_is_in_the_table() -> None:
    head, *rows = MAILBOX.strip("\n").splitlines()
    assert head.split() == [*SOURCES]
    assert [row[:24].strip() for row in rows] == [*FORMS]
    assert (len(FORMS), len(SOURCES)) == (25, 6)
