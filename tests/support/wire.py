# SPDX-License-Identifier: GPL-2.0-or-later
"""When UDP datagrams left, by the kernel's clock.

On a busy machine a stand-in notes what it hears when its turn comes, which may be late; when the
proxy sent it is not the stand-in's to say. Where packet(7) sockets are not permitted nothing is
known, and the clocks of the stand-ins have to do.
"""

import ctypes
import socket
import struct
from contextlib import suppress

_ETH_P_IP = 0x0800
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 26, 33, 35  # asm-generic/socket.h
_TIMESPEC = struct.Struct("@ll")
_BUFFER = 64 << 20
_LARGEST = 65535
_UDP = 17

_captures: dict[int, "_Capture"] = {}
"""By N of the network 127.0.N.x."""


def listen(network: int) -> None:
    """Begin to note what leaves from 127.0.N.x."""
    with suppress(PermissionError):
        _captures[network] = _Capture(network)


def forget(network: int) -> None:
    """Stop that."""
    if capture := _captures.pop(network, None):
        capture.close()


def left_at(address: str, datagram: bytes) -> float | None:
    """When a datagram that somebody of this address's network sent left first, in seconds since
    the epoch; None where that was not noted.
    """
    capture = _captures.get(int(address.split(".")[2])) if address.count(".") == 3 else None
    return capture.left_at(datagram) if capture else None


class _Capture:
    """The kernel keeps the packets with their times until they are asked for; it drops what is too
    much.
    """

    def __init__(self, network: int) -> None:
        self._times: dict[bytes, float] = {}
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        program = _udp_from(network)
        kept = ctypes.create_string_buffer(program)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack(
            "HL", len(program) // 8, ctypes.addressof(kept)))
        self._socket.bind(("lo", _ETH_P_IP))
        self._socket.setblocking(False)

    def left_at(self, datagram: bytes) -> float | None:
        """See the function of this name."""
        self._drain()
        return self._times.get(datagram.strip())

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def _drain(self) -> None:
        space = socket.CMSG_SPACE(_TIMESPEC.size)
        with suppress(BlockingIOError):
            while True:
                packet, told, _, _ = self._socket.recvmsg(_LARGEST, space)
                header = 4 * (packet[0] & 15) + 8
                seconds, nanoseconds = _TIMESPEC.unpack(told[0][2])
                self._times.setdefault(packet[header:].strip(), seconds + nanoseconds / 1e9)


def _udp_from(network: int) -> bytes:
    """A filter of bpf(4): UDP over IPv4 from 127.0.N.0/24."""
    load_byte, load_word, both, equal, give = 0x30, 0x20, 0x54, 0x15, 0x06
    return b"".join(struct.pack("HBBI", *row) for row in (
        (load_byte, 0, 0, 9), (equal, 0, 4, _UDP),
        (load_word, 0, 0, 12), (both, 0, 0, 0xFFFFFF00), (equal, 0, 1, 127 << 24 | network << 8),
        (give, 0, 0, _LARGEST), (give, 0, 0, 0)))
