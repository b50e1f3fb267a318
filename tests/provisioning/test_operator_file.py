# SPDX-License-Identifier: GPL-2.0-or-later
"""The operator's own file comes back as it was written."""

from pathlib import Path

import pytest

from kemi_routing.redis import keys
from provisioning.difference import TEXT_ONLY
from provisioning.storage import Storage
from tests.provisioning.conftest import Followme, Write

OPERATOR = """\
# Whose calls are taken:
trunks:
  # the big one
  carrier: {from: [192.0.2.20, 192.0.2.21], asserts: P-Asserted-Identity, max_calls: 100}
gateways:
  vienna: {at: 192.0.2.40:5060, weight: 3}  # first floor
grants:
  # paid until June
  acme: {permissions: [voicemail], max_calls: 2}
"""


class TestTheFileOfTheOperator:
    @pytest.fixture
    def given(self, followme: Followme, storage: Storage, write: Write) -> Followme:
        storage.client.flushall()
        assert followme("apply", "--yes", write("operator.yaml", OPERATOR)).code == 0
        return followme

    def exported(self, followme: Followme, tmp_path: Path) -> Path:
        assert followme("export", "-o", tmp_path / "out").code == 0
        return tmp_path / "out" / "_operator.yaml"

    def test_comes_back_as_it_was_written(self, given: Followme, tmp_path: Path) -> None:
        path = self.exported(given, tmp_path)
        assert path.read_text() == (
            "# yaml-language-server: $schema=followme.schema.json\n" + OPERATOR)
        assert given("plan", path).out == "nothing to do\n"

    def test_takes_no_grant_away_that_it_does_not_name(
            self, given: Followme, write: Write, tmp_path: Path) -> None:
        more = "# new ones\ngrants: {other: {max_calls: 5}}\n"
        assert given("apply", "--yes", write("more.yaml", more)).things == [
            "grant other: new", "1 change written"]
        assert self.exported(given, tmp_path).read_text().partition("grants:\n")[2] == (
            "  # paid until June\n  acme: {permissions: [voicemail], max_calls: 2}\n"
            "  other: {max_calls: 5}\n")
        for file in ("more.yaml", "operator.yaml"):
            assert given("plan", tmp_path / file).out == "nothing to do\n"

    def test_is_one_of_several_files(
            self, followme: Followme, storage: Storage, write: Write, tmp_path: Path) -> None:
        storage.client.flushall()
        paths = [write("a.yaml", OPERATOR),
                 write("b.yaml", "gateways: {prague: {at: 192.0.2.41:5060}}  # second\n")]
        assert followme("apply", "--yes", *paths).code == 0
        path = self.exported(followme, tmp_path)
        assert "  # first floor\n" in path.read_text()
        assert "  prague: {at: 192.0.2.41:5060}\n" in path.read_text()
        assert followme("plan", path).out == "nothing to do\n"

    def test_is_told_of_where_only_a_comment_differs(
            self, given: Followme, write: Write, tmp_path: Path) -> None:
        path = write("operator.yaml", OPERATOR.replace("first floor", "second floor"))
        assert given("apply", "--yes", path).out == (
            f"operator: changed\n  {TEXT_ONLY}\n1 change written\n")
        assert "# second floor" in self.exported(given, tmp_path).read_text()

    def test_of_an_older_program_is_told_without_comments(
            self, given: Followme, storage: Storage, tmp_path: Path) -> None:
        for broken in (b"", b"\x02\xff"):
            storage.client.set(keys.operator(), broken)
            path = self.exported(given, tmp_path)
            assert not [row for row in path.read_text().splitlines()[1:] if "#" in row]
            assert given("plan", path).out == (
                f"operator: new\n  {TEXT_ONLY}\n1 new, 2 unchanged\n")
