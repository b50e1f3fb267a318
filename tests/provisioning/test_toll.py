# SPDX-License-Identifier: GPL-2.0-or-later
"""Who can be forwarded where at whose cost: rights x number x spelling x when the rights went."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kemi_routing.decide import decide
from kemi_routing.model import Platform
from kemi_routing.record import decode_number
from kemi_routing.redis import keys
from provisioning.check import check_text
from provisioning.storage import Storage
from tests.provisioning.conftest import Followme
from tests.support.builders import NOW, call

RIGHTS = {
    "all": "{permissions: [forward_external], allow: [premium]}",
    "usual": "{permissions: [forward_external]}",
    "national": "{permissions: [forward_external], deny: [international]}",
    "none": "{permissions: [voicemail]}",
}
"""What a group gives; in this order of the columns."""
GRANTS = {
    "all": "{}",
    "usual": "{classes: [national, international]}",
    "national": "{classes: [national]}",
    "none": "{permissions: [voicemail]}",
}
"""What the operator leaves of "all", so that it comes to the same."""

TOLL = """
                                        all       usual     national  none
420222345678                            yes       yes       yes       no
+420 222 345 678                        yes       yes       yes       no
00420222345678                          yes       yes       yes       no
222345678                               yes       yes       no        no
0222345678                              yes       yes       yes       no
2345678                                 yes       yes       yes       no
49301234567                             yes       yes       no        no
+49 (30) 1234567                        yes       yes       no        no
0049301234567                           yes       yes       no        no
+0049301234567                          refused   refused   refused   refused
420900123456                            yes       no        no        no
+420 900 123 456                        yes       no        no        no
00420900123456                          yes       no        no        no
900123456                               yes       yes       no        no
0900123456                              yes       no        no        no
449061234567                            yes       no        no        no
+44 9061 234567                         yes       no        no        no
00449061234567                          yes       no        no        no
881612345678                            yes       no        no        no
+979 1 23456789                         yes       no        no        no
sip:jana@sip.example.net                yes       yes       yes       no
SIP/jana@sip.example.net:5060           yes       yes       yes       no
sip:420900123456@sip.example.net        yes       yes       yes       no
sip:jana@8.8.8.8;transport=tls          yes       yes       yes       no
sip:jana@nowhere.example.com            refused   refused   refused   refused
sip:420900123456@127.0.0.1:5080         refused   refused   refused   refused
sip:900123456@followme.local            refused   refused   refused   refused
IAX2/jana:hush@pbx.example.net/1        no        no        no        no
112                                     refused   refused   refused   refused
tel:+420900123456                       refused   refused   refused   refused
sip:jana@sip.example.net;maddr=8.8.8.8  refused   refused   refused   refused
"""
"""Whether a target rings: "refused" is not even written."""

PLATFORM = Platform(sip_hosts=frozenset({"sip.example.net"}), iax_gateway=False)
FIRST = 420277771100
ORGANISATION = """\
organisation: acme
time_zone: Europe/Prague
dial_plan: {country: 420, area: 2, trunk_prefix: "0", international_prefix: "00", local_digits: 7}
"""
"""As in the Prague of old: seven digits are a local number, and 0 begins a national one."""


def cells() -> Iterator[tuple[str, str, str]]:
    """Spelling, rights, and what is expected."""
    for row in TOLL.strip().splitlines()[1:]:
        spelling, *expected = (part.strip() for part in row.split("  ") if part.strip())
        for rights, cell in zip(RIGHTS, expected, strict=True):
            yield spelling, rights, cell


def spellings(*, refused: bool) -> list[str]:
    return [spelling for spelling, rights, cell in cells()
            if rights == "all" and (cell == "refused") is refused]


def organisation(group: str, *targets: str) -> str:
    numbers = "".join(
        f"      {FIRST + index}:\n        mode: forward_only\n        default: all\n"
        f'        sequences: {{all: [{{to: "{target}"}}]}}\n'
        for index, target in enumerate(targets))
    return (f"{ORGANISATION}groups: {{staff: {group}}}\nsubscribers:\n  jana:\n    group: staff\n"
            f"    numbers:\n{numbers}")


@pytest.fixture
def apply(followme: Followme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
          ) -> Callable[[str], None]:
    monkeypatch.setenv("FOLLOWME_SIP_HOSTS", "sip.example.net")

    def apply(text: str) -> None:
        path = tmp_path / "acme.yaml"
        path.write_text(text)
        brakes = json.loads(followme("plan", "-F", "json", path).out)["brakes"]
        meant = [word for one in brakes for word in (f"--{one['option']}", str(one["count"]))]
        ran = followme("apply", "--yes", *meant, path)
        assert ran.code == 0, ran.err
    return apply


def rings(storage: Storage) -> dict[str, str]:
    """Spelling -> whether the router would ring it."""
    found = {}
    for index, spelling in enumerate(spellings(refused=False)):
        data = storage.client.get(keys.number(str(FIRST + index)))
        assert isinstance(data, bytes)
        plan = decide(call(), decode_number(data), NOW, PLATFORM)
        outside = [one for step in plan.steps for one in step.targets if one.target.kind.outside]
        found[spelling] = "yes" if outside else "no"
    return found


def expected(rights: str) -> dict[str, str]:
    return {spelling: cell for spelling, column, cell in cells()
            if column == rights and cell != "refused"}


@pytest.mark.parametrize("rights", RIGHTS)
def test_a_target_that_is_written_without_the_right_to_it_rings_nobody(
        apply: Callable[[str], None], storage: Storage, rights: str) -> None:
    apply(organisation(RIGHTS[rights], *spellings(refused=False)))
    assert rings(storage) == expected(rights)


@pytest.mark.parametrize("rights", RIGHTS)
def test_a_target_that_was_written_before_the_group_lost_the_right_rings_nobody(
        apply: Callable[[str], None], storage: Storage, rights: str) -> None:
    apply(organisation(RIGHTS["all"], *spellings(refused=False)))
    assert rings(storage) == expected("all")
    apply(organisation(RIGHTS[rights], *spellings(refused=False)))
    assert rings(storage) == expected(rights)


@pytest.mark.parametrize("rights", RIGHTS)
def test_a_target_that_was_written_before_the_operator_took_the_right_rings_nobody(
        apply: Callable[[str], None], storage: Storage, rights: str) -> None:
    apply(organisation(RIGHTS["all"], *spellings(refused=False)))
    apply(f"grants: {{acme: {GRANTS[rights]}}}\n")
    assert rings(storage) == expected(rights)


@pytest.mark.parametrize("spelling", spellings(refused=True))
def test_a_target_that_nobody_may_write_is_refused(spelling: str) -> None:
    found = check_text(organisation(RIGHTS["all"], spelling), "a.yaml", PLATFORM, NOW)
    assert found.problems.errors
