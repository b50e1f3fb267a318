# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody who answers one SIP request."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

Answer = Callable[[bytes], list[bytes]]


@contextmanager
def answering(answer: Answer) -> Iterator[int]:
    """Somebody who answers one datagram on loopback; gives the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            heard, where = server.recvfrom(65535)
            for datagram in answer(heard):
                server.sendto(datagram, where)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


@contextmanager
def answering_stream(answer: Answer, own: str = "") -> Iterator[int]:
    """The same along one connection, over TLS where a certificate is given whose key stands beside
    it with the suffix ``.key``; then it is closed.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with ExitStack() as ends:
                if own:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(own, str(Path(own).with_suffix(".key")))
                    connection = context.wrap_socket(connection, server_side=True)
                ends.enter_context(connection)
                for message in answer(connection.recv(65535)):
                    connection.sendall(message)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def response(status: str) -> Answer:
    """An answer with the Call-ID of the request, behind some that are none."""
    def answer(heard: bytes) -> list[bytes]:
        call_id = heard.partition(b"Call-ID: ")[2].partition(b"\r\n")[0]
        own = f"SIP/2.0 {status}\r\nCall-ID: ".encode() + call_id + b"\r\n\r\n"
        trying = own.replace(status.encode(), b"100 Trying")
        return [b"\xff", own.replace(call_id, b"other"), trying, own]
    return answer
