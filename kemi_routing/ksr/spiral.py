# SPDX-License-Identifier: GPL-2.0-or-later
"""The second pass of a branch that rings shorter than its step.

tm has one ring time per transaction. Such a branch goes to our own loopback socket and becomes a
transaction of its own there, with its own timer and failure route. The Request-URI carries the
target, and what proves that we wrote it; both are gone when the branch leaves. The proof is not the
secret itself: logs may quote a Request-URI.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace

from kemi_routing import plan_codec, trail
from kemi_routing.plan import Account, PlannedStep
from kemi_routing.plan_codec import Hunt


class Spiral:
    """Writes and reads the Request-URIs of second passes."""

    def __init__(self, secret: str, port: int) -> None:
        self._proof = hmac.digest(secret.encode(), b"second pass", "sha256").hex()[:32]
        self._port = port

    def uri(self, state: Hunt, index: int) -> str:
        """The URI at which this target of the running step gets its second pass.

        The first pass has dressed the branch already: the target goes on without a CLI, and
        without the words about it, with which the URI could outgrow Kamailio's MAX_URI_SIZE.
        """
        planned = state.running.targets[index]
        bare = replace(planned, cli=None, why="", label="", account=0)
        account = state.accounts[planned.account]
        fields = [account.number, account.owner, plan_codec.planned_fields(bare),
                  state.received_ms, state.began_ms, len(state.tried), index]
        load = urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")
        return f"sip:{self._proof}.{load}@127.0.0.1:{self._port}"

    def hunt(self, user: str) -> Hunt | None:
        """The hunt in the user part of such a URI, or None where we did not write it."""
        proof, _, load = user.partition(".")
        if not hmac.compare_digest(proof.encode(), self._proof.encode()):
            return None
        number, owner, planned, received_ms, began_ms, *place = json.loads(
            urlsafe_b64decode(load + "=" * (-len(load) % 4)))
        step = PlannedStep((plan_codec.planned(planned),))
        return Hunt((Account(number, owner),), (step,), spiral=True, began_ms=began_ms,
                    received_ms=received_ms, trail=trail.second_pass(*place))
