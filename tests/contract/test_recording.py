# SPDX-License-Identifier: GPL-2.0-or-later
"""The recording is what Kamailio says, and the stub is what the recording says."""

from pathlib import Path

from tests.contract import recording, server, stub
from tests.contract.record import ENTRY


def test_real_kamailio_has_what_is_recorded_and_only_newer_ones_have_more(tmp_path: Path) -> None:
    with server.running(ENTRY, tmp_path):
        listing = server.kamcmd(tmp_path, "app_python.api_list")
    real, recorded = {*recording.from_rpc(listing)}, {*recording.load()}
    assert recorded - real == set(), "run script/record"
    assert (real == recorded) is (server.version() == recording.VERSION), "run script/record"


def test_stub_equals_recording() -> None:
    assert stub.STUB.read_text() == stub.render(recording.load()), "run script/record"


def test_recording_survives_dump_and_load(tmp_path: Path) -> None:
    copy = tmp_path / "api.json"
    copy.write_text(recording.dump(recording.load()))
    assert recording.load(copy) == recording.load()


def test_keyword_module_is_reached_by_getattr() -> None:
    function = recording.Function("async", "task_route", "int", ("str",))
    text = stub.render([function])
    assert "class _async:" in text
    assert "\n    async:" not in text
    assert 'getattr(ksr, "async")' in text
