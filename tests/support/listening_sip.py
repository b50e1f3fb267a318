# SPDX-License-Identifier: GPL-2.0-or-later
"""A socket to which a proxy connects, over TCP or TLS."""

import socket
import ssl
from pathlib import Path

from tests.support.raw_sip import StreamSip


class ListeningSip(StreamSip):
    """It speaks along the first connection from this proxy, and takes none from others; TLS where
    a certificate of its own is given, whose key stands beside it with the suffix ``.key``.
    """

    def __init__(self, address: str, proxy: str, own: str = "") -> None:
        self.transport = "TLS" if own else "TCP"
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listening = socket.create_server((address, 0), family=family)
        self._socket = self._listening
        self._from = proxy
        self._own = own
        self._received = b""

    def close(self) -> None:
        """Close the connection, and listen no more."""
        self._socket.close()
        self._listening.close()

    @property
    def at(self) -> str:
        """Where it is, as an operator's file says it."""
        return f"{self.host_port};transport={self.transport.lower()}"

    def _read(self) -> bytes:
        if self._socket is self._listening:
            connection, (source, *_) = self._listening.accept()
            while source != self._from:
                connection.close()
                connection, (source, *_) = self._listening.accept()
            if self._own:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self._own, str(Path(self._own).with_suffix(".key")))
                connection = context.wrap_socket(connection, server_side=True)
            connection.settimeout(self._listening.gettimeout())
            self._socket = connection
        return super()._read()
