# SPDX-License-Identifier: GPL-2.0-or-later
"""Asking others by UDP, within a bound, and what is found where they do not answer."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from provisioning.doctor.finding import Finding, Level, fail

ANSWER_S = 1.0

T = TypeVar("T")


def ask(host: str, port: int, source: str, question: Callable[[tuple[str, int]], bytes],
        read: Callable[[bytes], T | None]) -> tuple[T, float]:
    """What ``read`` makes of the first datagram that it takes for the answer, and the seconds.

    ``question`` is given our own address. Raises OSError; TimeoutError after ``ANSWER_S``.
    """
    address = _resolved(host)
    with socket.socket(family(address), socket.SOCK_DGRAM) as asking:
        if family(source) is family(address):
            asking.bind((source, 0))  # who answers us only must see that it is us
        asking.connect((address, port))
        began = time.monotonic()
        asking.send(question(asking.getsockname()))
        while (left_s := began + ANSWER_S - time.monotonic()) > 0:
            asking.settimeout(left_s)
            if (answer := read(asking.recv(65535))) is not None:
                return answer, time.monotonic() - began
    raise TimeoutError


def finding(about: str, place: str, what: str, mend: str,
            said: Callable[[str, int], Finding]) -> Finding:
    """What ``said`` finds of the host and port of a place, or that it does not answer."""
    host, _, port = place.rpartition(":")
    try:
        return said(host.strip("[]"), int(port))
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
