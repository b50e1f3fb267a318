# SPDX-License-Identifier: GPL-2.0-or-later
"""What the stand-ins that live on one UDP socket share."""

import selectors
import socket
import threading
from abc import ABC, abstractmethod

Address = tuple[str, int]


class Datagrams(ABC):
    """Hears datagrams in a thread of its own, which ends at once when it is told to."""

    def __init__(self, name: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._wake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _listen(self, address: Address) -> None:
        self._socket.bind(address)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; a second stop does nothing."""
        if self._thread.is_alive():
            self._waker.send(b".")
            self._thread.join(5)
        for each in (self._socket, self._wake, self._waker):
            each.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while all(key.fileobj is self._socket for key, _ in selector.select()):
                self._heard(*self._socket.recvfrom(65535))

    @abstractmethod
    def _heard(self, datagram: bytes, source: Address) -> None: ...
