# SPDX-License-Identifier: GPL-2.0-or-later
"""The store against a server of our own on a unix socket, which answers as each test wants."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingUnixStreamServer
from threading import Event, Thread

import pytest
import pytest_socket
import redis

from kemi_routing import record
from kemi_routing.errors import BrokenRecord, StoreUnavailable
from kemi_routing.record import LineRecord
from kemi_routing.redis import store
from kemi_routing.redis.store import Store
from tests.support.builders import PERSONAL, number

NUMBER = number()
DESK = LineRecord("jana-desk", "acme/jana", "0123456789abcdef" * 2, PERSONAL, 3)
NUMBER_KEY, LINE_KEY = "fm:1:number:{42027777100}", "fm:1:line:{jana-desk}"

Answer = Callable[[bytes], bytes]
"""What the server answers to what it was sent; nothing at all to be silent."""


@pytest.fixture(autouse=True)
def unix_sockets_only() -> None:
    pytest_socket.enable_socket()
    pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "redis.sock"


@pytest.fixture
def read(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    clients: list[redis.Redis] = []
    real = store.connect

    def connect(url: str, timeout_s: float) -> redis.Redis:
        clients.append(real(url, timeout_s))
        return clients[-1]

    with monkeypatch.context() as patched:
        patched.setattr(store, "connect", connect)
        made = Store(f"unix://{path}")
    yield made
    clients[0].close()


@contextmanager
def server(path: Path, answer: Answer) -> Iterator[list[bytes]]:
    """A Redis; yields what it was sent, a list that grows."""
    sent: list[bytes] = []
    connections: list[socket.socket] = []

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            connections.append(self.request)
            with suppress(OSError):  # the other end may have given up
                while data := self.request.recv(65_536):
                    sent.append(data)
                    self.request.sendall(answer(data))

    with ThreadingUnixStreamServer(str(path), Handler) as listening:
        thread = Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield sent
        finally:
            listening.shutdown()
            thread.join()
            for connection in connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            path.unlink()


def get(key: str) -> bytes:
    return f"*2\r\n$3\r\nGET\r\n${len(key)}\r\n{key}\r\n".encode()


def bulk(data: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(data), data)


def holding(records: dict[str, bytes]) -> Answer:
    """A server with these records."""
    known = {get(key): bulk(data) for key, data in records.items()}
    return lambda sent: known.get(sent, b"$-1\r\n")


def test_a_record_is_one_command_and_nothing_else_on_the_wire(path: Path, read: Store) -> None:
    records = {NUMBER_KEY: record.encode_number(NUMBER), LINE_KEY: record.encode_line(DESK)}
    with server(path, holding(records)) as sent:
        assert read.number(PERSONAL) == NUMBER
        assert read.line("jana-desk") == DESK
    assert sent == [get(NUMBER_KEY), get(LINE_KEY)]


def test_nobody_owns_what_the_store_does_not_hold(path: Path, read: Store) -> None:
    with server(path, holding({})):
        assert read.number(PERSONAL) is None
        assert read.line("jana-desk") is None


@pytest.mark.parametrize(("data", "why"), [
    (b"", "0 bytes"), (b"\x07\x90", "version 7"), (b"\x01\xc1", "not MessagePack"),
])
def test_a_broken_record_names_its_key(path: Path, read: Store, data: bytes, why: str) -> None:
    with server(path, holding({NUMBER_KEY: data, LINE_KEY: data})):
        with pytest.raises(BrokenRecord) as number_error:
            read.number(PERSONAL)
        with pytest.raises(BrokenRecord) as line_error:
            read.line("jana-desk")
    assert str(number_error.value).startswith(f"{NUMBER_KEY}: {why}")
    assert str(line_error.value).startswith(f"{LINE_KEY}: {why}")


@pytest.mark.parametrize("answer", [
    b"-LOADING Redis is loading the dataset in memory\r\n",
    b"-NOPERM this user has no permissions\r\n",
    b"HTTP/1.1 400 Bad Request\r\n",
    b"$99999999999999999999\r\n",
    b"\0\0\0\0\r\n",
    b":1\r\n",
], ids=["loading", "not permitted", "not Redis", "garbage length", "zeros", "an integer"])
def test_a_store_that_answers_nonsense_is_not_available(
        path: Path, read: Store, answer: bytes) -> None:
    with server(path, lambda _: answer), pytest.raises(StoreUnavailable) as error:
        read.number(PERSONAL)
    assert str(error.value).startswith(f"{NUMBER_KEY}: ")


@pytest.mark.parametrize("answer", [b"", b"$100\r\nthe beginning"], ids=["silent", "half"])
def test_a_store_that_hangs_is_given_up_at_once_and_not_asked_again(
        path: Path, read: Store, answer: bytes) -> None:
    with server(path, lambda _: answer) as sent:
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            read.number(PERSONAL)
        waited_s = time.monotonic() - started
    assert sent == [get(NUMBER_KEY)]
    assert store.TIMEOUT_S <= waited_s < 20 * store.TIMEOUT_S  # on a busy machine


def test_connecting_is_bounded_too() -> None:
    options = store.connect("redis://192.0.2.1:6379/0").connection_pool.connection_kwargs
    assert options["socket_connect_timeout"] == options["socket_timeout"] == store.TIMEOUT_S == 0.05


def test_a_store_that_was_away_is_used_again_when_it_is_back(path: Path, read: Store) -> None:
    answer = holding({NUMBER_KEY: record.encode_number(NUMBER)})
    with pytest.raises(StoreUnavailable):
        read.number(PERSONAL)  # no socket there
    for _ in range(2):
        with server(path, answer):
            assert read.number(PERSONAL) == NUMBER
        with pytest.raises(StoreUnavailable):
            read.number(PERSONAL)


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one(
        path: Path, read: Store) -> None:
    other = number(number="49115234567")
    known = holding({NUMBER_KEY: record.encode_number(NUMBER),
                     "fm:1:number:{49115234567}": record.encode_number(other)})
    given_up = Event()

    def late_at_first(sent: bytes) -> bytes:
        given_up.wait()
        return known(sent)

    with server(path, late_at_first):
        with pytest.raises(StoreUnavailable):
            read.number(PERSONAL)
        given_up.set()
        assert read.number("49115234567") == other


def test_a_key_of_another_type_is_a_broken_record(path: Path, read: Store) -> None:
    with server(path, lambda _: b"-WRONGTYPE Operation against a key\r\n"), \
            pytest.raises(BrokenRecord) as error:
        read.number(PERSONAL)
    assert str(error.value) == f"{NUMBER_KEY}: not a string"
