# SPDX-License-Identifier: GPL-2.0-or-later
"""`followme doctor` beside a Kamailio that runs, and one that ended."""

import json
import os
import re
import socket
import subprocess
from pathlib import Path

from tests.support.answering import answering, response
from tests.support.loopback import free_udp_port
from tests.support.situation import FOLLOWME, Situation

SEEN = Path(__file__).parent / "seen.txt"
OF_THE_MACHINE = ("clock", "time zones")


def doctor(situation: Situation, *arguments: str, **changes: str) -> tuple[int, list[str]]:
    """Its exit code, and its lines without what differs from machine to machine."""
    told = {**situation.settings, "RUN_DIR": str(situation.edge.folder), **changes}
    ran = subprocess.run(
        [FOLLOWME, "doctor", *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, **{f"FOLLOWME_{name}": text for name, text in told.items()}},
    )  # fmt: skip
    assert ran.stderr == ""
    *lines, _ = ran.stdout.splitlines()
    names = {f"{told['ADDRESS']}:{told['PORT']}": "PROXY", told["REDIS"]: "URL",
             situation.media_at: "MEDIA", told["RUN_DIR"]: "DIR"}  # fmt: skip
    for text, name in names.items():
        lines = [line.replace(text, name) for line in lines]
    return ran.returncode, [
        re.sub(r"(?<!\w)\d[\w.:+-]*", "N", line)
        for line in lines
        if line[6:19].strip() not in OF_THE_MACHINE
    ]


def test_a_proxy_that_runs(situation: Situation) -> None:
    with answering(response("200 OK")) as port:
        gateways = {"usual": {"at": f"127.0.0.1:{port}"}}
        with situation.with_network(gateways=gateways):
            code, lines = doctor(situation)

    assert lines == SEEN.read_text(encoding="utf-8").splitlines()
    assert code == 1


def test_tools_that_speak_json_rpc_are_answered(situation: Situation, tmp_path: Path) -> None:
    question = {"jsonrpc": "2.0", "method": "htable.dump", "params": ["banned"], "id": 7}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as tool:
        tool.bind(str(tmp_path / "tool"))
        tool.settimeout(5)
        tool.sendto(json.dumps(question).encode(), str(situation.edge.folder / "kamailio_rpc.sock"))
        answer = json.loads(tool.recv(65536))
    assert answer == {"jsonrpc": "2.0", "result": [], "id": 7}


def test_nobody_starts_a_second_one(situation: Situation) -> None:
    code, lines = doctor(situation, "--before-start")

    assert [line for line in lines if line.startswith("FAIL")] == [
        "FAIL  address        PROXY cannot be listened at: Address already in use; "
        "look at FOLLOWME_ADDRESS, FOLLOWME_PORT",
        "FAIL  spiral port    N cannot be listened at: Address already in use; "
        "look at FOLLOWME_SPIRAL_PORT",
    ]
    assert code == 1


def test_kamailio_may_start_while_others_are_away(situation: Situation, tmp_path: Path) -> None:
    address = situation.network.address(2)
    code, lines = doctor(
        situation, "--before-start", ADDRESS=address, SPIRAL_PORT=str(free_udp_port()),
        REDIS=f"unix://{tmp_path}/nowhere.sock", RUN_DIR=str(tmp_path),
    )  # fmt: skip

    warned = [line.split("  ")[1].strip() for line in lines if line.startswith("WARN")]
    assert warned == ["address", "redis", "trunks"]
    assert [line for line in lines if line.startswith("FAIL")] == []
    assert code == 0
