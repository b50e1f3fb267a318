# SPDX-License-Identifier: GPL-2.0-or-later
"""Texts that others keep for us, as in our Record-Route: they can neither read nor change them.

The key stream is SHAKE-256 of the secret, the nonce and the context, the proof a keyed hash of all.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import shake_256

NONCE_BYTES = 8
"""Random ones, others each time: from two texts under one nonce and context each is known that has
the other.
"""
_PROOF_BYTES = 8


def seal(secret: str, text: str, context: str, nonce: bytes) -> str:
    """The text as letters, digits, ``-`` and ``_``, good in this context only."""
    hidden = _turned(secret, text.encode(), context, nonce)
    sealed = nonce + _proof(secret, nonce + hidden, context) + hidden
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def unseal(secret: str, sealed: str, context: str) -> str | None:
    """The text that was sealed with this secret in this context, None where there is none."""
    try:
        found = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    except (Error, ValueError):
        return None
    nonce, hidden = found[:NONCE_BYTES], found[NONCE_BYTES + _PROOF_BYTES:]
    proof = found[NONCE_BYTES:NONCE_BYTES + _PROOF_BYTES]
    if not hmac.compare_digest(proof, _proof(secret, nonce + hidden, context)):
        return None
    return _turned(secret, hidden, context, nonce).decode()


def _proof(secret: str, what: bytes, context: str) -> bytes:
    key = f"proof {secret}".encode()
    return hmac.digest(key, what + context.encode(), "sha256")[:_PROOF_BYTES]


def _turned(secret: str, text: bytes, context: str, nonce: bytes) -> bytes:
    """Hidden, and from that the text again."""
    stream = shake_256(b"\n".join((f"stream {secret}".encode(), nonce, context.encode())))
    key = int.from_bytes(stream.digest(len(text)), "big")
    return (int.from_bytes(text, "big") ^ key).to_bytes(len(text), "big")
