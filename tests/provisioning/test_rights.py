# SPDX-License-Identifier: GPL-2.0-or-later
"""What groups and classes come to (SPEC P1, P2)."""

import pytest

from kemi_routing import permissions
from kemi_routing.model import Platform
from kemi_routing.permissions import Rights
from provisioning.check import check_text
from provisioning.values import PERMISSIONS
from tests.support.builders import NOW

COUNTRY = "dial_plan: {country: 420}\n"
PREMIUM, OWN_PREMIUM = "420900123456", "420976123456"
NATIONAL, FOREIGN, PARTNER = "420222345678", "49301234567", "49115234567"
ALL = (PREMIUM, OWN_PREMIUM, NATIONAL, FOREIGN, PARTNER)


def rights(group: str, organisation: str = COUNTRY, subscriber: str = "") -> Rights:
    checked = check_text(
        f"organisation: acme\ntime_zone: UTC\n{organisation}"
        'classes: {premium: ["420976"], partners: ["49115"]}\n'
        f"groups: {{staff: {group}}}\nsubscribers:\n  jana:\n    group: staff\n{subscriber}"
        "    numbers: {420277771101: {}}\n", "a.yaml", Platform(), NOW)
    assert checked.problems.errors == []
    return checked.numbers[0].number.rights


@pytest.mark.parametrize(("group", "may_be_called"), [
    ("{}", {NATIONAL, FOREIGN, PARTNER}),
    ("{deny: [international]}", {NATIONAL}),
    ("{deny: [international], allow: [partners]}", {NATIONAL, PARTNER}),
    ("{deny: [partners]}", {NATIONAL, FOREIGN}),
    ("{deny: [national]}", {FOREIGN, PARTNER}),
    ("{deny: [national, international]}", set()),
    ("{allow: [premium]}", set(ALL)),
    ("{allow: [premium], deny: [national]}", {PREMIUM, OWN_PREMIUM, FOREIGN, PARTNER}),
    ("{allow: [international]}", {NATIONAL, FOREIGN, PARTNER}),
])
def test_the_longest_prefix_of_all_classes_decides(group: str, may_be_called: set[str]) -> None:
    found = rights(group)
    assert {number for number in ALL if not permissions.why_denied(number, found)} == may_be_called


def test_without_a_country_all_numbers_are_international() -> None:
    found = rights("{deny: [international], allow: [partners]}", organisation="")
    assert {number for number in ALL if not permissions.why_denied(number, found)} == {PARTNER}


@pytest.mark.parametrize(("group", "subscriber", "added"), [
    ("{}", "", set()),
    ("{permissions: [voicemail]}", "", {"voicemail"}),
    ("{permissions: [outgoing]}", "", {"outgoing"}),
    ("{}", "    permissions: [forward_external]\n", {"forward_external"}),
    ("{permissions: [voicemail]}", "    permissions: [forward_external, outgoing]\n",
     set(PERMISSIONS)),
])
def test_permissions_add_up(group: str, subscriber: str, added: set[str]) -> None:
    found = rights(group, subscriber=subscriber)
    assert {name for name in PERMISSIONS if getattr(found, name)} == added


def test_caps_and_redirects_are_part_of_it() -> None:
    found = rights("{max_calls: 2, max_calls_per_hour: 60}", "redirects: follow\n")
    assert (found.max_calls, found.max_calls_per_hour, found.follow_redirects) == (2, 60, True)
    found = rights("{}", "redirects: ignore\n")
    assert (found.max_calls, found.max_calls_per_hour, found.follow_redirects) == (0, 0, False)
