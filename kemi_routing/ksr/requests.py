# SPDX-License-Identifier: GPL-2.0-or-later
"""The request route: what comes in, in the order in which it is handled."""

from collections.abc import Callable
from datetime import datetime

from kemi_routing import e164, render
from kemi_routing.decide import decide, outgoing
from kemi_routing.errors import FollowMeError, StoreUnavailable
from kemi_routing.ksr import caller
from kemi_routing.ksr.edge import Edge
from kemi_routing.ksr.fork import Fork, new_transaction
from kemi_routing.model import Call

MAX_FORWARDS = 70
RETRY_AFTER_S = 5
_SANITY_MESSAGE, _SANITY_URI = 17895, 7  # all checks of Kamailio's default configuration
_MAX_CONTACTS = "$xavp(reg=>max_contacts)"
_ROUTE_MARK = "fm"
"""Parameter of our Record-Route that proves in later requests that we let the call in."""

Now = Callable[[], datetime]


class Requests:
    """Handles requests; answers each or passes it on, and raises only what is a bug."""

    def __init__(self, edge: Edge, fork: Fork, now: Now) -> None:
        self._edge = edge
        self._ksr = edge.ksr
        self._fork = fork
        self._now = now
        self._methods = {"INVITE": self._invite, "REGISTER": self._register,
                         "OPTIONS": self._options}

    def route(self) -> None:
        """Handle the request that Kamailio has just received."""
        try:
            self._route()
        except UnicodeDecodeError as error:
            self._edge.log("refuse", why=f"not UTF-8: {error.reason}")
            self._edge.reply(400, "Bad Request")

    def _route(self) -> None:
        ksr = self._ksr
        if ksr.maxfwd.process_maxfwd(MAX_FORWARDS) < 0:
            self._edge.reply(483, "Too Many Hops")
        elif ksr.sanity.sanity_check(_SANITY_MESSAGE, _SANITY_URI) < 0:
            return  # sanity has answered
        elif ksr.is_method_in("C"):
            if ksr.tm.t_check_trans() > 0:
                ksr.tm.t_relay()
        elif ksr.siputils.has_totag() > 0:
            self._in_dialog()
        elif ksr.tm.t_check_trans() != 0 and not ksr.is_method_in("A"):
            self._dialog_forming()

    def _in_dialog(self) -> None:
        ksr = self._ksr
        caller.remove(self._edge, render.OUR_HEADERS)
        ours = f";{_ROUTE_MARK}={self._edge.mark()}" in ksr.hdr.gete("Route")
        if (ours and ksr.rr.loose_route() > 0) or (
                ksr.is_method_in("A") and ksr.tm.t_check_trans() > 0):
            ksr.tm.t_relay()
        elif not ksr.is_method_in("A"):
            self._edge.reply(404, "Not Here")

    def _dialog_forming(self) -> None:
        method = self._ksr.pv.gete("$rm")
        handler = self._methods.get(method)
        if handler is None:
            self._edge.reply(405, "Method Not Allowed", f"Allow: {', '.join(self._methods)}")
            return
        try:
            handler()
        except FollowMeError as error:
            self._edge.log("refuse", why=str(error), status=error.status)
            retry = isinstance(error, StoreUnavailable)
            self._edge.reply(error.status, error.phrase,
                             *([f"Retry-After: {RETRY_AFTER_S}"] if retry else []))

    def _options(self) -> None:
        self._edge.reply(200, "OK", f"Allow: {', '.join(self._methods)}")

    def _register(self) -> None:
        if not self._ksr.is_myself_turi():
            self._edge.reply(403, "Forbidden")
        elif (line := caller.authenticate(self._edge)) is None:
            return
        elif not caller.registers_itself(self._edge):
            self._edge.log("refuse", why="contact elsewhere", line=line.name)
            self._edge.reply(403, "Contact Is Not Your Address")
        else:
            self._ksr.pv.seti(_MAX_CONTACTS, line.max_phones)
            self._ksr.registrar.save("location", 0)

    def _invite(self) -> None:
        ksr, edge = self._ksr, self._edge
        if ksr.pv.get("$Rp") == edge.settings.spiral_port:
            self._fork.second_pass()
            return
        call = self._identify()
        if call is None:
            return
        ksr.hdr.remove("Route")  # where the call goes next is ours to say
        ksr.rr.add_rr_param(f";{_ROUTE_MARK}={edge.mark()}")
        ksr.rr.record_route()
        if not new_transaction(ksr):
            return
        dialled = e164.from_sip_user(ksr.pv.gete("$rU"))
        number = edge.records.number(dialled) if dialled else None
        if number:
            plan = decide(call, number, self._now(), edge.settings.platform)
            edge.log("route", number=plan.number, ani=call.ani, rule=plan.rule,
                     steps=len(plan.steps), revision=plan.revision)
            self._fork.start(plan)
        elif dialled and ksr.is_myself_ruri() and (out := outgoing(call, dialled)):
            edge.log("route", number=dialled, ani=call.ani, rule=out.rule)
            self._fork.relay(out)
        else:
            edge.log("refuse", why="nobody's number", number=dialled)
            edge.reply(404, "Not Found")

    def _identify(self) -> Call | None:
        """The call of a trunk or a line; None after anybody else was refused."""
        edge = self._edge
        asserts = edge.settings.trunks.get(self._ksr.pv.gete("$si"))
        if asserts is not None:
            return caller.from_trunk(edge, asserts)
        if self._ksr.is_myself_furi():
            line = caller.authenticate(edge)
            return caller.from_line(edge, line) if line else None
        edge.log("refuse", why="untrusted", source=self._ksr.pv.gete("$si"))
        edge.reply(403, "Forbidden")
        return None
