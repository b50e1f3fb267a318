# SPDX-License-Identifier: GPL-2.0-or-later
"""What organisations may give their subscribers (SPEC A6), and what comes of it (P1, P2)."""


import pytest

from kemi_routing import permissions
from kemi_routing.model import Platform
from kemi_routing.permissions import NumberClass, Rights
from kemi_routing.record import decode_number
from kemi_routing.redis import keys
from provisioning import grants
from provisioning.check import check, check_text
from provisioning.grants import Grant
from provisioning.problems import Refused
from provisioning.storage import Storage
from provisioning.values import PERMISSIONS
from tests.provisioning.conftest import Followme, Ran, Write
from tests.support.builders import NOW

NUMBER = "420277771101"
ORGANISATION = """\
organisation: acme
time_zone: Europe/Prague
dial_plan: {{country: 420}}
classes: {{partners: ["49115", "420900123"]}}
groups:
  sales: {group}
subscribers:
  jana:
    group: sales
    permissions: [{permissions}]
    numbers: {{420277771101: {{}}}}
"""
EVERYTHING = ("{permissions: [forward_external], deny: [international], "
              "allow: [premium, partners], max_calls: 5, max_calls_per_hour: 60}")


def organisation(group: str = EVERYTHING, permissions: str = "voicemail") -> str:
    return ORGANISATION.format(group=group, permissions=permissions)


def rights_in(storage: Storage) -> Rights:
    data = storage.client.get(keys.number(NUMBER))
    assert isinstance(data, bytes)
    return decode_number(data).rights


def test_rights_are_worked_out_from_group_and_subscriber() -> None:
    (entry,) = check_text(organisation(), "a.yaml", Platform(), NOW).numbers
    assert entry.number.rights == Rights(
        voicemail=True, forward_external=True, max_calls=5, max_calls_per_hour=60,
        classes=(NumberClass("420", "national", True), NumberClass("", "premium", True),
                 NumberClass("", "international", False), NumberClass("49115", "partners", True),
                 NumberClass("420900123", "partners", True)))
    assert permissions.why_denied("49301234567", entry.number.rights)
    assert permissions.why_denied("49115234567", entry.number.rights) is None


BEYOND = pytest.mark.parametrize(("grant", "errors"), [
    pytest.param("{}", [], id="no limits"),
    pytest.param("{permissions: [voicemail, forward_external], classes: [premium, international], "
                 "max_calls: 5, max_calls_per_hour: 60}", [], id="just enough"),
    pytest.param("{permissions: [voicemail]}", [
        "6:25: the operator did not give acme the permission forward_external; "
        "it has: voicemail"], id="a permission of the group"),
    pytest.param("{permissions: [forward_external]}", [
        "10:19: the operator did not give acme the permission voicemail; "
        "it has: forward_external"], id="a permission of the subscriber"),
    pytest.param("{permissions: []}", [
        "6:25: the operator did not give acme the permission forward_external; it has: none",
        "10:19: the operator did not give acme the permission voicemail; it has: none"],
        id="none at all"),
    pytest.param("{classes: [national, international]}", [
        "6:75: the operator did not give acme the class premium; it has: national, international",
        "6:84: the operator did not give acme the class premium, to which 420900123 of partners "
        "belongs; it has: national, international"], id="a class, also by another name"),
    pytest.param("{classes: [premium]}", [
        "6:84: the operator did not give acme the class international, to which 49115 of partners "
        "belongs; it has: premium"],
        id="a class in which own prefixes fall"),
    pytest.param("{max_calls: 4, max_calls_per_hour: 59}", [
        "6:106: max_calls 5 is more than the operator gave acme; write 4 or less",
        "6:129: max_calls_per_hour 60 is more than the operator gave acme; write 59 or less"],
        id="caps"),
])


@BEYOND
def test_what_goes_beyond_the_operators_grant_is_refused_where_it_stands(
        write: Write, grant: str, errors: list[str]) -> None:
    acme = write("acme.yaml", organisation())
    operator = write("operator.yaml", f"grants:\n  acme: {grant}\n  other: {{permissions: []}}\n")
    found = check([acme, operator], Platform(), NOW).problems.errors
    assert [str(error).removeprefix(f"{acme}:") for error in found] == errors


def rejecting(group: str = EVERYTHING, permissions: str = "voicemail") -> str:
    """The same with a number that nothing has to answer."""
    return organisation(group, permissions).replace(": {}}", ": {mode: reject}}")


@BEYOND
def test_what_was_given_before_the_operator_took_it_stays_without_effect(
        followme: Followme, storage: Storage, write: Write, grant: str, errors: list[str]) -> None:
    acme = write("acme.yaml", rejecting())
    assert followme("apply", "--yes", acme).code == 0
    operator = write("operator.yaml", f"grants:\n  acme: {grant}\n")
    said = [f"{acme}:{error.replace(': ', ': warning: ', 1)}; it was written before that and "
            "stays, without effect" for error in errors]
    ran = followme("plan", acme, operator)
    assert (ran.code, ran.told) == (2, said)
    assert followme("apply", "--yes", operator).code == 0
    less = rights_in(storage)
    for files in ((acme,), (acme, operator)):
        ran = followme("plan", *files)
        assert (ran.code, ran.out, ran.told) == (0, "nothing to do\n", said)
    assert followme("apply", "--yes", write("acme.yaml", f"# new\n{rejecting()}")).code == 0
    assert rights_in(storage) == less


@pytest.mark.parametrize(("group", "permissions", "error"), [
    pytest.param("{}", "outgoing, voicemail",
                 "10:19: the operator did not give acme the permission outgoing; it has: none",
                 id="a subscriber gets more"),
    pytest.param("{permissions: [forward_external]}", "voicemail",
                 "6:25: the operator did not give acme the permission forward_external; "
                 "it has: none", id="a group gets more"),
    pytest.param("{max_calls: 8}", "voicemail",
                 "6:22: max_calls 8 is more than the operator gave acme; write 5 or less",
                 id="another cap"),
])
def test_what_the_operator_took_is_not_given_anew(
        followme: Followme, write: Write, group: str, permissions: str, error: str) -> None:
    acme = write("acme.yaml", rejecting("{max_calls: 9}"))
    assert followme("apply", "--yes", acme).code == 0
    operator = write("operator.yaml", "grants: {acme: {permissions: [], max_calls: 5}}\n")
    assert followme("apply", "--yes", operator).code == 0
    acme.write_text(rejecting(group, permissions))
    ran = followme("plan", acme)
    assert (ran.code, [row for row in ran.told if "warning" not in row]) == (
        1, [f"{acme}:{error}", "1 error"])


def test_what_stayed_written_counts_again_when_the_operator_gives_it_and_it_is_applied(
        followme: Followme, storage: Storage, write: Write) -> None:
    acme = write("acme.yaml", rejecting())
    assert followme("apply", "--yes", acme).code == 0
    before = rights_in(storage)
    for grant in ("{permissions: []}", "{}"):
        operator = write("operator.yaml", f"grants: {{acme: {grant}}}\n")
        assert followme("apply", "--yes", operator).code == 0
    assert rights_in(storage) != before
    assert followme("apply", "--yes", acme).code == 0
    assert rights_in(storage) == before


def test_the_grant_in_the_store_counts_too(
        followme: Followme, storage: Storage, write: Write) -> None:
    operator = write("operator.yaml", "grants: {acme: {permissions: [voicemail]}}\n")
    ran = followme("apply", "--yes", operator)
    assert (ran.code, ran.out.splitlines()) == (
        0, ["grant acme: new", "1 change written"])
    assert followme("apply", operator).out.splitlines() == [
        "nothing to do"]
    acme = write("acme.yaml", organisation())
    assert followme("check", acme).code == 0
    ran = followme("apply", "--yes", acme)
    assert ran.code == 1
    assert f"{acme}:6:25: the operator did not give acme the permission forward_ext" in ran.err
    assert storage.client.get(keys.number(NUMBER)) is None


def test_a_grant_limits_what_is_not_written_as_well(
        followme: Followme, storage: Storage, write: Write) -> None:
    operator = write("operator.yaml", "grants: {acme: {classes: [national], max_calls: 3}}\n")
    assert followme("apply", "--yes", operator).code == 0
    acme = write("acme.yaml", organisation("{permissions: [forward_external]}"))
    assert followme("apply", "--yes", acme).code == 0
    rights = rights_in(storage)
    assert rights.max_calls == 3
    assert permissions.why_denied("49301234567", rights)
    assert permissions.why_denied("420222345678", rights) is None
    assert followme("apply", acme).out.endswith("nothing to do\n")


def test_a_smaller_grant_takes_away_from_the_numbers_in_the_store(
        followme: Followme, storage: Storage, write: Write) -> None:
    assert followme("apply", "--yes", write("acme.yaml", organisation())).code == 0
    operator = write("operator.yaml", "grants:\n  acme: {permissions: [voicemail], "
                                      "classes: [national], max_calls: 2}\n")
    ran = followme("apply", "--yes", operator)
    assert ran.things == [
        "grant acme: new",
        f"number {NUMBER} of acme/jana: changed, revision 1 → 2",
        "2 changes written"]
    rights = rights_in(storage)
    assert (rights.voicemail, rights.forward_external, rights.max_calls) == (True, False, 2)
    assert [row for row in rights.classes if row.allowed] == [NumberClass("420", "national", True)]
    assert followme("apply", operator).out.splitlines()[-1] == "nothing to do"


FORWARDING = """\
        mode: forward_then_voicemail
        default: all
        on: {busy: closed}
        sequences:
          all: [{to: 420222345678}, {to: 49115234567}, {to: SIP/jana@sip.example.net}]
          abroad: [{to: IAX2/jana:hush@pbx.example.net/1}, {to: 49301234567}]
          closed: [{to: announcement closed}]
"""


def forwarding(permissions: str = "voicemail, forward_external", group: str = "{}") -> str:
    return organisation(group, permissions).replace(
        f"{{{NUMBER}: {{}}}}", f"\n      {NUMBER}:\n{FORWARDING}")


def warnings(ran: Ran) -> list[str]:
    """What is warned of, without the file."""
    return [line.partition(".yaml:")[2] for line in ran.err.splitlines() if ": warning: " in line]


@pytest.fixture
def with_hosts(followme: Followme, monkeypatch: pytest.MonkeyPatch) -> Followme:
    monkeypatch.setenv("FOLLOWME_SIP_HOSTS", "sip.example.net")
    return followme


NO_FORWARDING = "permission forward_external is not granted"
NO_VOICEMAIL = "the number has no voicemail permission"


@pytest.mark.parametrize(("grant", "skipped"), [
    pytest.param("{max_calls: 2}", {}, id="only a cap"),
    pytest.param("{permissions: [forward_external]}", {"voicemail": NO_VOICEMAIL}, id="voicemail"),
    pytest.param("{permissions: [voicemail]}", {
        "420222345678": NO_FORWARDING, "49115234567": NO_FORWARDING, "49301234567": NO_FORWARDING,
        "sip:jana@sip.example.net": NO_FORWARDING}, id="forwarding"),
    pytest.param("{classes: [national, premium]}", {
        "49115234567": "49115234567 is international, which is denied",
        "49301234567": "49301234567 is international, which is denied"}, id="a class"),
    pytest.param("{classes: [international]}", {
        "420222345678": "420222345678 is national, which is denied"}, id="another class"),
])
def test_a_smaller_grant_names_what_stored_numbers_skip_from_now_on(
        with_hosts: Followme, write: Write, grant: str, skipped: dict[str, str]) -> None:
    assert with_hosts("apply", "--yes", write("acme.yaml", forwarding())).code == 0
    operator = write("operator.yaml", f"grants:\n  acme: {grant}\n")
    said = sorted(f"2:3: warning: number {NUMBER} skips {target} from now on: {why}"
                  for target, why in skipped.items())
    ran = with_hosts("apply", operator)  # not yet: nobody said yes
    assert (ran.code, warnings(ran)) == (1, said)
    assert warnings(with_hosts("apply", "--yes", operator)) == said
    assert warnings(with_hosts("apply", "--yes", operator)) == []


@pytest.mark.parametrize(("smaller", "skipped"), [
    pytest.param(forwarding("forward_external"), {"voicemail": NO_VOICEMAIL}, id="a permission"),
    pytest.param(forwarding(group="{deny: [national]}"), {
        "420222345678": "420222345678 is national, which is denied"}, id="a class of the group"),
    pytest.param(forwarding(group="{deny: [national]}").replace("420222345678", "420222345679"), {},
                 id="what it did not ring before"),
    pytest.param(forwarding(group="{allow: [premium], max_calls: 3}"), {}, id="other rights"),
])
def test_smaller_rights_in_a_file_name_what_is_skipped_from_now_on(
        with_hosts: Followme, write: Write, smaller: str, skipped: dict[str, str]) -> None:
    assert warnings(with_hosts("apply", "--yes", write("acme.yaml", forwarding()))) == []
    path = write("acme.yaml", smaller)
    assert warnings(with_hosts("apply", "--yes", path)) == [
        f"12:7: warning: from now on {target} is skipped: {why}" for target, why in skipped.items()]
    assert warnings(with_hosts("apply", "--yes", path)) == []


def test_a_target_that_the_grant_leaves_out_is_named_where_it_stands(
        with_hosts: Followme, write: Write) -> None:
    operator = write("operator.yaml", "grants: {acme: {classes: [national]}}\n")
    acme = write("acme.yaml", forwarding())
    said = ["17:42: warning: 49115234567 will be skipped: 49115234567 is international, which is "
            "denied", "18:65: warning: 49301234567 will be skipped: 49301234567 is international, "
            "which is denied"]
    assert [one for one in warnings(with_hosts("check", acme, operator)) if "denied" in one] == said
    assert with_hosts("apply", "--yes", operator).code == 0
    assert warnings(with_hosts("apply", "--yes", acme)) == said


@pytest.mark.parametrize(("granted", "left"), [
    (None, {"voicemail", "outgoing"}), (("outgoing",), {"outgoing"}),
    (("voicemail",), {"voicemail"}), ((), set())])
def test_what_is_not_granted_is_taken_away(
        granted: tuple[str, ...] | None, left: set[str]) -> None:
    found = grants.limited(Rights(voicemail=True, outgoing=True), Grant(permissions=granted))
    assert {name for name in PERMISSIONS if getattr(found, name)} == left


def test_a_grant_that_cannot_be_read_gives_nothing_away(
        followme: Followme, storage: Storage, write: Write) -> None:
    storage.client.set(keys.grant("acme"), "{}")
    acme = write("acme.yaml", organisation())
    assert "the grant of acme in the store cannot be read" in followme("apply", "--yes", acme).err
    assert storage.client.get(keys.number(NUMBER)) is None


@pytest.mark.parametrize("grant", [
    Grant(), Grant(permissions=()), Grant(("voicemail",), ("premium", "national"), 2, 60)])
def test_a_grant_survives_being_stored(grant: Grant) -> None:
    assert grants.decode(grants.encode(grant), "acme") == grant


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"permissions": 1}'])
def test_a_broken_grant_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="apply the operator's file again"):
        grants.decode(data, "acme")
