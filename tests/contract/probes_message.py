# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of what a script reads from one message and changes in it."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.contract.probing import COLLECTED, Probe, Script, outcome
from tests.contract.stub import NUMBER_VARIABLES, TEXT_VARIABLES
from tests.support.sip_message import Request

if TYPE_CHECKING:
    from KSR import Api

CALL = Request(
    caller='"Anna" <sip:42075553333@trunk.example;user=phone>;tag=caller',
    headers=(("User-Agent", "probe"), ("Contact", "<sip:anna@127.0.0.1:5070>")),
)


def probe(
    *requests: Request, tolerated: tuple[object, ...] = ()
) -> Callable[[Callable[[Any], object]], Callable[[Any], object]]:
    """Makes a probe of a function that is run for each of these requests; its result is noted."""

    def collect(script: Callable[[Any], object]) -> Callable[[Any], object]:
        class OneMessage(Script):
            def ksr_request_route(self, _message: object) -> int:
                self.note(script(self.ksr))
                return 1

        def talk(line: Any) -> None:
            for request in requests:
                line.send(request)

        name = script.__name__
        COLLECTED[name] = Probe(name, OneMessage, talk, tolerated)
        return script

    return collect


WITH_ALL = replace(CALL, callee='"Bob" <sip:bob@127.0.0.1>;tag=callee').with_headers(
    ("P-Asserted-Identity", '"A" <sip:420@a>'),
    (
        "Proxy-Authorization",
        'Digest username="u", realm="r", nonce="n", uri="sip:1@a", response="0"',
    ),
)


@probe(CALL, WITH_ALL)
def variables_of_the_message(ksr: "Api") -> object:
    differing = ("$sp", "$Rp", "$rp", "$sas", "$ml")
    names = (name for name in (*TEXT_VARIABLES, *NUMBER_VARIABLES) if name not in differing)
    return {name: ksr.pv.get(name) for name in names}


@probe(CALL, replace(CALL, version="SIP/2.0\rX-Evil: 1"), replace(CALL, version="SIP/2.0 "))
def start_line(ksr: "Api") -> object:
    return str(ksr.pv.get("$(mb{line.at,0})")).partition(" SIP/2.0")[2]


@probe(CALL, replace(CALL, body="v=0\r\nm=x"))
def body_in_hex(ksr: "Api") -> object:
    return ksr.pv.gete("$(rb{s.encode.hexa})")


@probe(WITH_ALL)
def types_of_variables(ksr: "Api") -> object:
    ksr.setdsturi("sip:127.0.0.9")
    names = (*TEXT_VARIABLES, *NUMBER_VARIABLES)
    return {name: type(ksr.pv.get(name)).__name__ for name in names}


@probe(CALL.with_headers(("P-Asserted-Identity", b'"Jos\xe9" <sip:420@a>')))
def parts_of_a_header_that_is_not_utf_8(ksr: "Api") -> object:
    return [ksr.pv.get("$ai"), outcome(lambda: ksr.hdr.get("P-Asserted-Identity"))]


@probe(CALL)
def unset_variables(ksr: "Api") -> object:
    names = ("$avp(x)", "$var(never)", "$xavp(a=>b)", "$hdr(X-No)", "$du", "$au", "$branch(count)")
    return [
        [name, ksr.pv.get(name), ksr.pv.gete(name), ksr.pv.getw(name), ksr.pv.is_null(name)]
        for name in names
    ]


@probe(CALL)
def default_for_unset_variables(ksr: "Api") -> object:
    return [
        ksr.pv.getvs("$avp(x)", "none"),
        ksr.pv.getvn("$avp(x)", 7),
        ksr.pv.getvs("$rU", "none"),
        ksr.pv.geti("$avp(x)"),
        ksr.pv.geti("$fd"),
    ]


@probe(CALL)
def avps_stack(ksr: "Api") -> object:
    seen: list[object] = [ksr.pv.sets("$avp(x)", "first"), ksr.pv.sets("$avp(x)", "second")]
    for _ in range(3):
        seen += [ksr.pv.get("$avp(x)"), ksr.pv.unset("$avp(x)")]
    seen += [ksr.pv.seti("$avp(x)", 7), ksr.pv.get("$avp(x)"), ksr.pv.gete("$avp(x)")]
    seen += [ksr.pv.sets("$avp(y)", ""), ksr.pv.get("$avp(y)"), ksr.pv.is_null("$avp(y)")]
    return seen


@probe(CALL)
def whole_avp(ksr: "Api") -> object:
    for value in ("1", "2", "3"):
        ksr.pv.sets("$avp(x)", value)
    seen: list[object] = [ksr.pv.get("$(avp(x)[1])"), ksr.pv.get("$(avp(x)[*])")]
    return [*seen, ksr.pv.unset("$(avp(x)[*])"), ksr.pv.get("$avp(x)")]


@probe(CALL)
def avp_functions(ksr: "Api") -> object:
    return [
        ksr.pvx.avp_get("x"),
        ksr.pvx.avp_gete("x"),
        ksr.pvx.avp_getw("x"),
        ksr.pvx.avp_is_null("x"),
        ksr.pvx.avp_sets("x", "1"),
        ksr.pvx.avp_sets("x", "2"),
        ksr.pvx.avp_get("x"),
        ksr.pv.get("$avp(x)"),
        ksr.pv.get("$avp(s:x)"),
        ksr.pvx.avp_rm("x"),
        ksr.pvx.avp_get("x"),
        ksr.pvx.avp_rm("x"),
    ]


@probe(CALL)
def script_variables(ksr: "Api") -> object:
    seen: list[object] = [ksr.pv.sets("$var(x)", "text"), ksr.pv.get("$var(x)")]
    seen += [ksr.pv.seti("$var(x)", 3), ksr.pv.get("$var(x)"), ksr.pv.unset("$var(x)")]
    seen += [ksr.pv.get("$var(x)"), ksr.pv.is_null("$var(x)")]
    seen += [ksr.pvx.var_get("other"), ksr.pvx.var_sets("other", "a"), ksr.pvx.var_get("other")]
    return [*seen, ksr.pv.get("$var(other)"), ksr.pvx.var_seti("other", 0)]


@probe(CALL)
def extended_variables(ksr: "Api") -> object:
    seen: list[object] = [ksr.pv.seti("$xavp(reg=>max_contacts)", 3)]
    seen += [ksr.pv.get("$xavp(reg=>max_contacts)"), ksr.pv.get("$xavp(reg=>other)")]
    seen += [ksr.pv.sets("$xavp(reg=>other)", "x"), ksr.pv.get("$xavp(reg=>max_contacts)")]
    seen += [ksr.pv.seti("$xavp(reg=>max_contacts)", 4), ksr.pv.get("$xavp(reg=>max_contacts)")]
    seen += [ksr.pv.get("$xavp(reg=>other)")]
    return seen


@probe(CALL)
def written_request_uri(ksr: "Api") -> object:
    seen: list[object] = [ksr.seturi("sip:a@b.example:5070"), ksr.pv.get("$ru"), ksr.pv.get("$rp")]
    seen += [ksr.pv.sets("$rU", "c"), ksr.pv.get("$ru"), ksr.pv.sets("$rd", "d.example")]
    seen += [ksr.pv.get("$ru"), ksr.pv.sets("$ru", "sip:e@f.example"), ksr.pv.get("$rU")]
    seen += [ksr.pv.get("$rp"), ksr.pv.get("$ou"), ksr.setuser("g"), ksr.pv.get("$ru")]
    return [*seen, ksr.sethost("h.example"), ksr.pv.get("$ru")]


@probe(CALL, tolerated=(True,))
def request_uri_that_is_none(ksr: "Api") -> object:
    return ksr.seturi("nonsense")


@probe(CALL)
def written_destination(ksr: "Api") -> object:
    seen: list[object] = [ksr.isdsturiset(), ksr.setdsturi("sip:127.0.0.9:5070;transport=udp")]
    seen += [ksr.isdsturiset(), ksr.pv.get("$du"), ksr.pv.get("$dd"), ksr.resetdsturi()]
    seen += [ksr.pv.get("$du"), ksr.pv.sets("$du", "sip:127.0.0.8"), ksr.pv.get("$du")]
    return [*seen, ksr.pv.unset("$du"), ksr.pv.get("$du")]


def refused(function: Callable[..., object], *args: object) -> bool:
    """Whether app_python3 refuses the arguments: 5.6 raises, newer ones log it and say False."""
    return outcome(function, *args) in ("SystemError", "UnicodeEncodeError", False)


@probe(CALL)
def wrong_arguments(ksr: "Api") -> object:
    """Newer Kamailios take what is too long, has a NUL or is one too many; the fake does not."""
    tm: Any = ksr.tm
    pv: Any = ksr.pv
    core: Any = ksr
    return [
        refused(tm.t_set_fr, 1000),
        refused(tm.t_set_fr, 1000, "2000"),
        refused(tm.t_set_fr, 1.5, 2),
        refused(tm.t_set_fr, True, 0),
        refused(tm.t_reply, "404", "Not Found"),
        refused(pv.sets, "$avp(x)", 1),
        refused(pv.sets, "$avp(x)", None),
        refused(pv.sets, "$avp(x)", b"bytes"),
        refused(pv.sets, "$avp(x)", "\ud800"),
        refused(pv.seti, "$avp(x)", "1"),
        refused(core.seturi),
        refused(core.setflag, "1"),
    ]


@probe(CALL)
def unknown_names(ksr: "Api") -> object:
    return [
        outcome(getattr, ksr, "nothing"),
        outcome(getattr, ksr, "drouting"),
        outcome(getattr, ksr.tm, "t_nothing"),
    ]


@probe(CALL)
def methods(ksr: "Api") -> object:
    seen: list[object] = [ksr.is_INVITE(), ksr.is_ACK(), ksr.is_REGISTER(), ksr.is_OPTIONS()]
    seen += [ksr.is_BYE(), ksr.is_CANCEL(), ksr.is_UDP(), ksr.is_TCP(), ksr.is_IPv4()]
    seen += [ksr.is_method_in(letters) for letters in ("I", "AB", "IABC", "O", "R", "X", "")]
    seen += [ksr.is_method(name) for name in ("INVITE", "invite", "ACK", "INVITE|ACK")]
    return seen


@probe(CALL)
def flags(ksr: "Api") -> object:
    return [ksr.isflagset(3), ksr.setflag(3), ksr.isflagset(3), ksr.resetflag(3), ksr.isflagset(3)]


@probe(CALL)
def log_functions(ksr: "Api") -> object:
    functions = (ksr.dbg, ksr.info, ksr.notice, ksr.warn, ksr.err, ksr.crit)
    return [*(function("100% $ru\n") for function in functions), ksr.log("info", "x\n")]


@probe(CALL)
def myself(ksr: "Api") -> object:
    own = ksr.pv.gete("$Rp")
    return [
        ksr.is_myself_ruri(),
        ksr.is_myself_furi(),
        ksr.is_myself_turi(),
        ksr.is_myself_srcip(),
        ksr.is_myself(f"sip:127.0.0.1:{own}"),
        ksr.is_myself("sip:a@127.0.0.1"),
        ksr.is_myself("sip:a@127.0.0.1:9"),
        ksr.is_myself("sip:a@example.net"),
        ksr.is_myself("sip:a@followme.local"),
        ksr.is_myself("sip:a@Followme.LOCAL"),
        ksr.is_myself("sip:a@followme.local:5099"),
        ksr.is_myself("sip:a@sub.followme.local"),
        ksr.is_myself("sip:followme.local"),
        ksr.is_myself("nonsense"),
    ]


SPELLED = Request(
    headers=(
        ("p-asserted-identity", "<sip:1@a>"),
        ("P-Asserted-Identity", "<tel:2>"),
        ("X-One", "  spaced  "),
        ("X-Empty", ""),
        ("s", "compact"),
        ("Subject", "long"),
    )
)


@probe(SPELLED)
def headers_read(ksr: "Api") -> object:
    names = ("P-Asserted-Identity", "P-ASSERTED-IDENTITY", "x-one", "X-Empty", "s", "Subject")
    seen: list[object] = [[name, ksr.hdr.get(name), ksr.hdr.is_present(name)] for name in names]
    seen += [ksr.hdr.get("X-No"), ksr.hdr.gete("X-No"), ksr.hdr.getw("X-No")]
    seen += [ksr.hdr.is_present("X-No"), ksr.hdr.get_idx("P-Asserted-Identity", 1)]
    seen += [ksr.hdr.get_idx("P-Asserted-Identity", -1), ksr.hdr.get_idx("Subject", 2)]
    seen += [ksr.hdr.gete_idx("Subject", 2), ksr.hdr.getw_idx("Subject", 2)]
    seen += [ksr.pv.get("$hdr(X-One)"), ksr.pv.get("$hdr(s)"), ksr.hdr.get("Max-Forwards")]
    seen += [ksr.hdr.get("From"), ksr.hdr.get("f"), ksr.hdr.get("t"), ksr.hdr.get("Content-Length")]
    return seen


@probe(SPELLED)
def own_header_changes_are_not_seen(ksr: "Api") -> object:
    seen: list[object] = [ksr.hdr.append("X-New: 1\r\n"), ksr.hdr.get("X-New")]
    seen += [ksr.hdr.remove("X-One"), ksr.hdr.get("X-One"), ksr.hdr.is_present("X-One")]
    seen += [ksr.hdr.remove("X-No"), ksr.hdr.insert("X-First: 1\r\n")]
    seen += [ksr.hdr.append_to_reply("X-Reply: 1\r\n"), ksr.hdr.append("X-A: 1\r\nX-B: 2\r\n")]
    seen += [ksr.hdr.rmappend("Subject", "Subject: new\r\n")]
    return seen


@probe(Request(headers=(("X-Latin", "caf\xe9".encode("latin-1")), ("X-Utf", "caf\xe9"))))
def bytes_that_are_not_utf8(ksr: "Api") -> object:
    return [
        outcome(ksr.hdr.get, "X-Latin"),
        outcome(ksr.hdr.gete, "X-Latin"),
        outcome(ksr.pv.get, "$hdr(X-Latin)"),
        outcome(ksr.hdr.get, "X-Utf"),
        ksr.hdr.is_present("X-Latin"),
        ksr.hdr.remove("X-Latin"),
    ]


@probe(
    Request(max_forwards=70),
    Request(max_forwards=1),
    Request(max_forwards=0),
    Request(max_forwards=None),
    Request(max_forwards=None, headers=(("Max-Forwards", "many"),)),
    Request(max_forwards=255),
)
def max_forwards(ksr: "Api") -> object:
    return [ksr.maxfwd.is_maxfwd_lt(5), ksr.maxfwd.process_maxfwd(10)]


@probe(
    Request(), Request(callee="<sip:1@127.0.0.1>;tag=1"), Request(callee="<sip:1@127.0.0.1>;tag=")
)
def to_tag(ksr: "Api") -> object:
    return [ksr.siputils.has_totag(), ksr.pv.get("$tt"), ksr.siputils.is_request()]


@probe(
    Request(),
    Request(cseq_method="OPTIONS"),
    Request(uri="tel:+42027777100"),
    Request(headers=(("Expires", "never"),)),
    Request(headers=(("Proxy-Require", "100rel"),)),
    Request(method="OPTIONS", uri="sip:127.0.0.1"),
    Request(max_forwards=None),
    Request(caller="<sip:a@b>"),
    Request(headers=(("Authorization", "Digest nonsense"),)),
)
def sanity(ksr: "Api") -> object:
    return [ksr.sanity.sanity_check(17895, 7)]


@probe(CALL)
def branches_appended(ksr: "Api") -> object:
    seen: list[object] = [ksr.pv.get("$branch(count)"), ksr.corex.append_branch_uri("sip:a@b")]
    seen += [ksr.pv.get("$branch(count)"), ksr.pv.get("$T_branch_idx")]
    ksr.setdsturi("sip:127.0.0.9")
    seen += [ksr.corex.append_branch(), ksr.isdsturiset(), ksr.pv.get("$branch(count)")]
    seen += [ksr.pv.get("$(branch(uri)[0])"), ksr.pv.get("$(branch(uri)[1])")]
    seen += [ksr.pv.get("$branch(uri)"), ksr.corex.append_branch_uri("nonsense")]
    return seen


@probe(CALL)
def send_socket(ksr: "Api") -> object:
    return ksr.corex.set_send_socket(ksr.hdr.gete("X-Spiral"))


@probe(CALL, tolerated=(1,))
def send_socket_of_somebody_else(ksr: "Api") -> object:
    return ksr.corex.set_send_socket("udp:127.0.0.99:5060")


@probe(CALL, CALL.with_headers(("Route", "<sip:127.0.0.99:5070;lr>")))
def routes(ksr: "Api") -> object:
    seen: list[object] = [ksr.rr.loose_route(), ksr.pv.get("$du"), ksr.pv.get("$ru")]
    return [*seen, ksr.rr.record_route(), ksr.rr.record_route()]


@probe(CALL, Request(callee="<sip:1@a>;tag=2"))
def display_name_replaced(ksr: "Api") -> object:
    return ksr.uac.uac_replace_from('"A"', "")


@probe(CALL, Request(callee="<sip:1@a>;tag=2"))
def from_replaced(ksr: "Api") -> object:
    return ksr.uac.uac_replace_from('"A"', "sip:1@a")


@probe(CALL, tolerated=(True,))
def write_to_what_cannot_be_written(ksr: "Api") -> object:
    return ksr.pv.sets("$ci", "other")


@probe(CALL, tolerated=(1,))
def header_without_line_end(ksr: "Api") -> object:
    return ksr.hdr.append("X-New: 1")


@probe(CALL, tolerated=(1,))
def header_of_our_making_with_a_line_feed(ksr: "Api") -> object:
    return ksr.hdr.append("X-New: 1\nX-Evil: 2\r\n")


@probe(CALL, tolerated=(1,))
def empty_header(ksr: "Api") -> object:
    return ksr.hdr.append("")


@probe(CALL, tolerated=(True,))
def arguments_where_none_are_taken(ksr: "Api") -> object:
    core: Any = ksr
    return core.is_INVITE("x", 2)
