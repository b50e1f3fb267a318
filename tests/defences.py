# SPDX-License-Identifier: GPL-2.0-or-later
"""Each defence, how to turn it off, and the tests that must fail then.

A new defence gets a row: the file, a piece of its text that stands there once, and what to put in
its place. ``tests/test_defences.py`` does the rest.
"""

from dataclasses import dataclass

_KSR = "kemi_routing/ksr/"
_CFG = "kamailio/kamailio.cfg"


@dataclass(frozen=True)
class Off:
    """A defence that is turned off."""

    file: str
    text: str
    instead: str
    tests: tuple[str, ...]
    """Files or functions; of each one test at least must fail."""


DEFENCES = {
    # Toll
    "permission to forward calls outside": Off(
        "kemi_routing/forwarding.py", "if not rights.forward_external:", "if False:",
        ("tests/provisioning/test_toll.py",)),
    "classes of numbers": Off(
        "kemi_routing/permissions.py", "return None if found.allowed else", "return None and",
        ("tests/provisioning/test_toll.py", "tests/unit/test_permissions.py")),
    "caps of calls at once": Off(
        _KSR + "caps.py", "if calls >= rights.max_calls:", "if calls >= 10**9:",
        ("tests/ksr/test_caps.py::TestCallsAtOnce",)),
    "calls at once of a line": Off(
        _KSR + "caps.py", "if calls >= most:", "if calls >= 10**9:",
        ("tests/ksr/test_requests.py::TestALine", "tests/ksr/test_trunk_limits.py")),
    "no call takes all ports of rtpengine": Off(
        _KSR + "rtp.py", "_MOST_STREAMS = 8", "_MOST_STREAMS = 999",
        ("tests/ksr/test_rtp.py",)),
    "nobody ends what counts in the name of a server or trunk": Off(
        "kemi_routing/party.py", "return ours or all(whose", "return True or all(whose", (
            "tests/unit/test_party.py::TestWhoMaySpeak", "tests/e2e/within_a_call"
            "/test_within_a_call.py::test_nobody_speaks_in_the_name_of_a_trunk",)),
    "a name within a call means no server of ours": Off(
        _KSR + "in_dialog.py", "if found and not parties.may_lead_to(", "if False and not (",
        ("tests/ksr/test_names.py::TestWithinACall",)),
    "caps of calls within an hour": Off(
        _KSR + "caps.py", "if left <= 0 or self", "if left <= -10**9 and self",
        ("tests/ksr/test_caps.py::TestCallsWithinAnHour",)),
    "no BYE ends a count that its other side must refuse": Off(
        _KSR + "in_dialog.py", "OUT_OF_ORDER if caps.is_late() else None", "None",
        (
            "tests/ksr/test_in_dialog.py::TestByeOfACountedCall", "tests/e2e/lines_call/"
            "test_lines_call.py::test_a_bye_that_comes_out_of_order_ends_no_count")),
    # Who calls
    "a hidden Contact is read at its place only": Off(
        _KSR + "masks.py", "(where.target, where.flow) if where else (uri,)", "()",
        ("tests/ksr/test_masks.py::test_a_contact_is_read_at_its_place_only",)),
    "a proxy that who is called wrote into Route learns nothing": Off(
        _KSR + "in_dialog.py", "masked and edge.ksr.isdsturiset() and not parties.are_known(edge)",
        "''", ("tests/ksr/test_masks.py::test_a_proxy_that_nobody_knows_any_more_does_not"
                  "_learn_it",)),
    "no header that an RFC knows tells a private caller": Off(
        "kemi_routing/caller_id.py", '"User-to-User", ', "", (
            "tests/e2e/private_callers/test_private_callers.py"
            "::test_no_message_of_the_call_tells_who_calls",)),
    "who is called does not change the route of the caller": Off(
        _KSR + "route_set.py", "    if _ends_with(came, sent, callers):", "    if True:", (
            "tests/ksr/test_route_set.py", "tests/e2e/private_callers/test_other_routes.py"
            "::test_by_which_the_caller_s_requests_go")),
    "a request within a call keeps what hides the caller": Off(
        _KSR + "masks.py", "kept = found.kind in (mask.kind if mask else loops.BARE, loops.HELD)",
        "kept = True", ("tests/ksr/test_route_set.py", "tests/e2e/private_callers/"
                        "test_other_routes.py::test_by_which_its_own_requests_go")),
    "no caller asks for his own hidden Contact": Off(
        _KSR + "masks.py", "not (masked and found.by == loops.CALLER)", "True",
        ("tests/ksr/test_route_set.py",)),
    "what another proxy replaced is not known here": Off(
        _KSR + "loops.py", "*([proxy] if kind == HELD else [])", "", ("tests/ksr/test_flows.py",)),
    "what a caller answers to a guess does not tell him": Off(
        _KSR + "masks.py", "    edge.ksr.setflag(OF_CALLER)\n", "", (
            "tests/ksr/test_masks.py", "tests/e2e/private_callers/test_other_routes.py"
            "::test_nor_by_a_guess_after_a_restart")),
    "an answer to nothing tells no private caller": Off(
        _KSR + "loops.py", "found.kind != PRIVATE for found in proved", "proved",
        ("tests/ksr/test_masks.py",)),
    "only a caller who names nobody need not name himself": Off(
        _KSR + "credentials.py", "0 if anonymous else _USER_IS_FROM", "0",
        ("tests/ksr/test_credentials.py::TestALineThatDoesNotSayWhoItIs",)),
    "an anonymous line is so for the gateway too": Off(
        _KSR + "caller.py", "if anonymous and privacy != (wanted", "if '' != (wanted",
        ("tests/ksr/test_caller.py",)),
    "what is sealed is good in its call only": Off(
        "kemi_routing/sealed.py", "what + context.encode()", "what",
        ("tests/unit/test_sealed.py::test_nothing_else_is_read",)),
    "a common name counts where there is no DNS name only": Off(
        _KSR + "caller.py", "name = pv.gete(_DNS_NAME) or pv.gete(_COMMON_NAME)",
        "name = pv.gete(_COMMON_NAME) or pv.gete(_DNS_NAME)", (
            "tests/ksr/test_caller.py", "tests/e2e/trunk_certificates/test_trunk_certificates.py"
            "::test_who_is_a_trunk")),
    "identity is asserted where the trunk does so only": Off(
        _KSR + "caller.py", "asserted=trunk.asserts is Asserts.FROM or asserted is not None",
        "asserted=True", ("tests/ksr/test_identity_matrix.py", "tests/ksr/test_caller.py")),
    "a local number of another country is nobody's": Off(
        "kemi_routing/identity.py", "_is_of(uri, user[1], numbers) and", "",
        ("tests/unit/test_identity.py", "tests/ksr/test_identity_matrix.py")),
    "a Request-URI tells that a call was forwarded": Off(
        _KSR + "caller.py", ' or identity.has_cause(str(edge.ksr.pv.gete("$ru")))', "",
        ("tests/ksr/test_caller.py",)),
    "a diverted call opens no mailbox": Off(
        "kemi_routing/rules.py", "elif call.diverted:", "elif False:",
        ("tests/ksr/test_identity_matrix.py",)),
    "identity headers that a trunk may not set are removed": Off(
        _KSR + "caller.py", "if trunk.asserts is not Asserts.PAI:", "if False:",
        ("tests/ksr/test_caller.py",)),
    "headers of ours are removed": Off(
        _KSR + "caller.py", "    remove(edge, render.OUR_HEADERS)\n    return call",
        "    return call", ("tests/ksr/test_headers_downstream.py", "tests/ksr/test_caller.py")),
    "the media server is told by its address": Off(
        _KSR + "caller.py", "if source(edge) not in edge.settings.network.media_hosts:",
        "if False:",
        ("tests/ksr/test_caller.py", "tests/ksr/test_media_legs.py")),
    "a line calls as itself": Off(
        _KSR + "caller.py", "    remove(edge, _WRITTEN_BY_US)\n    return anonymous",
        "    return anonymous", ("tests/ksr/test_caller.py",)),
    # Relay
    "a request within a call proves that we let it in": Off(
        _KSR + "loops.py", "if any(proof == _let_in(edge, kind, tag, proxy) for proxy in proxies):",
        "if True:", ("tests/ksr/test_requests.py",)),
    "a Route that the caller wrote stays here": Off(
        _KSR + "requests.py", '        self._ksr.hdr.remove("Route")  # where the call goes next',
        "        # where the call goes next",
        ("tests/ksr/test_requests.py", "tests/ksr/test_headers_downstream.py")),
    "a request within a call goes to its other side": Off(
        _KSR + "parties.py", "not party.is_at(known, tag, asked, inside, by_proxy=bool(others))",
        "not known",
        ("tests/ksr/test_in_dialog.py::TestWhereARequestGoes", "tests/e2e/within_a_call")),
    "a request within a call takes the way of both sides": Off(
        _KSR + "parties.py", "one is not None and party.is_before(known, tag, one) for", "True for",
        ("tests/ksr/test_in_dialog.py::TestWhereARequestGoes", "tests/e2e/within_a_call")),
    "before its answer and after its end there is no call": Off(
        _KSR + "parties.py", "elif not (known or loops.outlived(edge, KEPT_S)):", "elif False:",
        ("tests/ksr/test_in_dialog.py::TestACallOfWhichNothingIsKnown",
         "tests/e2e/within_a_call")),
    "a call that outlived a restart proves when it began": Off(
        _KSR + "loops.py", "proof == _proof(edge, began_s + start, proxy) for", "True for",
        ("tests/ksr/test_in_dialog.py::TestACallOfWhichNothingIsKnown",)),
    "a request goes by proxies of the side that it goes to": Off(
        "kemi_routing/party.py", "(side, target) == wanted for side, _, _, target",
        "target == wanted[1] for _, _, _, target", ("tests/ksr/test_in_dialog.py",)),
    "nobody plays a line that is elsewhere": Off(
        "kemi_routing/party.py", "if whose == Whose.LINE and not by_proxy and not asked.flow:",
        "if False:", ("tests/unit/test_party.py", "tests/e2e/within_a_call")),
    "a call that has ended is over": Off(
        _KSR + "parties.py", "if known and party.is_over(known) and not", "if False and not",
        ("tests/ksr/test_in_dialog.py",)),
    "a call that outlived a restart reaches nobody inside who has no part in it": Off(
        _KSR + "reach.py", "not any(is_inside(edge, host) for host in hop.hosts)", "True",
        ("tests/ksr/test_reach.py", "tests/e2e/within_a_call/test_after_a_restart.py")),
    "an answer to nothing is dropped": Off(
        _KSR + "in_dialog.py", "        edge.ksr.set_drop()", "        edge.ksr.dbg('')",
        ("tests/ksr/test_in_dialog.py",)),
    "no connection to our own machinery": Off(
        _KSR + "in_dialog.py", "if not edge.settings.may_connect(*_next_hop(edge)):", "if False:",
        ("tests/ksr/test_in_dialog.py::TestConnections",)),
    "nobody dials by our second pass": Off(
        _KSR + "spiral.py", "if not hmac.compare_digest(proof.encode(), self._proof.encode()):",
        "if False:",
        ("tests/ksr/test_requests.py::test_a_forged_second_pass_is_refused",)),
    "a SIP target names no host of ours": Off(
        "kemi_routing/model.py", "if host in self.own_hosts:", "if False:",
        ("tests/unit/test_model.py",)),
    "a host of ours is known in every spelling": Off(
        "kemi_routing/targets.py", 'return canonical(match["host"]) if match',
        'return match["host"].strip("[]").lower() if match', ("tests/unit/test_addresses.py",)),
    "a SIP target names no trunk, nor who serves us": Off(
        "kemi_routing/model.py", "if any(address in network for network in self.inside):",
        "if False:",
        ("tests/unit/test_model.py",)),
    "a SIP target names no private address": Off(
        "kemi_routing/model.py", "return None if address.is_global and unicast else",
        "return None and", ("tests/unit/test_model.py",)),
    "a host name leads to no address that a target could not name": Off(
        _KSR + "resolver.py", "settings.platform.refused_host(address) is None", "True",
        ("tests/ksr/test_names.py",)),
    "a 302 of a phone is checked against the owner's rights": Off(
        "kemi_routing/redirect.py",
        "return why_skipped(target, state.accounts[planned.account].rights, settings.platform)",
        "return None", ("tests/unit/test_redirect.py", "tests/ksr/test_fork_answers.py")),
    "registrations come from peers at their own socket only": Off(
        _KSR + "requests.py", "if method == _OF_PEERS and self._is_of_peer():",
        "if method == _OF_PEERS:", ("tests/ksr/test_peers.py",)),
    "no side of a call sees where the other one is": Off(
        "kamailio/start", 'if [ "${FOLLOWME_TOPOLOGY:-}" = hidden ]; then', "if false; then",
        ("tests/e2e/hidden_topology/test_hidden_topology.py::test_a_gateway_that_does_not_serve",)),
    "a lie about the way shows nothing": Off(
        _CFG, 'remove_hf("TH");', "",
        ("tests/e2e/hidden_topology/test_hidden_topology.py"
         "::test_who_lies_about_the_way_hides_all_the_same",)),
    "From names no host of the caller's where topology is hidden": Off(
        _KSR + "dress.py", "    if edge.settings.hides and not shown:", "    if False:",
        ("tests/ksr/test_hidden.py",)),
    "a transfer shows nobody of another call where topology is hidden": Off(
        _KSR + "in_dialog.py", "if ours and edge.settings.hides and", "if ksr.is_ACK() and",
        ("tests/ksr/test_in_dialog.py::TestATransfer",)),
    "a phone with several flows counts once": Off(
        _KSR + "registrations.py", "_most(bound, line, contacts))", "line.max_phones)", (
            "tests/e2e/flows/test_flows.py"
            "::test_each_phone_counts_once_however_many_flows_it_has",
            "tests/ksr/test_phones_with_flows.py"
            "::test_a_line_has_so_many_phones_and_each_two_flows")),
    "a phone that starts again loses no flow by the other": Off(
        _CFG, '=~ "reg-id"', '=~ "none"', (
            "tests/e2e/flows/test_flows.py::test_a_phone_that_starts_again_keeps_both_its_flows",)),
    "who is rung answers for himself only": Off(
        _CFG, 'python_exec("ksr_not_its_own");\n                drop;',
        'python_exec("ksr_not_its_own");', (
            "tests/e2e/answers_for_others/test_answers_for_others.py"
            "::test_whose_time_is_over_cannot_answer_for_who_rings_then",
            "tests/e2e/answers_for_others/test_answers_for_others.py"
            "::test_nor_for_who_rings_beside_him")),
    "an answer that nobody hears is no end of the call": Off(
        _KSR + "fork.py", 'self._ksr.pv.geti("$T_reply_last") >= 300', "False", (
            "tests/ksr/test_ends.py::TestAnAnswer::test_of_a_target_whose_time_is_over_nobody_hears",
            "tests/e2e/answers_for_others/test_answers_for_others.py"
            "::test_nor_is_it_noted_as_the_answer_where_he_does_so_for_himself")),
    "a Path leads to an edge proxy": Off(
        _KSR + "registrations.py", "path and not _leads_to_edge_proxy(edge)", "False", (
            "tests/ksr/test_registrations.py", "tests/e2e/registrations/test_registrations.py"
            "::test_a_path_that_an_edge_proxy_passes_on_leads_nowhere_else")),
    # Passwords
    "a phone behind an edge proxy does not say where it is": Off(
        "kemi_routing/contact.py", 'if \'"\' in vias or', "if False and", (
            "tests/unit/test_contact.py", "tests/e2e/registrations/test_registrations.py"
            "::test_what_a_phone_behind_an_edge_proxy_says_of_its_address_is_not_believed")),
    "who guesses passwords is banned": Off(
        _KSR + "credentials.py", "return self._here >= TRIES or self._everywhere > TRIES_OF_ALL",
        "return False", ("tests/ksr/test_credentials.py::TestASourceThatGuesses",)),
    "a line that was let in is not locked out": Off(
        _KSR + "credentials.py", "not bans.has_line(\n            self._edge, self._proved)",
        "True", ("tests/ksr/test_credentials.py",)),
    "an unknown line is answered as a known one": Off(
        _KSR + "credentials.py", "guesses.verdict(_secret(edge, line) or nobodys, checks)",
        "guesses.verdict(_secret(edge, line) or nobodys, checks) if line else _BANNED",
        ("tests/ksr/test_credentials.py", "tests/ksr/test_requests.py")),
    "nothing is kept of what a stranger sends": Off(
        _KSR + "credentials.py", "    return _check(edge, name", "    edge.new_transaction()\n"
        "    return _check(edge, name", (
            "tests/ksr/test_credentials.py::TestAStranger",
            "tests/e2e/password_guessing/test_password_guessing.py"
            "::test_what_a_stranger_sends_is_answered_and_forgotten")),
    "a request that was let in is known when it comes again": Off(
        _KSR + "credentials.py", " and self._is_let_in():", " and False:",
        ("tests/ksr/test_credentials.py"
         "::test_nor_does_one_that_another_worker_took_at_the_same_time",
         "tests/e2e/password_guessing/test_password_guessing.py"
         "::test_a_nonce_is_good_for_one_request_and_its_retransmission")),
    "a nonce is good for one request from its address": Off(
        _CFG, 'modparam("auth", "one_time_nonce", 1)', 'modparam("auth", "one_time_nonce", 0)',
        ("tests/contract/test_configuration.py",)),
    "a registration cannot be read in two ways": Off(
        _KSR + "registrations.py", "elif not (path or _are_understood(contacts)):", "elif False:",
        ("tests/ksr/test_requests.py",)),
    "who sends too much is banned": Off(
        _KSR + "bans.py", "htable.sht_inc(IGNORED, who) > MOST_IGNORED", "False",
        ("tests/ksr/test_bans.py::TestWhoSendsTooMuch",)),
    "a network of IPv6 that sends too much is ignored": Off(
        _CFG, "if ($sht(trusted=>$rcv(srcip)) == 0 &&",
        "if ($(rcv(af)) != 10 && $sht(trusted=>$rcv(srcip)) == 0 &&",
        ("tests/e2e/ipv6/test_ipv6.py::test_a_flood_is_counted_by_the_network_of_a_customer",)),
    "scanners are banned": Off(
        _KSR + "bans.py", "if not agent.lower().startswith(edge.settings.scanners):", "if True:",
        ("tests/ksr/test_bans.py::TestAScanner",)),
    "nobody is banned in the name of another": Off(
        _KSR + "bans.py", "lasting = not by_udp and", "lasting =",
        ("tests/ksr/test_bans.py::TestWhoSendsTooMuch", "tests/e2e/too_many_messages")),
    "no scanner bans in the name of another": Off(
        _KSR + "bans.py", "if not (edge.ksr.is_UDP() or edge", "if not (edge",
        ("tests/ksr/test_bans.py::TestAScanner", "tests/e2e/too_many_messages")),
    "what one source sends has a limit": Off(
        _CFG, '!pike_check_ip("$var(counted)")', "0",
        ("tests/e2e/too_many_messages",)),
    # Loops
    "a number that a call has come through is a loop": Off(
        "kemi_routing/decide.py", "if number.number in call.diverters:", "if False:",
        ("tests/ksr/test_loops.py", "tests/unit/test_decide.py")),
    "our route tells the numbers that a call came through": Off(
        _KSR + "loops.py", "if marks and _mark(edge, number) in marks]", "if False]",
        ("tests/ksr/test_loops.py",)),
    "the same INVITE by another way forks no second time": Off(
        _KSR + "loops.py", "return edge.ksr.htable.sht_inc(FORKED, seen) > 1", "return False",
        ("tests/ksr/test_loops.py", "tests/e2e/loops")),
    "hops are counted": Off(
        _KSR + "requests.py", "if ksr.maxfwd.process_maxfwd(MAX_FORWARDS) < 0:",
        "if ksr.maxfwd.process_maxfwd(MAX_FORWARDS) < -9:", ("tests/ksr/test_requests.py",)),
    # Messages
    "messages are sane": Off(
        _KSR + "requests.py", "elif ksr.sanity.sanity_check(_SANITY_MESSAGE, _SANITY_URI) < 0:",
        "elif False:", ("tests/ksr/test_requests.py::TestBeforeAnythingElse",)),
    "tags, Contact and Proxy-Require are looked at": Off(
        _KSR + "requests.py", "17895 + 512 + 4096, 7 + 8", "17895, 7",
        ("tests/e2e/odd_requests/test_sanity.py",)),
    "nothing stands behind the version of the start line": Off(
        _KSR + "requests.py", 'return len(parts) == 3 and parts[2].upper() == "SIP/2.0"',
        "return True", ("tests/e2e/torture/test_torture.py",)),
    "text that is not UTF-8 is refused": Off(
        _KSR + "requests.py", "except UnicodeDecodeError as error:",
        "except ZeroDivisionError as error:\n            assert isinstance(error, UnicodeError)",
        ("tests/ksr/test_requests.py::TestBeforeAnythingElse",)),
    "an error of ours is answered": Off(
        "kamailio/followme.py", "            otherwise()\n", "",
        ("tests/ksr/test_requests.py::TestABugOfOurs", "tests/ksr/test_faults.py")),
    "no caller writes a line of our log": Off(
        "kemi_routing/log_line.py", 'text and text.isprintable() and " " not in text', "True",
        ("tests/unit/test_log_line.py",)),
    "no caller fills the log": Off(
        "kemi_routing/log_line.py", "MAX_OURS if key in _OURS else MAX_WORD", "MAX_OURS", (
            "tests/unit/test_log_line.py", "tests/e2e/log_lines/test_log_lines.py"
            "::test_a_long_word_of_a_caller_is_cut")),
    "what name servers say is an answer to our question": Off(
        "kemi_routing/dns.py", "if said != ident or not flags & _IS_ANSWER or asked != 1:",
        "if False:", ("tests/unit/test_dns.py",)),
    # Records
    "a record's targets are of the grammar": Off(
        "kemi_routing/targets.py", 'r"(?:SIP/|sip:)(?P<user>[A-Za-z0-9_.+~*-]{1,64})@"',
        'r"(?:SIP/|sip:)(?P<user>[^@]{1,64})@"',
        ("tests/unit/test_targets.py",)),
    "a record's names are of the grammar": Off(
        "kemi_routing/targets.py", '_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"',
        '_NAME = r"[^@]{1,64}"', ("tests/unit/test_hostile_records.py",)),
    "a record's numbers are numbers": Off(
        "kemi_routing/values.py", 'return _text_that(e164.is_number, value, "is not a number")',
        "return str(value)", ("tests/unit/test_values.py",)),
    "an IAX password is masked": Off(
        "kemi_routing/targets.py", 'return _IAX_PASSWORD.sub(r"\\1:***@", text)', "return text",
        ("tests/unit/test_targets.py",)),
    "of a number no more calls are kept than it lists": Off(
        "kemi_routing/redis/call_store.py", "redis.pcall('UNLINK', ARGV[2]", "local x = (ARGV[2]",
        ("tests/provisioning/test_call_store.py",)),
    # The store
    "no worker waits for the store": Off(
        "kemi_routing/redis/store.py", "TIMEOUT_S = 0.05", "TIMEOUT_S = 2.0",
        ("tests/e2e/store_outage",)),
    "a store that is away is no unknown number": Off(
        "kemi_routing/redis/store.py",
        'raise StoreUnavailable(f"{wanted[0]}: {error}") from error',
        "return [None] * len(wanted)", ("tests/e2e/store_outage",)),
    "no worker waits for a name server": Off(
        _KSR + "fork.py", "known = not wanted or bool(state.hops) or", "known = True or",
        ("tests/ksr/test_names.py",)),
    "nor for one that knows a gateway": Off(
        "kemi_routing/hops.py", "return self.at != self.named", "return True",
        ("tests/ksr/test_hop_names.py", "tests/e2e/host_names/test_gateways_by_name.py")),
    "a name that has no address any more keeps the last one": Off(
        _KSR + "in_force.py", "else self._addresses.get(name, ())", "else ()",
        ("tests/ksr/test_hop_names.py",)),
}
