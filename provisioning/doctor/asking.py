# SPDX-License-Identifier: GPL-2.0-or-later
"""Asking others, within a bound, and what is found where they do not answer."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import TypeVar

from kemi_routing import hops
from provisioning.doctor.finding import Finding, Level, fail

ANSWER_S = 1.0

T = TypeVar("T")
Over = Callable[[socket.socket], socket.socket]
"""Lays something over a TCP connection, or nothing; raises OSError."""


def ask(at: tuple[str, int], source: str, question: Callable[[tuple[str, int]], bytes],
        read: Callable[[bytes], T | None], over: Over | None = None) -> tuple[T, float]:
    """What ``read`` makes of the first datagram that it takes for the answer, or of all that came
    so far where it is ``over`` a stream; and the seconds.

    ``question`` is given our own address. Raises OSError; TimeoutError after ``ANSWER_S``.
    """
    address = _resolved(at[0])
    began, heard = time.monotonic(), b""
    kind = socket.SOCK_STREAM if over else socket.SOCK_DGRAM
    with ExitStack() as ends:
        asking = ends.enter_context(socket.socket(family(address), kind))
        if family(source) is family(address):
            asking.bind((source, 0))  # who answers us only must see that it is us
        asking.settimeout(ANSWER_S)
        asking.connect((address, at[1]))
        if over:
            asking = ends.enter_context(over(asking))
        asking.sendall(question(asking.getsockname()))
        while (left_s := began + ANSWER_S - time.monotonic()) > 0:
            asking.settimeout(left_s)
            came = asking.recv(65535)
            if over and not came:
                raise ConnectionResetError("the connection was closed")
            heard = heard + came if over else came
            if (answer := read(heard)) is not None:
                return answer, time.monotonic() - began
    raise TimeoutError


def finding(about: str, place: str, what: str, mend: str,
            said: Callable[[str, int], Finding]) -> Finding:
    """What ``said`` finds of the host and port of a place, or that it does not answer."""
    try:
        return said(hops.host_of(place), hops.port_of(place))
    except TimeoutError:
        return fail(about, f"{place} does not answer {what} within {ANSWER_S:g} s", mend)
    except OSError as error:
        return fail(about, f"{place} cannot be asked: {error.strerror or error}", mend)


def one_is_enough(places: Sequence[str], asked: Callable[[str], Finding]) -> list[Finding]:
    """One that does not answer is no failure while another does."""
    with ThreadPoolExecutor(max_workers=len(places)) as pool:
        found = list(pool.map(asked, places))
    if all(one.level is Level.FAIL for one in found):
        return found
    return [replace(one, level=Level.WARN) if one.level is Level.FAIL else one for one in found]


def family(address: str) -> socket.AddressFamily:
    """Names are looked up as IPv4, as kamailio.cfg has it."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _resolved(host: str) -> str:
    """The address of a host; the resolver itself may wait for ten seconds. Raises OSError."""
    found: list[str] = []
    errors: list[OSError | UnicodeError] = []

    def resolve() -> None:
        try:
            first = socket.getaddrinfo(host, None, family(host), socket.SOCK_DGRAM)[0]
            found.append(str(first[4][0]))
        except (OSError, UnicodeError) as error:
            errors.append(error)

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(ANSWER_S)
    if not found:
        raise OSError(str(errors[0]) if errors else f"no address of {host} within {ANSWER_S:g} s")
    return found[0]
