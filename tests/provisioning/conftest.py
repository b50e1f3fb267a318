# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line on a Redis of our own, run in this process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from kemi_routing.model import Number, Platform
from kemi_routing.network import Network, Server
from kemi_routing.network_record import encode
from kemi_routing.record import decode_number
from kemi_routing.redis import keys
from kemi_routing.targets import Kind
from kemi_routing.trunks import Asserts
from provisioning.check import check_text
from provisioning.cli import main
from provisioning.storage import Storage
from tests.support.builders import NOW, trunk
from tests.support.redis_server import RedisServer

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "provisioning" / "examples"
LOADED = [EXAMPLES / f"{name}.yaml" for name in ("office", "second-number", "team")]


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def things(self) -> list[str]:
        """The lines of what it printed that name things, without what is different in them."""
        return [line for line in self.out.splitlines() if not line.startswith("  ")]

    @property
    def told(self) -> list[str]:
        """What stands on stderr, without the rows of files below what is said of them."""
        return [row for row in self.err.splitlines() if not row.startswith("    ")]


NETWORK = Network(
    1, (trunk("192.0.2.20", name="carrier"),
        trunk("192.0.2.22", name="office", asserts=Asserts.NOTHING)),
    (Server("127.0.0.1:5080", name="usual"),), (Server("127.0.0.1:5070", name="usual"),))
"""What the operator has applied."""
Followme = Callable[..., Ran]


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def storage(redis_server: RedisServer) -> Storage:
    """An empty store."""
    storage = Storage(redis_server.url)
    storage.client.flushall()
    return storage


@pytest.fixture
def followme(storage: Storage, redis_server: RedisServer, capsys: pytest.CaptureFixture[str],
             monkeypatch: pytest.MonkeyPatch) -> Followme:
    """Runs a command on an empty store, with nobody at the keyboard."""
    assert not list(storage.owners())
    monkeypatch.setenv("FOLLOWME_REDIS", redis_server.url)
    storage.client.set(keys.network(), encode(NETWORK))
    monkeypatch.delenv("FOLLOWME_DOMAIN", raising=False)
    monkeypatch.chdir(ROOT)

    def run(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        code = main(list(map(str, arguments)))
        return Ran(code, *capsys.readouterr())
    return run


@pytest.fixture
def loaded(followme: Followme) -> Followme:
    """The same, after three of the examples were written."""
    assert followme("apply", "--yes", *LOADED).code == 0
    return followme


Edit = Callable[..., Path]
Write = Callable[[str, str], Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """A copy of an example in which texts are replaced."""
    def edit(name: str, *replacements: tuple[str, str]) -> Path:
        text = (EXAMPLES / name).read_text()
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text)
        return path
    return edit


def dump(storage: Storage) -> dict[str, object]:
    """All that the store holds beside the operator's network."""
    client = storage.client
    read: dict[bytes, Callable[[bytes], object]] = {
        b"string": client.get, b"set": client.smembers,
        b"hash": lambda key: set(cast(list[bytes], client.hkeys(key))),
        b"stream": client.xlen,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True)}
    return {key.decode(): read[cast(bytes, client.type(key))](key)
            for key in set(client.scan_iter()) - {keys.network().encode()}}


def stored(storage: Storage, key: str) -> Number:
    """The number in the store."""
    data = storage.client.get(keys.number(key))
    assert isinstance(data, bytes)
    return decode_number(data)


def target_kinds(number: Number) -> list[Kind]:
    """Of all targets of its sequences, in order."""
    return [ring.target.kind for one in number.sequences for step in one.steps for ring in step]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file with this text."""
    def make(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path
    return make


def imported(text: str) -> list[Number]:
    """The numbers of a file that an import has written; it must pass check."""
    checked = check_text(text, "imported.yaml", Platform(), NOW)
    assert checked.problems.errors == []
    return [entry.number for entry in checked.numbers]
