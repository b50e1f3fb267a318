# SPDX-License-Identifier: GPL-2.0-or-later
"""The request route: what comes in, in the order in which it is handled."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from kemi_routing import dialplan, e164, feature_codes, identity, media_leg, render
from kemi_routing.call_record import Said
from kemi_routing.decide import decide_whole, outgoing
from kemi_routing.errors import FollowMeError, Forbidden, StoreUnavailable
from kemi_routing.forwarding import LOOP
from kemi_routing.ksr import (
    background,
    bans,
    caller,
    codes,
    credentials,
    flows,
    in_dialog,
    in_force,
    loops,
    masks,
    parties,
    records,
    registrations,
    rtp,
    trunk_limits,
)
from kemi_routing.ksr.caps import LINE_PROFILE, Caps, is_capped
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.fork import Fork
from kemi_routing.ksr.workers import alarm_once
from kemi_routing.media_leg import Service
from kemi_routing.model import Call, Number
from kemi_routing.plan import Plan
from kemi_routing.record import LineRecord
from kemi_routing.trunks import Trunk

MAX_FORWARDS = 70
RETRY_AFTER_S = 5
ANONYMOUS = "anonymous"
CONFIRMED = 480
"""Answer to a feature code whose confirmation stands in the reason phrase."""
WARNS = "followme"
"""Who warns (RFC 3261 section 20.43): the confirmation where no announcement could be played."""
MERGED = "the same INVITE by another way"
_OF_PEERS = "KDMQ"
"""Method of Kamailio's module dmq, by which proxies share registrations."""
_SANITY_MESSAGE, _SANITY_URI = 17895 + 512 + 4096, 7 + 8
"""Flags of Kamailio's module sanity: those of its default configuration, Proxy-Require (RFC 3261
section 16.3) and tags written twice; the URIs of the start line, From, To and Contact. Credentials
are not among them: those of others may be of any kind.
"""
_START_LINE = "$(mb{line.at,0})"

Now = Callable[[], datetime]


class Requests:
    """Handles requests; answers each or passes it on, and raises only what is a bug."""

    def __init__(self, edge: Edge, fork: Fork, now: Now) -> None:
        self._edge = edge
        self._ksr = edge.ksr
        self._fork = fork
        self._caps = Caps(edge)
        self._now = now
        self._methods = {"INVITE": self._invite, "REGISTER": lambda: registrations.register(edge),
                         "OPTIONS": self._options}
        self._services = {Service.OUTGOING: self._menu_dials, Service.CONFIRM: self._confirm}

    def route(self) -> None:
        """Handle the request that Kamailio has just received."""
        try:
            in_force.keep_up(self._edge)
            self._route()
        except UnicodeDecodeError as error:
            self._edge.log("refuse", why=f"not UTF-8: {error.reason}")
            self._edge.reply(400, "Bad Request")
        except FollowMeError as error:
            self._edge.log("refuse", why=str(error), status=error.status)
            retry = isinstance(error, StoreUnavailable)
            self._edge.reply(error.status, error.phrase,
                             *([f"Retry-After: {RETRY_AFTER_S}"] if retry else []))

    def _route(self) -> None:
        ksr = self._ksr
        if ksr.maxfwd.process_maxfwd(MAX_FORWARDS) < 0:
            if ksr.is_method_in("I"):
                self._edge.log("refuse", why="no hops left", source=caller.source(self._edge))
            self._edge.reply(483, "Too Many Hops")
        elif ksr.sanity.sanity_check(_SANITY_MESSAGE, _SANITY_URI) < 0:
            return  # sanity has answered
        elif not self._starts_well():
            self._edge.reply(400, "Bad Request Line")
        elif ksr.is_method_in("C"):
            if ksr.tm.t_check_trans() > 0:
                ksr.tm.t_relay()
            else:
                self._edge.reply(481, "Call/Transaction Does Not Exist")
        elif ksr.siputils.has_totag() > 0:
            in_dialog.route(self._edge, self._caps, self._now)
        elif ksr.tm.t_check_trans() != 0 and not ksr.is_method_in("A"):
            self._dialog_forming()

    def _starts_well(self) -> bool:
        """Whether the start line ends with the version: what is behind it Kamailio passes on."""
        parts = str(self._ksr.pv.gete(_START_LINE)).rstrip("\r").split(" ")
        return len(parts) == 3 and parts[2].upper() == "SIP/2.0"

    def _dialog_forming(self) -> None:
        method = self._ksr.pv.gete("$rm")
        if method == _OF_PEERS and self._is_of_peer():
            self._ksr.dmq.handle_message()
            return
        handler = self._methods.get(method)
        if method != "INVITE" and bans.is_scanner(self._edge):
            return
        if handler is None:
            self._edge.reply(405, "Method Not Allowed", f"Allow: {', '.join(self._methods)}")
        else:
            handler()

    def _is_of_peer(self) -> bool:
        """Whether one of the other proxies sends it, at the socket that only they should reach."""
        settings = self._edge.settings
        return (self._ksr.pv.get("$Rp") == settings.cluster_port
                and caller.source(self._edge) in settings.peers)

    def _options(self) -> None:
        if not self._edge.settings.is_machinery(caller.source(self._edge)):
            self._ksr.force_rport()  # of a phone that keeps the port of its NAT open
        self._edge.reply(200, "OK", f"Allow: {', '.join(self._methods)}")

    def _invite(self) -> None:
        edge = self._edge
        at = self._ksr.pv.get("$Rp")
        if rtp.asks_too_much(edge):
            edge.reply(*rtp.TOO_MUCH)
        elif at == edge.settings.spiral_port:
            self._fork.second_pass()
        elif at == edge.settings.cluster_port and self._is_of_peer():
            flows.from_peer(edge)
        elif trunk := caller.trunk(edge):
            self._trunk_calls(trunk)
        elif bans.is_scanner(edge):
            return
        elif leg := caller.from_media_server(edge):
            self._serve(*leg)
        elif self._ksr.is_myself_furi():
            self._line_calls()
        elif not edge.settings.network_known:
            raise StoreUnavailable("the trunks are not known yet")
        elif identity.names_nobody(self._ksr.pv.gete("$fu")):
            self._line_calls()
        else:
            edge.log("refuse", why="untrusted", source=caller.source(edge))
            edge.reply(403, "Forbidden")

    def _trunk_calls(self, trunk: Trunk) -> None:
        edge = self._edge
        call = caller.from_trunk(edge, trunk)
        if call.anonymous:
            masks.hide_contact(edge)
        if self._let_in():
            if trunk.certificate:  # its address alone says nothing
                bans.trust(edge, self._ksr.pv.gete("$si"))
                parties.known_by_certificate(edge)
            if not trunk_limits.admit(edge, self._caps, trunk, self._now()):
                edge.reply(503, "Service Unavailable")
                return
            number = trunk.numbers.number(self._ksr.pv.gete("$rU"))
            self._dial(call, (number,) if number else (), trunk)

    def _let_in(self) -> bool:
        """Begin the call's transaction; False for a retransmission."""
        self._ksr.hdr.remove("Route")  # where the call goes next is ours to say
        return self._edge.new_transaction()

    def _line_calls(self) -> None:
        """The caller says that he is a line of ours, or not who he is: only a line may do so."""
        edge, ksr = self._edge, self._ksr
        ksr.force_rport()
        anonymous = identity.names_nobody(ksr.pv.gete("$fu"))
        if line := credentials.authenticate(edge, anonymous=anonymous):
            call = caller.from_line(edge, line)
            flows.add_alias(edge, hidden=call.anonymous)
            ksr.hdr.remove("Route")
            self._limit(line.name)
            self._line_dials(call, line, ksr.pv.gete("$rU"))

    def _limit(self, line: str) -> None:
        """Raises Forbidden where the line makes as many calls at once as it may."""
        edge = self._edge
        reached = self._caps.enter(LINE_PROFILE, line, edge.settings.line_calls)
        if reached:
            alarm_once(edge, line, "limited", line=line, **reached)
            raise Forbidden(f"{line}: {reached.get('why', 'too many calls at once')}")

    def _line_dials(self, call: Call, line: LineRecord, user: str) -> None:
        found = feature_codes.match(line.codes, user)
        if found and self._is_ours():
            self._perform(call, line, *found)
        elif dialplan.is_emergency(line.dial_plan, user):
            self._edge.alarm("refuse", why="no emergency route", line=line.name, number=user)
            self._refused(call, line.number, Said(404, "no emergency route"))
            self._edge.reply(404, "No Emergency Route")
        else:
            owner = line.number
            self._dial(call, codes.readings(line, user),
                       owner=lambda: self._edge.records.number(owner) if owner else None)

    def _serve(self, account: str, service: str) -> None:
        """A leg of our media server for an account."""
        if service not in self._services:
            raise Forbidden(f"{account}: there is no service {service!r}")
        number = self._edge.records.number(account)
        if number is None:
            raise Forbidden(f"{account}: nobody owns this number")
        self._services[Service(service)](number)

    def _menu_dials(self, number: Number) -> None:
        call = caller.from_menu(self._edge, number)
        if self._let_in():
            wanted = media_leg.dialled(number, self._ksr.pv.gete("$rU"))
            self._dial(call, wanted, owner=lambda: number)

    def _confirm(self, number: Number) -> None:
        edge, ksr = self._edge, self._ksr
        call = caller.from_prompt(edge)
        if self._let_in():
            asked = media_leg.asked(ksr.pv.gete("$rU"), ksr.pv.gete("$ru"),
                                    ours=ksr.is_myself_ruri())
            wanted = media_leg.others_asked(number)
            others = edge.records.numbers(wanted) if wanted else {}
            plan = media_leg.confirm(call, number, asked, edge.settings.platform, others)
            edge.log("route", number=plan.number, ani=call.ani, rule=plan.rule,
                     steps=len(plan.steps), revision=plan.revision)
            loops.record_route(edge, (plan.number,))
            self._fork.start(plan, received_ms=self._decided(call, plan))

    def _perform(self, call: Call, line: LineRecord, code: feature_codes.FeatureCode, behind: str,
                 ) -> None:
        """Do what a feature code says; the caller hears of it, or sees it where nothing plays."""
        edge = self._edge
        done = codes.perform(edge.records, line, code, behind, self._now())
        edge.log("code", line=line.name, code=code.code, number=done.number, words=done.words)
        if edge.settings.network.media_servers:
            edge.ksr.hdr.append_to_reply(f'Warning: 399 {WARNS} "{done.words}"\r\n')
            loops.record_route(edge, ())
            plan = codes.announcing(line, done)
            self._fork.start(plan, received_ms=self._decided(call, plan))
        else:
            edge.reply(CONFIRMED, done.words)
            self._refused(call, line.number, Said(CONFIRMED, done.words))

    def _dial(self, call: Call, wanted: Sequence[str], trunk: Trunk | None = None,
              owner: Callable[[], Number | None] = lambda: None) -> None:
        """Route a call to the first of these numbers that is ours, or outside for the number of
        its ``owner``.
        """
        try:
            self._route_to(call, wanted, trunk, owner)
        except FollowMeError as error:
            self._refused(call, call.cli or next(iter(wanted), ""),
                          Said(error.status, str(error)), trunk)
            raise

    def _route_to(self, call: Call, wanted: Sequence[str], trunk: Trunk | None,
                  owner: Callable[[], Number | None]) -> None:
        edge = self._edge
        number = self._find(wanted)
        dialled = wanted[-1] if wanted and e164.is_number(wanted[-1]) else None
        if number:
            self._ring(call, number, trunk)
        elif dialled and self._is_ours() and (calling := owner()):
            out = outgoing(call, calling, dialled)
            edge.log("route", number=dialled, ani=call.ani, rule=out.rule)
            self._caps.watch(out)
            if not all(map(self._caps.admit, out.accounts)):
                raise Forbidden(f"{out.number}: a cap is reached")
            loops.record_route(edge, ())
            self._fork.relay(out, self._decided(call, out))
        else:
            edge.log("refuse", why="nobody's number", number=self._ksr.pv.gete("$rU"))
            edge.reply(404, "Not Found")

    def _is_ours(self) -> bool:
        """Whether the Request-URI asks us, and not a host of others."""
        ksr = self._ksr
        return ksr.is_myself_ruri() or dialplan.is_tel(
            str(ksr.pv.gete("$ru")), self._edge.settings.platform.domain)

    def _find(self, wanted: Sequence[str]) -> Number | None:
        records = self._edge.records
        if len(wanted) < 2:
            return records.number(wanted[0]) if wanted else None
        found = records.numbers(wanted)
        return next((found[key] for key in wanted if key in found), None)

    def _ring(self, call: Call, number: Number, trunk: Trunk | None) -> None:
        edge, now = self._edge, self._now()
        came = records.arrival(edge, call, trunk, now)
        call, plan = self._decide(call, number, now)
        edge.log("route", number=plan.number, ani=call.ani, rule=plan.rule,
                 steps=len(plan.steps), revision=plan.revision)
        if number.lines and plan.access is None and plan.reject != LOOP:
            caller_ = ANONYMOUS if call.anonymous or not call.ani else call.ani
            self._ksr.mqueue.mq_add(background.LAST_CALLER, number.number, caller_)
        if plan.reject:
            said = self._reject(call, plan, *plan.reject)
            records.decided(edge, came, plan, said)
        elif loops.is_merged(edge, plan.number):
            edge.log("loop", number=plan.number, why=MERGED)
            edge.reply(*LOOP)
            records.decided(edge, came, plan, Said(LOOP[0], MERGED))
        elif trunk and trunk.redirect and (contacts := self._contacts(plan)):
            edge.log("end", number=plan.number, status=302, tried="nothing")
            edge.reply(302, "Moved Temporarily", f"Contact: {', '.join(contacts)}")
            records.decided(edge, came, plan, Said(302, ", ".join(contacts)))
        else:
            self._caps.watch(plan)
            loops.record_route(edge, (account.number for account in plan.accounts))
            self._fork.start(plan, received_ms=records.decided(edge, came, plan),
                             early_media=trunk is not None and trunk.early_media)

    def _decide(self, call: Call, number: Number, now: datetime) -> tuple[Call, Plan]:
        """The plan, whole with all numbers of ours that it names; and the call as we know it."""
        edge = self._edge

        def look_up(call: Call, keys: frozenset[str]) -> tuple[Call, Mapping[str, Number]]:
            return loops.with_visited(edge, call, keys), edge.records.numbers(keys)

        call = loops.with_visited(edge, call, {number.number})
        return decide_whole(call, number, now, edge.settings.platform, look_up)

    def _reject(self, call: Call, plan: Plan, status: int, phrase: str) -> Said:
        said = Said(status, phrase)
        if plan.reject == LOOP:
            cycle = loops.cycle(call, plan)
            self._edge.log("loop", number=plan.number, cycle=cycle)
            said = Said(status, f"{phrase}: {cycle}")
        self._edge.log("end", number=plan.number, status=status, tried="nothing")
        self._edge.reply(status, phrase)
        return said

    def _decided(self, call: Call, plan: Plan) -> int:
        came = records.arrival(self._edge, call, None, self._now())
        return records.decided(self._edge, came, plan)

    def _refused(self, call: Call, number: str, said: Said, trunk: Trunk | None = None) -> None:
        came = records.arrival(self._edge, call, trunk, self._now())
        records.refused(self._edge, came, number, said)

    def _contacts(self, plan: Plan) -> list[str] | None:
        """The Contacts of a 302; None where we must ring ourselves, as where a cap counts calls."""
        if any(map(is_capped, plan.accounts)):
            return None
        return render.redirect_contacts(plan, self._edge.settings)
