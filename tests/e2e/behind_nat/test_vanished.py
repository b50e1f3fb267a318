# SPDX-License-Identifier: GPL-2.0-or-later
"""A phone on TCP whose network is gone: nobody closes its connection (tcp(7), keep-alive).

Kamailio runs with our configuration, but in seconds instead of a minute and its quarters.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kemi_routing.ksr.branches import NO_REPLY_MS
from tests.support.edge import ROOT, START
from tests.support.loopback import reserve_network, wait_until
from tests.support.nat import HOME, PUBLIC, HomeNetwork
from tests.support.raw_sip import StreamSip
from tests.support.situation import DOMAIN, PASSWORD, Situation
from tests.support.softphone import SoftPhone

LINE, JANA, CALLER = "jana-desk", "42027777101", "42075553333"
YAML = Path(__file__).with_name("situation.yaml")
KEEP_ALIVE = re.compile(r"^(tcp_keepidle|tcp_keepintvl)=\d+$", re.M)


@pytest.fixture
def home() -> Iterator[HomeNetwork]:
    with HomeNetwork() as made:
        yield made


@pytest.fixture
def situation(home: HomeNetwork, tmp_path: Path) -> Iterator[Situation]:
    """The arrangement in the public network."""
    quick = tmp_path / "kamailio.cfg"
    written, count = KEEP_ALIVE.subn(r"\1=1", (ROOT / "kamailio/kamailio.cfg").read_text())
    assert count == 2
    quick.write_text(written)
    with Situation(reserve_network(), tmp_path, settings={"ADDRESS": PUBLIC},
                   command=(*START, "-f", str(quick))) as made:  # fmt: skip
        made.apply(YAML)
        yield made


def is_quiet() -> bool:
    """Whether keep-alive is what a connection here waits for next (proc(5): the timer's kind)."""
    rows = Path("/proc/thread-self/net/tcp").read_text().splitlines()[1:]
    return any(row.split()[5].startswith("02:") for row in rows)


def test_a_phone_on_tcp_that_vanishes_is_rung_no_more(
    situation: Situation, home: HomeNetwork
) -> None:
    with home.at_home():
        wire = StreamSip(HOME, situation.edge.proxy)
    with SoftPhone(wire, LINE, DOMAIN, PASSWORD) as phone:
        assert phone.register().code == 200
        seen = re.search(r"Received: sip:[^:]+:(\d+);", situation.edge.kamcmd("ul.dump"))
        assert seen is not None
        wait_until(is_quiet, "a connection with nothing in flight")
        with home.unplugged():
            wait_until(lambda: seen[1] not in situation.edge.kamcmd("core.tcp_list"), "noticed", 30)
            heard = situation.call(JANA, CALLER)

    assert heard.code == 480
    assert heard.took_s < NO_REPLY_MS / 1000  # nobody was waited for
