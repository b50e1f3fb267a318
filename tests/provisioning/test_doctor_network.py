# SPDX-License-Identifier: GPL-2.0-or-later
"""What the doctor says of those whom a proxy talks to, and of its own sockets."""

import socket
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kemi_routing.network import Network, Server
from kemi_routing.settings import Tls
from provisioning.doctor import asking, network
from provisioning.doctor.finding import Level, Patient
from tests.provisioning.examined import PATIENT, SETTINGS, said
from tests.support.answering import Answer, answering, answering_stream, response
from tests.support.builders import trunk
from tests.support.certificate import self_signed
from tests.support.loopback import free_udp_port


def within(**fields: Any) -> Patient:
    return replace(PATIENT, settings=SETTINGS.with_network(Network(**fields)))


def with_gateways(*places: str) -> Patient:
    return within(gateways=tuple(map(Server, places)))


class TestGateway:
    @pytest.mark.parametrize(("status", "level"), [
        ("200 OK", "OK"), ("404 Not Found", "OK"), ("405 Method Not Allowed", "OK"),
        ("503 Service \x1b[31m Unavailable", "WARN")])
    def test_that_answers(self, status: str, level: str) -> None:
        with answering(response(status)) as port:
            patient = with_gateways(f"127.0.0.1:{port}")
            (line,) = said(network.gateways, patient)
        shown = status.replace("\x1b", "?")
        assert line.startswith(f"{level} gateway 127.0.0.1:{port} answers {shown} after ")

    @pytest.mark.parametrize("transport", ["tcp", "tls"])
    def test_that_answers_over_a_connection(self, transport: str, tmp_path: Path) -> None:
        certificate = str(self_signed(tmp_path))
        key = str(Path(certificate).with_suffix(".key"))
        own = certificate if transport == "tls" else ""
        with answering_stream(response("200 OK"), own) as port:
            at = f"127.0.0.1:{port};transport={transport}"
            patient = within(gateways=(Server(at),))
            chosen = replace(patient.settings, tls=Tls(5061, certificate, key))
            (line,) = said(network.gateways, replace(patient, settings=chosen))
        assert line.startswith(f"OK gateway {at} answers 200 OK after ")

    def test_that_closes_the_connection(self) -> None:
        with answering_stream(lambda _: [b"HTTP/1.1 400 Bad Request\r\n\r\n"]) as port:
            at = f"127.0.0.1:{port};transport=tcp"
            (line,) = said(network.gateways, with_gateways(at))
        assert line.startswith(f"FAIL gateway {at} cannot be asked: the connection was closed; ")

    def test_over_tls_where_this_proxy_speaks_none(self) -> None:
        at = "127.0.0.1:5061;transport=tls"
        assert said(network.gateways, with_gateways(at)) == [
            f"FAIL gateway {at}: this proxy speaks no TLS; set FOLLOWME_TLS_PORT"]

    @pytest.mark.parametrize("answer", [lambda _: [], lambda _: [b"SIP/2.0 200 OK\r\n\r\n"]],
                             ids=["silent", "answers somebody else"])
    def test_that_does_not(self, monkeypatch: pytest.MonkeyPatch,
                           answer: Answer) -> None:
        monkeypatch.setattr(asking, "ANSWER_S", 0.1)
        with answering(answer) as port:
            patient = within(media_servers=(Server(f"localhost:{port}"),))
            (line,) = said(network.media_servers, patient)
        assert line == (f"FAIL media server localhost:{port} does not answer OPTIONS within 0.1 s; "
                        f"look at {network.FILE}")

    @pytest.mark.parametrize(("place", "why"), [
        ("127.0.0.1:1", "cannot be asked: Connection refused"),
        ("no-such-host.invalid:5060", "cannot be asked: "),
        ("[::1]:1", "cannot be asked: "),
        ("gw..example:5060", "cannot be asked: "),
        ("255.255.255.255:5060", "cannot be asked: "),
    ])
    def test_that_cannot_be_asked(self, place: str, why: str) -> None:
        (line,) = said(network.gateways, with_gateways(place))
        assert line.startswith(f"FAIL gateway {place} {why}")

    def test_whose_name_nobody_resolves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = threading.Event()

        def slow(*_: object) -> None:
            asked.wait(5)
            raise socket.gaierror

        monkeypatch.setattr(socket, "getaddrinfo", slow)
        monkeypatch.setattr(asking, "ANSWER_S", 0.05)
        patient = with_gateways("gw.example:5060")
        (line,) = said(network.gateways, patient)
        asked.set()
        assert "no address of gw.example within 0.05 s" in line

    def test_that_does_not_while_another_does(self) -> None:
        with answering(response("200 OK")) as port:
            lines = said(network.gateways, with_gateways("127.0.0.1:1", f"127.0.0.1:{port}"))
        assert lines[0].startswith("WARN gateway 127.0.0.1:1 cannot be asked")
        assert lines[1].startswith(f"OK gateway 127.0.0.1:{port} answers 200 OK")

    @pytest.mark.parametrize("at", ["127.0.0.1:5060", "127.0.0.1:5060;transport=tcp"])
    def test_that_is_ourselves(self, at: str) -> None:
        patient = with_gateways(at)
        assert said(network.gateways, patient) == [
            "FAIL gateway 127.0.0.1:5060 is this proxy itself; "
            f"let {network.FILE} name where outside numbers go"]

    def test_no_gateway(self) -> None:
        assert said(network.gateways) == [
            f"WARN gateway none: outside numbers are left out; apply {network.FILE}"]

    def test_nothing_is_known_without_the_store(self) -> None:
        unknown = replace(PATIENT, settings=replace(SETTINGS, network_known=False))
        assert [said(check, unknown) for check in (
            network.trunks, network.gateways, network.media_servers)] == [
                ["FAIL trunks not known, nor are gateways and media servers: the store does not "
                 "answer; mend redis first"], [], []]

    def test_for_iax_is_asked_where_there_is_one(self) -> None:
        assert said(network.iax_gateways) == []
        with answering(response("200 OK")) as port:
            (line,) = said(network.iax_gateways, within(
                iax_gateways=(Server(f"127.0.0.1:{port}"),)))
        assert line.startswith(f"OK IAX gateway 127.0.0.1:{port} answers 200 OK")

    def test_no_media_server(self) -> None:
        assert said(network.media_servers) == [
            "OK media server none: voicemail and other applications are left out"]


class TestSockets:
    @pytest.mark.parametrize(("taken", "bad"), [("", []), ("PORT", ["address"]),
                                                ("SPIRAL_PORT", ["spiral port"])])
    def test_before_the_start(self, taken: str, bad: list[str]) -> None:
        ports = {"PORT": free_udp_port("127.0.0.9"), "SPIRAL_PORT": free_udp_port()}
        with ExitStack() as held:
            if taken:
                other = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                other.bind(("127.0.0.9" if taken == "PORT" else "127.0.0.1", ports[taken]))
            chosen = replace(SETTINGS, address="127.0.0.9", port=ports["PORT"],
                             spiral_port=ports["SPIRAL_PORT"])
            found = list(network.sockets(replace(PATIENT, settings=chosen, before_start=True)))
        assert [one.about for one in found if one.level is Level.FAIL] == bad
        assert all("Address already in use" in one.what for one in found if one.about in bad
                   and one.level is Level.FAIL)

    def test_of_another_machine(self) -> None:
        chosen = replace(SETTINGS, address="192.0.2.1")
        found = said(network.sockets, replace(PATIENT, settings=chosen, before_start=True))
        assert found[0] == ("FAIL address 192.0.2.1:5060 cannot be listened at: Cannot assign "
                            "requested address; look at FOLLOWME_ADDRESS, FOLLOWME_PORT")

    def test_of_another_machine_by_ipv6(self) -> None:
        chosen = replace(SETTINGS, address6="2001:db8::10")
        found = said(network.sockets, replace(PATIENT, settings=chosen, before_start=True))
        told = "FAIL IPv6 address [2001:db8::10]:5060 cannot be listened at: Cannot assign "
        assert sum(line.startswith(told) for line in found) == 1

    @pytest.mark.parametrize("taken", ["TLS port", "cluster"])
    @pytest.mark.parametrize("before_start", [True, False])
    def test_of_tls_and_of_the_cluster(self, taken: str, *, before_start: bool) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as held:
            held.bind(("127.0.0.9", 0))
            held.listen()
            ports = {"TLS port": free_udp_port(), "cluster": free_udp_port()}
            ports[taken] = held.getsockname()[1]
            chosen = replace(
                SETTINGS, address="127.0.0.9", tls=Tls(ports["TLS port"], "", ""),
                cluster=f"127.0.0.9:{ports['cluster']}", cluster_port=ports["cluster"])
            found = network.sockets(
                replace(PATIENT, settings=chosen, before_start=before_start))
            levels = {one.about: one.level for one in found if one.about in ports}
        assert {about for about, level in levels.items() if level is Level.FAIL} == (
            {taken} if before_start else ports.keys() - {taken})
        assert levels.keys() == ports.keys()

    @pytest.mark.parametrize(("listens", "level"), [(True, "OK"), (False, "FAIL")])
    def test_of_a_kamailio_that_runs(self, *, listens: bool, level: str) -> None:
        with (answering(response("200 OK")) as port,
              socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as spiral):
            spiral.bind(("127.0.0.1", 0))
            chosen = replace(SETTINGS, port=port, spiral_port=spiral.getsockname()[1])
            if not listens:
                spiral.close()
            found = said(network.sockets, replace(PATIENT, settings=chosen))
        assert found[0].startswith(f"OK address 127.0.0.1:{port} answers 200")
        assert found[1].startswith(f"{level} spiral port")
        assert found[2].startswith("WARN address only this machine reaches 127.0.0.1; set")

    def test_trunks(self) -> None:
        assert said(network.trunks, within(trunks=(trunk("192.0.2.1", name="carrier"),))) == [
            "OK trunks carrier"]
        assert said(network.trunks) == [
            f"WARN trunks none: only lines may call; apply {network.FILE}"]
