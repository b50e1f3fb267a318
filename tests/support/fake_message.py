# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake's core, hdr, maxfwd, sanity, siputils, textopsx and uac functions."""

from dataclasses import replace

from tests.support.fake_state import Edit, Message, Misuse, Process, Route, checked_header
from tests.support.sip_message import NameAddr, full_name, parse_name_addr, parse_uri

METHOD_LETTERS = {
    "I": "INVITE", "A": "ACK", "B": "BYE", "C": "CANCEL", "R": "REGISTER", "M": "MESSAGE",
    "E": "PRACK", "P": "PUBLISH", "S": "SUBSCRIBE", "N": "NOTIFY", "O": "OPTIONS",
    "F": "REFER", "U": "UPDATE",
}  # fmt: skip


class Part:
    """A module of the fake; its public methods are KSR functions."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def _message(self) -> Message:
        return self._process.message

    def _header(self, name: str) -> str | None:
        return self._message.lines.get(name)

    def _address(self, name: str) -> NameAddr:
        return parse_name_addr(self._header(name) or "")


class Core(Part):
    """Functions directly under KSR."""

    def _write(self, level: str, text: str) -> int:
        self._process.log.append((level, text))
        return 0

    def dbg(self, text: str) -> int:
        return self._write("dbg", text)

    def info(self, text: str) -> int:
        return self._write("info", text)

    def notice(self, text: str) -> int:
        return self._write("notice", text)

    def warn(self, text: str) -> int:
        return self._write("warn", text)

    def err(self, text: str) -> int:
        return self._write("err", text)

    def crit(self, text: str) -> int:
        return self._write("crit", text)

    def log(self, level: str, text: str) -> int:
        return self._write(level, text)

    def is_method(self, names: str) -> bool:
        return self._message.request.method in names.upper().split("|")

    def is_method_in(self, letters: str) -> bool:
        method = self._message.request.method
        return any(METHOD_LETTERS.get(letter) == method for letter in letters.upper())

    def is_INVITE(self) -> bool:
        return self.is_method("INVITE")

    def is_ACK(self) -> bool:
        return self.is_method("ACK")

    def is_BYE(self) -> bool:
        return self.is_method("BYE")

    def is_CANCEL(self) -> bool:
        return self.is_method("CANCEL")

    def is_REGISTER(self) -> bool:
        return self.is_method("REGISTER")

    def is_OPTIONS(self) -> bool:
        return self.is_method("OPTIONS")

    def is_UDP(self) -> bool:
        return self._message.request.transport == "UDP"

    def is_TCP(self) -> bool:
        return self._message.request.transport == "TCP"

    def is_IPv4(self) -> bool:
        return ":" not in self._message.request.source.ip

    def set_drop(self) -> int:
        if self._process.route not in (Route.BRANCH, Route.REPLY):
            raise NotImplementedError("the fake models set_drop in branch and reply routes")
        self._process.dropped = True
        return 0

    def set_forward_no_connect(self) -> bool:
        self._message.connects = False
        return True

    def force_rport(self) -> bool:
        return True

    def setbflag(self, flag: int) -> bool:
        self._message.branch_flags.add(flag)
        return True

    def resetbflag(self, flag: int) -> bool:
        self._message.branch_flags.discard(flag)
        return True

    def isbflagset(self, flag: int) -> bool:
        return flag in self._message.branch_flags

    def setflag(self, flag: int) -> bool:
        self._message.flags.add(flag)
        return True

    def resetflag(self, flag: int) -> bool:
        self._message.flags.discard(flag)
        return True

    def isflagset(self, flag: int) -> bool:
        return flag in self._message.flags

    def seturi(self, uri: str) -> bool:
        if parse_uri(uri) is None:
            raise Misuse(f"no URI: {uri}; Kamailio says True, and from 6.1 on $ru is unset")
        self._message.new_uri = uri
        self._process.uri_is_new = True
        return True

    def setuser(self, user: str) -> bool:
        uri = self._message.uri
        old = parse_uri(uri)
        if old is None:
            return False
        rest = uri.partition("@")[2] or uri.partition(":")[2]
        return self.seturi(f"{old.scheme}:{user}@{rest}")

    def sethost(self, host: str) -> bool:
        old = parse_uri(self._message.uri)
        if old is None:
            return False
        user = f"{old.user}@" if old.user else ""
        params = "".join(f";{name}={value}" for name, value in old.params.items())
        return self.seturi(f"{old.scheme}:{user}{host}{params}")

    def setdsturi(self, uri: str) -> bool:
        self._message.dst_uri = uri
        return True

    def resetdsturi(self) -> bool:
        self._message.dst_uri = ""
        return True

    def isdsturiset(self) -> bool:
        return self._message.dst_uri != ""

    def is_myself(self, uri: str) -> bool:
        parsed = parse_uri(uri)
        return parsed is not None and self._process.is_local(parsed.host, parsed.port)

    def is_myself_ruri(self) -> bool:
        return self.is_myself(self._message.uri)

    def is_myself_furi(self) -> bool:
        return self.is_myself(self._address("From").uri)

    def is_myself_turi(self) -> bool:
        return self.is_myself(self._address("To").uri)

    def is_myself_srcip(self) -> bool:
        return self._process.is_local(self._message.request.source.ip, 0)


class Hdr(Part):
    """Headers: reading sees the message as received, changes are for what is sent."""

    def _edit(self, kind: str, what: str, text: str = "") -> int:
        self._message.edits.append(Edit(kind, what, text))
        return 1

    def append(self, text: str) -> int:
        return self._edit("append", "", checked_header(text))

    def insert(self, text: str) -> int:
        return self._edit("insert", "", checked_header(text))

    def insert_before(self, text: str, name: str) -> int:
        if self.is_present(name) < 0:
            raise Misuse(f"no {name} to insert before; Kamailio takes the first header then")
        return self._edit("before", name, checked_header(text))

    def remove(self, name: str) -> int:
        return self._edit("remove", name)

    def rmappend(self, name: str, text: str) -> int:
        self.remove(name)
        return self.append(text)

    def append_to_reply(self, text: str) -> int:
        self._message.reply_headers.append(checked_header(text))
        return 1

    def is_present(self, name: str) -> int:
        return 1 if any(header.named(name) for header in self._message.lines) else -1

    def get(self, name: str) -> str | None:
        return self.get_idx(name, 0)

    def gete(self, name: str) -> str:
        return self.gete_idx(name, 0)

    def getw(self, name: str) -> str:
        return self.getw_idx(name, 0)

    def get_idx(self, name: str, index: int) -> str | None:
        found = [header for header in self._message.lines if header.named(name)]
        if not -len(found) <= index < len(found):
            return None
        return found[index].text.lstrip()

    def gete_idx(self, name: str, index: int) -> str:
        return self.get_idx(name, index) or ""

    def getw_idx(self, name: str, index: int) -> str:
        value = self.get_idx(name, index)
        return "<null>" if value is None else value


class Maxfwd(Part):
    """Max-Forwards."""

    LARGEST = 70

    def _value(self) -> int:
        """As is_maxfwd_present(): -1 when there is none, -2 when it is not a number."""
        value = self._header("Max-Forwards")
        if value is None:
            return -1
        return int(value) if value.isdigit() else -2

    def process_maxfwd(self, limit: int) -> int:
        value = self._value()
        if value == -1:
            self._message.edits.append(Edit("append", "", f"Max-Forwards: {limit}\r\n"))
            return 2
        if value <= 0:
            return -1 if value == 0 else -2
        text = str(min(value - 1, self.LARGEST))
        self._message.edits.append(Edit("replace", "Max-Forwards", text))
        return 1

    def is_maxfwd_lt(self, limit: int) -> int:
        value = self._value()
        if value < 0:
            return value - 1
        return 1 if value < limit else -1


class Sanity(Part):
    """Only the checks of CSeq method and Expires are modelled; all others find nothing wrong."""

    CSEQ_METHOD, EXPIRES_VALUE = 32, 256

    def sanity_check(self, message_checks: int, uri_checks: int) -> int:
        problem = self._problem(message_checks)
        if problem:
            self._process.answer_stateless(400, problem)
        return -1 if problem else 1

    def _problem(self, checks: int) -> str:
        method = (self._header("CSeq") or "").split()[-1:]
        if checks & self.CSEQ_METHOD and method != [self._message.request.method]:
            return "CSEQ method does not match request method"
        if checks & self.EXPIRES_VALUE and not (self._header("Expires") or "0").isdigit():
            return "Invalid Expires"
        return ""


class Siputils(Part):
    """Questions about the message."""

    def has_totag(self) -> int:
        return 1 if self._address("To").params.get("tag") else -1

    def is_request(self) -> int:
        return 1 if self._message.reply is None else -1

    def is_reply(self) -> int:
        return -self.is_request()


class Textopsx(Part):
    """Changes of an answer on its way to the caller."""

    def change_reply_status(self, code: int, reason: str) -> int:
        message = self._message
        if message.reply is None:
            raise Misuse("not a reply; Kamailio writes into the request")
        same_class = code // 100 == message.reply.code // 100
        if not reason or not 100 <= code <= 699 or not (
            same_class or min(code, message.reply.code) >= 300
        ):
            return -1
        message.reply = replace(message.reply, code=code, reason=reason)
        return 1

    def remove_body(self) -> int:
        if self._message.reply is None:
            raise NotImplementedError("the fake models remove_body in reply routes")
        self._message.reply = replace(self._message.reply, body="")
        return 1


class Uac(Part):
    """Another From or To, in mode "none": nothing is restored."""

    def uac_replace_from(self, display: str, uri: str) -> int:
        return self._replace("From", display, uri)

    def uac_replace_from_uri(self, uri: str) -> int:
        """The display name stays."""
        return self._replace("From", self._address("From").display, uri)

    def uac_replace_to(self, display: str, uri: str) -> int:
        return self._replace("To", display, uri)

    def uac_replace_to_uri(self, uri: str) -> int:
        return self._replace("To", self._address("To").display, uri)

    def _replace(self, name: str, display: str, uri: str) -> int:
        edits = self._message.edits
        if any(edit.kind == "replace" and full_name(edit.what) == name.lower() for edit in edits):
            raise Misuse(f"{name} replaced twice in one message")
        old = self._address(name)
        params = "".join(f";{key}={value}" for key, value in old.params.items())
        shown = f"{display} " if display else ""
        edits.append(Edit("replace", name, f"{shown}<{uri or old.uri}>{params}"))
        return 1
