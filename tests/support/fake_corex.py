# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake's corex functions."""

from tests.support.fake_message import Part
from tests.support.fake_state import Appended, Misuse


class Corex(Part):
    """The destination set and the socket to send from."""

    def append_branch_uri(self, uri: str) -> int:
        if len(self._process.dset) >= self._process.max_branches - 1:
            return -1
        message = self._message
        # corex_lib.c: the branch inherits $du, the send socket and the flags of the message.
        appended = Appended(uri or message.uri, message.dst_uri, message.send_socket,
                            frozenset(message.branch_flags))
        self._process.dset.append(appended)
        if not uri:
            message.dst_uri = message.send_socket = ""
        return 1

    def append_branch(self) -> int:
        return self.append_branch_uri("")

    def set_send_socket(self, name: str) -> int:
        sockets = [f"udp:{own.ip}:{own.port}" for own in self._process.local]
        cluster = [f"tcp:{own.ip}:" for own in self._process.local]
        if name not in sockets and not name.startswith(tuple(cluster)):
            raise Misuse(f"not a socket of ours: {name}; Kamailio says 1 and takes any")
        self._message.send_socket = name
        return 1
