# SPDX-License-Identifier: GPL-2.0-or-later
"""What `kamailio.cfg` and our source must agree on, and Kamailio says nothing about."""

import re

from kemi_routing.ksr import (
    background,
    bans,
    caps,
    credentials,
    flows,
    in_force,
    loops,
    names,
    next_hops,
    parties,
    records,
    target_set,
    trunk_limits,
    workers,
)
from tests.contract import source
from tests.contract.server import CFG
from tests.support.fake_dialog import PROFILES
from tests.support.fake_ksr import FakeKamailio

CONFIGURATION = CFG.read_text(encoding="utf-8")


def test_what_the_timer_runs_is_a_method_of_the_entry() -> None:
    routes = re.findall(r'^modparam\("rtimer", "exec", ".*route=(\w+)"', CONFIGURATION, re.M)
    assert routes == ["ksr_background"]
    assert {*routes} <= source.entry_methods()


def test_answers_to_nothing_are_looked_at_by_a_method_of_the_entry() -> None:
    callbacks = re.findall(r'^modparam\("tm", "on_sl_reply", "(\w+)"', CONFIGURATION, re.M)
    assert callbacks == ["ksr_stray_answer"]
    assert {*callbacks} <= source.entry_methods()


def test_what_is_dropped_is_judged_and_told_by_methods_of_the_entry() -> None:
    callbacks = re.findall(r'python_exec\("(\w+)"', CONFIGURATION)
    assert callbacks == ["ksr_too_many", "ksr_not_its_own"]
    assert {*callbacks} <= source.entry_methods()


def test_banned_sources_are_dropped_for_the_reasons_that_we_write() -> None:
    values = {int(value) for value in re.findall(r"\$sht\(banned=>[^)]*\)\) [>=]+ (\d)",
                                                 CONFIGURATION)}
    assert values == {bans.Reason.GUESSES, bans.Reason.IGNORED}


def test_the_sides_of_a_call_are_kept_as_long_as_its_mark_is_good() -> None:
    (kept,) = re.findall(r"parties=>.*autoexpire=(\d+);", CONFIGURATION)
    assert int(kept) == parties.KEPT_S


def test_tables_and_queues_that_workers_use_are_there() -> None:
    fake = FakeKamailio(lambda ksr: None)
    assert fake.htable.tables.keys() == {
        workers.LOCKS, workers.ALARMED, caps.BEGUN, caps.COUNTED, caps.ELSEWHERE,
        loops.FORKED, names.NAMES, next_hops.FAILED, trunk_limits.SECOND,
        in_force.TABLE,
        credentials.GUESSES, credentials.GUESSED, credentials.LET_IN,
        bans.BANNED, bans.PROVED, bans.TRUSTED, bans.IGNORED, parties.PARTIES,
        "upstream"}  # of the configuration alone
    assert fake.mqueue.queues.keys() == {
        caps.BEGUN, background.LAST_CALLER, names.NAMES, records.RECORDS}


def test_phones_behind_nat_are_known_by_one_flag_and_reached_by_one_variable() -> None:
    chosen = re.findall(r'"(\w+_(?:bflag|avp))", (\S+)\)$', CONFIGURATION, re.M)
    assert dict(chosen) == {"nat_bflag": str(flows.NAT_FLAG), "sipping_bflag": str(flows.NAT_FLAG),
                            "received_avp": f'"{flows.RECEIVED}"',
                            "contact_flows_avp": f'"{target_set.FLOWS}"'}


def test_calls_are_counted_in_a_profile_that_is_there() -> None:
    profiles = re.findall(r'^modparam\("dialog", "profiles_with_value", "([\w;]+)"', CONFIGURATION,
                          re.M)
    assert profiles[0].split(";") == [
        caps.PROFILE, trunk_limits.PROFILE, caps.LINE_PROFILE] == list(PROFILES)


def test_an_entry_of_the_hour_outlives_no_hour_and_its_count_outlives_it() -> None:
    lifetimes = {name: int(seconds) for name, seconds in re.findall(
        r'"htable", "(\w+)=>[^"]*autoexpire=(\d+);', CONFIGURATION)}
    assert lifetimes[caps.BEGUN] == 3600 < lifetimes[caps.COUNTED]
    assert lifetimes[caps.ELSEWHERE] == background.BELIEVED_S
    assert workers.LOCKS not in lifetimes


def test_nonces_are_bound_to_the_address_and_good_for_one_request() -> None:
    """With nonce_count Kamailio 5.6 would not look at the address (auth/nonce.c)."""
    chosen = dict(re.findall(r'^modparam\("auth", "(\w+)", (\w+)\)', CONFIGURATION, re.M))
    bound = {f"auth_checks_{kind}": "8" for kind in ("register", "no_dlg", "in_dlg")}
    assert chosen == {"algorithm": "FOLLOWME_DIGEST", "nonce_expire": "300",
                      "one_time_nonce": "1", **bound}
