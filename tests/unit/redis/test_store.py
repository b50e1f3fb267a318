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

from kemi_routing import packed, record
from kemi_routing.errors import BrokenRecord, StoreUnavailable, UnknownVersion
from kemi_routing.model import Number
from kemi_routing.record import LineRecord, State
from kemi_routing.redis import store
from kemi_routing.redis.store import Store
from kemi_routing.screening import Action, Pattern, Screen
from tests.support.builders import PERSONAL, number

NUMBER = number()
DESK = LineRecord("jana-desk", "acme/jana", "0123456789abcdef" * 2, PERSONAL, 3)
NUMBER_KEY, LINE_KEY = "fm:1:number:{42027777100}", "fm:1:line:{jana-desk}"
STATE_KEY, LAST_KEY = "fm:1:state:{42027777100}", "fm:1:last:{42027777100}"
OTHER = number(number="49115234567")
OTHER_KEY, OTHER_STATE_KEY = "fm:1:number:{49115234567}", "fm:1:state:{49115234567}"
GARBAGE = bytes([packed.VERSION]) + b"\xc1"
BLOCKED = State(screens=(Screen(Pattern("42075551111"), Action.REJECT),))

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
def alarms() -> list[str]:
    """What the store told."""
    return []


@contextmanager
def reading(
    path: Path, alarms: list[str], monkeypatch: pytest.MonkeyPatch, *bound_s: float
) -> Iterator[Store]:
    """A store whose connections are closed in the end."""
    clients: list[redis.Redis] = []
    real = store.connect

    def connect(url: str, timeout_s: float) -> redis.Redis:
        clients.append(real(url, timeout_s))
        return clients[-1]

    with monkeypatch.context() as patched:
        patched.setattr(store, "connect", connect)
        made = Store(f"unix://{path}", alarms.append, *bound_s)
    yield made
    clients[0].close()


@pytest.fixture
def read(path: Path, alarms: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """It waits longer than in the product, since a busy machine makes the server late."""
    with reading(path, alarms, monkeypatch, 1) as made:
        yield made


@pytest.fixture
def bounded(path: Path, alarms: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """It waits as long as in the product."""
    with reading(path, alarms, monkeypatch) as made:
        yield made


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


def command(*words: bytes | str) -> bytes:
    """A command as it stands on the wire."""
    encoded = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(words) + b"".join(bulk(word) for word in encoded)


def bulk(data: bytes | None) -> bytes:
    return b"$-1\r\n" if data is None else b"$%d\r\n%b\r\n" % (len(data), data)


def array(*values: bytes | None) -> bytes:
    return b"*%d\r\n" % len(values) + b"".join(map(bulk, values))


def words(sent: bytes) -> list[bytes]:
    """The words of the first command."""
    count, *rest = sent[1:].split(b"\r\n")
    return rest[1:2 * int(count):2]


def holding(records: dict[str, bytes]) -> Answer:
    """A server with these records, for GET and MGET."""
    known = {key.encode(): data for key, data in records.items()}

    def answer(sent: bytes) -> bytes:
        verb, *wanted = words(sent)
        found = [known.get(key) for key in wanted]
        return bulk(found[0]) if verb == b"GET" else array(*found)
    return answer


def test_a_record_is_one_command_and_nothing_else_on_the_wire(path: Path, read: Store) -> None:
    records = {NUMBER_KEY: record.encode_number(NUMBER), LINE_KEY: record.encode_line(DESK)}
    with server(path, holding(records)) as sent:
        assert read.number(PERSONAL) == NUMBER
        assert read.line("jana-desk") == DESK
    assert sent == [command("MGET", NUMBER_KEY, STATE_KEY), command("GET", LINE_KEY)]


def test_nobody_owns_what_the_store_does_not_hold(path: Path, read: Store) -> None:
    with server(path, holding({})) as sent:
        assert read.number(PERSONAL) is None
        assert read.line("jana-desk") is None
    assert sent == [command("MGET", NUMBER_KEY, STATE_KEY), command("GET", NUMBER_KEY),
                    command("GET", LINE_KEY)]


@pytest.mark.parametrize(("data", "why"), [
    (b"", "0 bytes"), (b"\x07\x90", "version 7"), (GARBAGE, "not MessagePack"),
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
        path: Path, bounded: Store, answer: bytes) -> None:
    with server(path, lambda _: answer) as sent:
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            bounded.number(PERSONAL)
        waited_s = time.monotonic() - started
    assert sent == [command("MGET", NUMBER_KEY, STATE_KEY)]
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
        path: Path, bounded: Store) -> None:
    known = holding({NUMBER_KEY: record.encode_number(NUMBER),
                     OTHER_KEY: record.encode_number(OTHER)})
    given_up = Event()

    def late_at_first(sent: bytes) -> bytes:
        given_up.wait()
        return known(sent)

    with server(path, late_at_first):
        with pytest.raises(StoreUnavailable):
            bounded.number(PERSONAL)
        given_up.set()
        assert bounded.number("49115234567") == OTHER


def test_a_key_of_another_type_is_a_broken_record(path: Path, read: Store) -> None:
    def answer(sent: bytes) -> bytes:
        return b"-WRONGTYPE no\r\n" if words(sent)[0] == b"GET" else array(None, None)

    with server(path, answer):
        with pytest.raises(BrokenRecord) as line_error:
            read.line("jana-desk")
        with pytest.raises(BrokenRecord) as number_error:
            read.number(PERSONAL)
    assert str(line_error.value) == f"{LINE_KEY}: not a string"
    assert str(number_error.value) == f"{NUMBER_KEY}: not a string"


class TestTheState:
    def test_stands_beside_the_record_and_is_read_with_it(self, path: Path, read: Store) -> None:
        records = {NUMBER_KEY: record.encode_number(NUMBER),
                   STATE_KEY: record.encode_state(BLOCKED)}
        with server(path, holding(records)) as sent:
            assert read.number(PERSONAL) == BLOCKED.applied_to(NUMBER)
        assert len(sent) == 1

    @pytest.mark.parametrize(("data", "why"), [(b"", "0 bytes"), (b"\x07\x90", "version 7")])
    def test_that_cannot_be_read_is_told_and_left_out(
            self, path: Path, read: Store, alarms: list[str], data: bytes, why: str) -> None:
        with server(path, holding({NUMBER_KEY: record.encode_number(NUMBER), STATE_KEY: data})):
            assert read.number(PERSONAL) == NUMBER
        assert [alarm.partition(";")[0] for alarm in alarms] == [f"{STATE_KEY}: {why}"]


class TestManyNumbers:
    def test_come_in_one_round_trip_without_those_that_nobody_owns(
            self, path: Path, read: Store) -> None:
        records = {NUMBER_KEY: record.encode_number(NUMBER),
                   STATE_KEY: record.encode_state(BLOCKED), OTHER_KEY: record.encode_number(OTHER)}
        with server(path, holding(records)) as sent:
            found = read.numbers([PERSONAL, "42027777199", "49115234567"])
        assert found == {PERSONAL: BLOCKED.applied_to(NUMBER), "49115234567": OTHER}
        assert len(sent) == 1

    def test_a_broken_one_is_told_and_left_out(
            self, path: Path, read: Store, alarms: list[str]) -> None:
        records = {NUMBER_KEY: b"\x07\x90", OTHER_KEY: record.encode_number(OTHER)}
        with server(path, holding(records)):
            assert read.numbers([PERSONAL, "49115234567"]) == {"49115234567": OTHER}
        assert [alarm.partition(": ")[0] for alarm in alarms] == [NUMBER_KEY]

    def test_cannot_be_had_from_a_store_that_is_away(self, read: Store) -> None:
        with pytest.raises(StoreUnavailable):
            read.numbers([PERSONAL])


class TestAChangeOfState:
    """*33 and *60: read, decide, and write where nobody wrote meanwhile."""

    @staticmethod
    def storing(records: dict[str, bytes], replaced: bytes = b":1\r\n") -> Answer:
        reading = holding(records)
        return lambda sent: replaced if words(sent)[0] == b"EVAL" else reading(sent)

    @staticmethod
    def block(number: Number, state: State, caller: str | None) -> tuple[State, str]:
        return BLOCKED, f"{number.number} {len(state.screens)} {caller}"

    def test_is_written_over_the_one_that_was_read(self, path: Path, read: Store) -> None:
        empty = record.encode_state(State())
        records = {NUMBER_KEY: record.encode_number(NUMBER), STATE_KEY: empty,
                   LAST_KEY: b"42075551111"}
        with server(path, self.storing(records)) as sent:
            assert read.change_state(PERSONAL, self.block) == f"{PERSONAL} 0 42075551111"
        read_, written = map(words, sent)
        assert read_ == [b"MGET", NUMBER_KEY.encode(), STATE_KEY.encode(), LAST_KEY.encode()]
        assert written[2:] == [b"1", STATE_KEY.encode(), empty, record.encode_state(BLOCKED)]

    def test_of_a_number_without_a_state_expects_none(self, path: Path, read: Store) -> None:
        with server(path, self.storing({NUMBER_KEY: record.encode_number(NUMBER)})) as sent:
            assert read.change_state(PERSONAL, self.block) == f"{PERSONAL} 0 None"
        assert words(sent[1])[4:] == [b"", record.encode_state(BLOCKED)]

    def test_that_changes_nothing_writes_nothing(self, path: Path, read: Store) -> None:
        with server(path, self.storing({NUMBER_KEY: record.encode_number(NUMBER)})) as sent:
            assert read.change_state(PERSONAL, lambda _, state, __: (state, "as it is"))
        assert len(sent) == 1

    def test_of_nobodys_number_is_none(self, path: Path, read: Store) -> None:
        with server(path, self.storing({})):
            assert read.change_state(PERSONAL, self.block) is None

    @pytest.mark.parametrize("answer", [b":0\r\n", b"-NOPERM no\r\n", b""],
                             ids=["changed meanwhile", "not permitted", "hangs"])
    def test_that_is_not_stored_is_said(self, path: Path, read: Store, answer: bytes) -> None:
        records = {NUMBER_KEY: record.encode_number(NUMBER)}
        with server(path, self.storing(records, answer)), pytest.raises(StoreUnavailable) as error:
            read.change_state(PERSONAL, self.block)
        assert str(error.value).startswith(f"{STATE_KEY}: ")

    def test_takes_the_place_of_one_that_cannot_be_read(
            self, path: Path, read: Store, alarms: list[str]) -> None:
        records = {NUMBER_KEY: record.encode_number(NUMBER), STATE_KEY: GARBAGE}
        with server(path, self.storing(records)) as sent:
            assert read.change_state(PERSONAL, self.block)
        assert words(sent[1])[4] == GARBAGE

    def test_leaves_one_of_another_version_alone(self, path: Path, read: Store) -> None:
        records = {NUMBER_KEY: record.encode_number(NUMBER), STATE_KEY: b"\x07\x90"}
        with server(path, self.storing(records)) as sent, pytest.raises(UnknownVersion):
            read.change_state(PERSONAL, self.block)
        assert len(sent) == 1


class TestTheExchangeOfTheBackgroundProcess:
    ANSWERS = (b"+OK\r\n", b"+OK\r\n", b":1\r\n", array(b"me", b"other"),
               array(b"the network", b'{"1":[1,1]}'))

    def test_is_one_round_trip(self, path: Path, read: Store) -> None:
        with server(path, lambda _: b"".join(self.ANSWERS)) as sent:
            found = read.exchange("me", b"{}", {PERSONAL: "42075551111"}, ["other"])
        assert found == (frozenset({"me", "other"}), [b'{"1":[1,1]}'], b"the network")
        assert b"".join(sent) == b"".join(command(*words) for words in (
            ("SET", LAST_KEY, "42075551111", "EX", str(store.LAST_CALLER_S)),
            ("SET", "fm:1:calls:{me}", "{}", "EX", str(store.CALLS_S)),
            ("SADD", "fm:1:proxies", "me"), ("SMEMBERS", "fm:1:proxies"),
            ("MGET", "fm:1:network", "fm:1:calls:{other}")))

    def test_forgets_proxies_that_count_no_more(self, path: Path, read: Store) -> None:
        def answer(heard: bytes) -> bytes:
            if b"SREM" in heard:
                return b":1\r\n"
            return b"".join((*self.ANSWERS[1:-1], array(b"the network", b"{}", None)))

        with server(path, answer) as sent:
            assert read.exchange("me", b"{}", {}, ["other", "gone"])[1] == [b"{}"]
        assert sent[-1] == command("SREM", "fm:1:proxies", "gone")

    def test_with_a_store_that_is_away_is_said(self, read: Store) -> None:
        with pytest.raises(StoreUnavailable):
            read.exchange("me", b"{}", {}, [])
