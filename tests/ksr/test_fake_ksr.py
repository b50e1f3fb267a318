# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake Kamailio; `tests/contract` holds it against the real one."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.fake_ksr import FakeKamailio
from tests.support.fake_state import Misuse
from tests.support.sip_message import Address, Request

if TYPE_CHECKING:
    from KSR import Api

Step = Callable[["Api"], object]


def kamailio(request: Step, **others: Step) -> FakeKamailio:
    """A Kamailio whose callbacks are these functions; each returns 1 whatever they return."""

    class Handler:
        def __init__(self, ksr: "Api") -> None:
            for name, step in {"ksr_request_route": request, **others}.items():
                setattr(self, name, lambda _message, step=step: [step(ksr)] and 1)

    return FakeKamailio(Handler)


def ring(*uris: str, **callbacks: str) -> Step:
    """A request route that forks to these URIs, with callbacks such as `on_failure`."""

    def route(ksr: "Api") -> None:
        first, *others = uris
        ksr.seturi(first)
        for uri in others:
            ksr.corex.append_branch_uri(uri)
        for name, callback in callbacks.items():
            getattr(ksr.tm, f"t_{name}")(callback)
        ksr.tm.t_relay()

    return route


def ask(question: Step, request: Request | None = None) -> object:
    """What a request route sees."""
    seen: list[object] = []
    kamailio(lambda ksr: seen.append(question(ksr))).receive(request or Request())
    return seen[0]


def outside() -> Any:
    """KSR as seen without a message, without types."""
    return FakeKamailio(lambda ksr: None).ksr


class TestStrictness:
    @pytest.mark.parametrize("path", ["nothing", "drouting", "tm.t_nothing", "hdr.is_absent"])
    def test_name_that_kamailio_lacks(self, path: str) -> None:
        *module, name = path.split(".")
        part = getattr(outside(), module[0]) if module else outside()
        with pytest.raises(AttributeError, match=name):
            getattr(part, name)

    @pytest.mark.parametrize(
        "args", [(), (1,), (1, 2, 3), ("1", 2), (1.0, 2), (None, 2), (2**31, 2), (-(2**31) - 1, 2)]
    )
    def test_wrong_arguments(self, args: tuple[object, ...]) -> None:
        with pytest.raises(SystemError, match="t_set_fr"):
            outside().tm.t_set_fr(*args)

    @pytest.mark.parametrize("text", [1, None, b"bytes", "nul\0", "\ud800"])
    def test_text_that_c_cannot_take(self, text: object) -> None:
        with pytest.raises(SystemError, match=r"pv\.sets"):
            outside().pv.sets("$avp(x)", text)

    def test_function_that_is_not_modelled(self) -> None:
        with pytest.raises(NotImplementedError, match=r"KSR\.tm\.t_replicate"):
            outside().tm.t_replicate("sip:a@b")

    def test_variable_that_is_not_modelled(self) -> None:
        with pytest.raises(NotImplementedError, match=r"\$dlg_var\(x\)"):
            outside().pv.get("$dlg_var(x)")

    def test_callback_that_does_not_exist(self) -> None:
        phone = kamailio(ring("sip:a@127.0.0.51", on_failure="on_failur"), on_failure=lambda _: 1)
        phone.receive(Request())
        with pytest.raises(Misuse, match="on_failur"):
            phone.answer("a", 486)

    def test_callback_that_returns_no_number(self) -> None:
        class Handler:
            def __init__(self, ksr: "Api") -> None:
                self.ksr_request_route = lambda _message: None

        with pytest.raises(Misuse, match="None"):
            FakeKamailio(Handler).receive(Request())

    def test_message_function_without_a_message(self) -> None:
        with pytest.raises(Misuse, match="no message"):
            outside().pv.get("$ru")

    def test_stands_in_for_the_module_of_the_entry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "KSR", outside())

        assert import_module("KSR").info("text\n") == 0


class TestHandlers:
    def test_new_object_for_each_callback_but_the_branch_route(self) -> None:
        seen: list[tuple[str, object]] = []

        class Handler:
            def __init__(self, ksr: "Api") -> None:
                self.ksr = ksr

            def ksr_request_route(self, _message: object) -> int:
                seen.append(("request", self))
                ring("sip:a@127.0.0.51", on_branch="on_branch", on_failure="on_failure")(self.ksr)
                return 1

            def on_branch(self, _message: object) -> int:
                seen.append(("branch", self))
                return 1

            def on_failure(self, _message: object) -> int:
                seen.append(("failure", self))
                return 1

        phone = FakeKamailio(Handler)
        phone.receive(Request())
        phone.answer("a", 486)
        (_, request), (_, branch), (_, failure) = seen
        assert branch is request
        assert failure is not request

    def test_receive_gives_the_status_of_the_route(self) -> None:
        class Handler:
            def __init__(self, ksr: "Api") -> None:
                pass

            def ksr_request_route(self, _message: object) -> int:
                return -3

        assert FakeKamailio(Handler).receive(Request()) == -3

    def test_error_in_a_callback_reaches_the_test(self) -> None:
        def broken(_: "Api") -> None:
            raise KeyError("ours")

        with pytest.raises(KeyError, match="ours"):
            kamailio(broken).receive(Request())


class TestMessage:
    def test_where_it_came_from(self) -> None:
        request = Request(source=Address("127.0.0.66", 5066), received=Address("127.0.0.1", 5059))
        names = ("$si", "$sp", "$Ri", "$Rp")
        seen = ask(lambda ksr: [ksr.pv.get(name) for name in names], request)
        assert seen == ["127.0.0.66", 5066, "127.0.0.1", 5059]

    def test_header_that_is_not_utf8(self) -> None:
        request = Request(headers=(("P-Asserted-Identity", b"\xe9"),))
        with pytest.raises(UnicodeDecodeError):
            ask(lambda ksr: ksr.hdr.get("P-Asserted-Identity"), request)

    @pytest.mark.parametrize(
        "text", ["X: 1", "X: 1\n", "X: 1\nY: 2\r\n", "no colon\r\n", ": 1\r\n"]
    )
    def test_header_that_would_spoil_the_message(self, text: str) -> None:
        with pytest.raises(Misuse, match="header"):
            ask(lambda ksr: ksr.hdr.append(text))

    def test_log_lines_are_kept(self) -> None:
        phone = kamailio(lambda ksr: ksr.info("hunt callid=1\n"))
        phone.receive(Request())
        assert phone.log == [("info", "hunt callid=1\n")]


class TestForking:
    def test_branches_in_sip_words(self) -> None:
        def route(ksr: "Api") -> None:
            ksr.hdr.remove("X-Secret")
            ksr.setdsturi("sip:127.0.0.9:5070")
            ring("sip:a@127.0.0.51", "sip:b@127.0.0.52", on_branch="on_branch")(ksr)

        def on_branch(ksr: "Api") -> None:
            ksr.hdr.append(f"X-Branch: {ksr.pv.get('$T_branch_idx')}\r\n")
            if ksr.pv.get("$rU") == "b":
                ksr.uac.uac_replace_from("", "sip:42027777100@followme.local")

        phone = kamailio(route, on_branch=on_branch)
        phone.receive(Request(headers=(("X-Secret", "1"),)))
        first, second = phone.transaction.branches
        assert (first.uri, first.destination) == ("sip:a@127.0.0.51", "sip:127.0.0.9:5070")
        assert first.headers.all("X-Branch") == ["0"]
        assert first.headers.get("X-Secret") is None
        assert first.headers.get("From") == Request().caller
        assert second.headers.all("X-Branch") == ["1"]
        assert second.headers.get("From") == "<sip:42027777100@followme.local>;tag=caller"

    def test_timers_of_a_step(self) -> None:
        def route(ksr: "Api") -> None:
            ksr.tm.t_set_fr(20_000, 4_000)
            ksr.tm.t_set_max_lifetime(21_000, 0)
            ring("sip:a@127.0.0.51", on_failure="on_failure")(ksr)

        def on_failure(ksr: "Api") -> None:
            ksr.tm.t_set_fr(30_000, 0)
            ksr.corex.append_branch_uri("sip:b@127.0.0.52")
            ksr.tm.t_relay()

        phone = kamailio(route, on_failure=on_failure)
        phone.receive(Request())
        phone.time_out("a")
        timers = [branch.timers for branch in phone.transaction.branches]
        assert [timer.ring_ms for timer in timers] == [20_000, 30_000]
        assert [timer.no_reply_ms for timer in timers] == [4_000, 4_000]
        assert [timer.lifetime_ms for timer in timers] == [21_000, 21_000]

    def test_timers_set_in_branch_routes_are_those_of_the_last(self) -> None:
        def on_branch(ksr: "Api") -> None:
            ksr.tm.t_set_fr(10_000 * (1 + ksr.pv.get("$T_branch_idx")), 0)

        route = ring("sip:a@127.0.0.51", "sip:b@127.0.0.52", on_branch="on_branch")
        phone = kamailio(lambda ksr: [ksr.tm.t_newtran(), route(ksr)], on_branch=on_branch)
        phone.receive(Request())
        assert [b.timers.ring_ms for b in phone.transaction.branches] == [20_000, 20_000]

    def test_unresolvable_target(self) -> None:
        phone = kamailio(ring("sip:a@nowhere.example", "sip:b@127.0.0.52"))
        phone.unresolvable.add("nowhere.example")
        phone.receive(Request())
        assert [branch.uri for branch in phone.transaction.branches] == ["sip:b@127.0.0.52"]

    def test_latest_open_branch_of_a_user_is_meant(self) -> None:
        again = ring("sip:a@127.0.0.52")
        phone = kamailio(ring("sip:a@127.0.0.51", on_failure="again"), again=again)
        phone.receive(Request())
        phone.answer("a", 486)
        assert phone.branch("a").uri == "sip:a@127.0.0.52"
        phone.answer("a", 200)
        assert phone.replies[-1].code == 200

    def test_no_branch_to_that_user(self) -> None:
        with pytest.raises(LookupError, match="'a'"):
            kamailio(lambda ksr: 1).branch("a")

    def test_branch_that_has_ended_cannot_time_out(self) -> None:
        phone = kamailio(ring("sip:a@127.0.0.51"))
        phone.receive(Request())
        phone.answer("a", 486)
        with pytest.raises(ValueError, match="486"):
            phone.time_out("a")

    def test_variables_do_not_reach_another_process(self) -> None:
        seen: list[object] = []

        def route(ksr: "Api") -> None:
            ksr.pv.sets("$var(x)", "here")
            ring("sip:a@127.0.0.51", on_failure="on_failure")(ksr)

        phone = kamailio(route, on_failure=lambda ksr: seen.append(ksr.pv.get("$var(x)")))
        phone.receive(Request())
        phone.answer("a", 486)
        assert seen == [0]


class TestCaller:
    def test_hangs_up(self) -> None:
        def route(ksr: "Api") -> None:
            if ksr.is_CANCEL():
                ksr.tm.t_relay()
            else:
                ring("sip:a@127.0.0.51")(ksr)

        phone, call = kamailio(route), Request()
        phone.receive(call)
        phone.answer("a", 180)
        phone.receive(call.cancel())
        assert phone.branch("a").cancel_sent
        assert phone.transaction.canceled
        assert [reply.code for reply in phone.replies] == [180, 200]

    def test_without_an_answer_is_noticed(self) -> None:
        call = Request()
        phone = kamailio(lambda ksr: ksr.tm.t_newtran())
        phone.receive(call)
        assert phone.unanswered == [call]

    def test_with_an_answer(self) -> None:
        phone = kamailio(lambda ksr: [ksr.tm.t_newtran(), ksr.tm.t_reply(404, "Not Found")])
        phone.receive(Request())
        assert phone.unanswered == []
        assert (phone.replies[0].code, phone.replies[0].reason) == (404, "Not Found")

    def test_ack_of_a_stateless_answer_does_not_reach_the_script(self) -> None:
        methods: list[object] = []

        def route(ksr: "Api") -> None:
            methods.append(ksr.pv.get("$rm"))
            ksr.sl.sl_send_reply(404, "Not Found")

        phone, call = kamailio(route), Request()
        phone.receive(call)
        phone.receive(call.ack("sl-tag"))
        assert methods == ["INVITE"]


class TestLines:
    def test_registered_by_the_test(self) -> None:
        phone = kamailio(lambda ksr: ksr.registrar.lookup_to_dset("location", "sip:desk@x"))
        phone.register("desk", "sip:desk@127.0.0.51", "sip:desk@127.0.0.52")
        assert phone.location == {"desk": ["sip:desk@127.0.0.51", "sip:desk@127.0.0.52"]}

    def test_other_table_is_refused(self) -> None:
        with pytest.raises(NotImplementedError, match="locations"):
            ask(lambda ksr: ksr.registrar.lookup_uri("locations", "sip:desk@x"))

    def test_stale_nonce(self) -> None:
        codes: list[int] = []

        def route(ksr: "Api") -> None:
            codes.append(ksr.auth.pv_auth_check("realm", "secret", 0, 0))
            ksr.auth.auth_challenge("realm", 1)

        phone, first = kamailio(route), Request("REGISTER")
        phone.receive(first)
        challenge = phone.replies[0].headers.get("WWW-Authenticate") or ""
        phone.expire_nonces()
        phone.receive(first.with_credentials(challenge, "desk", "secret"))
        phone.receive(first.with_credentials(challenge, "desk", "secret"))
        assert codes == [-5, -4, -6]
