# SPDX-License-Identifier: GPL-2.0-or-later
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi_routing.sealed import NONCE_BYTES, seal, unseal

SECRET, CONTEXT, NONCE = "only-this-kamailio-knows", "call-1", bytes(range(NONCE_BYTES))
TEXT = "sip:42075553333@trunk.example"
SEALED = seal(SECRET, TEXT, CONTEXT, NONCE)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(max_size=20))
def test_what_was_sealed_is_read_again(text: str, context: str) -> None:
    context = context.encode(errors="replace").decode()
    sealed = seal(SECRET, text, context, NONCE)
    assert re.fullmatch(r"[\w-]+", sealed, re.ASCII)
    assert unseal(SECRET, sealed, context) == text


@pytest.mark.parametrize(("secret", "sealed", "context"), [
    ("another", SEALED, CONTEXT),
    (SECRET, SEALED, "call-2"),
    (SECRET, SEALED[:-4], CONTEXT),
    (SECRET, SEALED + "AAAA", CONTEXT),
    (SECRET, SEALED[:10], CONTEXT),
    (SECRET, SEALED[:9], CONTEXT),
    (SECRET, "", CONTEXT),
    (SECRET, "\N{EURO SIGN}", CONTEXT),
])
def test_nothing_else_is_read(secret: str, sealed: str, context: str) -> None:
    assert unseal(secret, sealed, context) is None


@pytest.mark.parametrize("at", range(len(SEALED)))
def test_no_character_can_be_changed(at: int) -> None:
    other = "A" if SEALED[at] != "A" else "B"
    changed = SEALED[:at] + other + SEALED[at + 1:]
    assert unseal(SECRET, changed, CONTEXT) in (None, TEXT)
    assert at == len(SEALED) - 1 or unseal(SECRET, changed, CONTEXT) is None


@pytest.mark.parametrize(("text", "context", "nonce"), [
    (TEXT, CONTEXT, bytes(NONCE_BYTES)), (TEXT, "call-2", NONCE)])
def test_the_same_text_looks_different_in_each_call(text: str, context: str, nonce: bytes) -> None:
    assert seal(SECRET, text, context, nonce)[24:] != SEALED[24:]


def test_who_knows_one_text_cannot_read_another_one() -> None:
    # The streams of two nonces have nothing in common: one text tells no other one.
    other = seal(SECRET, TEXT.replace("4207", "4930"), CONTEXT, NONCE[::-1])
    same = [one for one, two in zip(SEALED[24:], other[24:], strict=True) if one == two]
    assert len(same) < len(SEALED) // 4
