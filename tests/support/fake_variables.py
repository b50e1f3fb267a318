# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake's pseudo-variables: the functions of KSR.pv and some of KSR.pvx."""

import re
from collections.abc import Callable

from tests.support.fake_message import Core, Part
from tests.support.fake_state import Appended, Message, Misuse, Process, Route, Value
from tests.support.sip_message import (
    Headers,
    NameAddr,
    Uri,
    auth_params,
    parse_name_addr,
    parse_uri,
)

INT_MAX = 2**31 - 1

_NAME = re.compile(r"\$(?:\((?P<long>.+?)(?:\[(?P<index>-?\d+|\*)\])?\)|(?P<short>.+))$")
_INNER = re.compile(r"(?P<name>[a-zA-Z_]+0?)(?:\((?P<inner>[^()]*)\))?$")
_ATOI = re.compile(r"\d+")
_BRANCH = re.compile(r"[^,]*;\s*branch=([^;,\s]+)")


class Variable:
    """A variable's name taken apart: `$(avp(x)[1])` is name avp, inner x, index 1."""

    def __init__(self, text: str) -> None:
        outer = _NAME.match(text)
        match = _INNER.match((outer["long"] or outer["short"]) if outer else "")
        if outer is None or match is None:
            raise NotImplementedError(f"the fake does not model the variable {text}")
        self.text = text
        self.name: str = match["name"]
        self.inner: str = (match["inner"] or "").removeprefix("s:")
        self.index: str = outer["index"] or ""


def _of_dialog(message: Message) -> Headers:
    """What an answer repeats of its request, where a test did not write it."""
    return message.request.lines if message.reply else Headers()


def _address(message: Message, header: str) -> NameAddr:
    """The header taken apart; bytes that are not UTF-8 matter only in the part that is read."""
    lines = (*message.lines, *_of_dialog(message))
    value = next((line.value for line in lines if line.named(header)), "")
    text = value if isinstance(value, str) else value.decode(errors="surrogateescape")
    return parse_name_addr(text)


def _decoded(part: str | None) -> str | None:
    """As Python gets it. Raises UnicodeDecodeError when it is not UTF-8."""
    return part and part.encode(errors="surrogateescape").decode()


def _uri(message: Message) -> Uri | None:
    # In a reply there is no R-URI.
    return None if message.reply else parse_uri(message.uri)


def _part(uri: Uri | None, name: str) -> str | None:
    return (getattr(uri, name) or None) if uri else None


def _port(uri: Uri | None) -> str | None:
    return str(uri.port or 5060) if uri else None


def _header(message: Message, variable: Variable) -> str | None:
    found = [header for header in message.lines if header.named(variable.inner)]
    if variable.index == "*":
        return ",".join(header.text.lstrip() for header in found) or None
    position = int(variable.index or 0)
    return found[position].text.lstrip() if position < len(found) else None


def _credentials(message: Message) -> dict[str, str]:
    value = message.lines.get("Authorization") or message.lines.get("Proxy-Authorization") or ""
    return auth_params(value) if value.startswith("Digest") else {}


Reader = Callable[[Message], Value | None]

OF_ADDRESS: dict[str, Callable[[NameAddr], str | None]] = {
    "u": lambda address: address.uri,
    "U": lambda address: _part(parse_uri(address.uri), "user"),
    "d": lambda address: _part(parse_uri(address.uri), "host"),
    "n": lambda address: address.display or None,
    "t": lambda address: address.params.get("tag") or None,
}


def _of_address(header: str, letter: str) -> Reader:
    read = OF_ADDRESS[letter]
    return lambda message: _decoded(read(_address(message, header)))


OF_MESSAGE: dict[str, Reader] = {
    "ru": lambda message: message.uri if _uri(message) else None,
    "rU": lambda message: _part(_uri(message), "user"),
    "rd": lambda message: _part(_uri(message), "host"),
    "rp": lambda message: _port(_uri(message)),
    "rP": lambda message: "UDP",
    "ou": lambda message: message.request.uri,
    "oU": lambda message: _part(parse_uri(message.request.uri), "user"),
    "od": lambda message: _part(parse_uri(message.request.uri), "host"),
    "du": lambda message: message.dst_uri or None,
    "dd": lambda message: _part(parse_uri(message.dst_uri), "host"),
    "dp": lambda message: _port(parse_uri(message.dst_uri)) if message.dst_uri else None,
    "rm": lambda message: message.request.method,
    "rs": lambda message: message.reply.code if message.reply else None,
    "rr": lambda message: message.reply.reason if message.reply else None,
    "ci": lambda message: (message.lines.get("Call-ID")
                           or _of_dialog(message).get("Call-ID") or message.request.call_id),
    "cs": lambda message: (message.lines.get("CSeq") or "").partition(" ")[0],
    "ct": lambda message: message.lines.get("Contact"),
    "ua": lambda message: message.lines.get("User-Agent"),
    "ai": lambda message: _decoded(_address(message, "P-Asserted-Identity").uri or None),
    "si": lambda message: message.source.ip,
    "sp": lambda message: message.source.port,
    "su": lambda message: "sip:{}:{}".format(*message.source),
    "sas": lambda message: "udp:{}:{}".format(*message.source),
    "Ri": lambda message: message.request.received.ip,
    "Rp": lambda message: message.request.received.port,
    "pr": lambda message: message.request.transport.lower(),
    "proto": lambda message: message.request.transport.lower(),
    "ml": lambda message: len(message.request.wire()),
    "au": lambda message: _credentials(message).get("username"),
    "aU": lambda message: _credentials(message).get("username"),
    "ad": lambda message: "" if _credentials(message) else None,
    "ar": lambda message: _credentials(message).get("realm"),
    "adu": lambda message: _credentials(message).get("uri"),
    **{f"f{letter}": _of_address("From", letter) for letter in OF_ADDRESS},
    **{f"t{letter}": _of_address("To", letter) for letter in OF_ADDRESS},
}


OF_BRANCH: dict[str, Callable[[Appended], Value | None]] = {
    "uri": lambda branch: branch.uri,
    "dst_uri": lambda branch: branch.dst_uri or None,
    "path": lambda _: None,  # no Path is modelled
    "send_socket": lambda branch: branch.send_socket or None,
    "flags": lambda branch: sum(1 << flag for flag in branch.flags),
    "instance": lambda branch: branch.instance or None,
}


class Pv(Part):
    """Reading and writing variables."""

    def __init__(self, process: Process, core: Core) -> None:
        super().__init__(process)
        self._core = core
        self._readers: dict[str, Callable[[Variable], Value | None]] = {
            "hdr": lambda variable: _header(self._message, variable),
            "avp": self._avp,
            "xavp": self._xavp,
            "var": lambda variable: process.variables.get(variable.inner, 0),
            "branch": self._branch,
            "ulc": self._fetched,
            "T": self._transaction_id,
            "via0": self._of_via,
            "Ts": lambda _: process.time_s,
            "T_branch_idx": self._branch_index,
            "T_reply_code": self._reply_code,
            "T_reply_last": self._reply_last,
        }

    def add(self, name: str, reader: Callable[[Variable], Value | None]) -> None:
        """A variable of another module."""
        self._readers[name] = reader

    def get(self, name: str) -> Value | None:
        if name.startswith("$T_rpl("):
            return self._of_answer(Variable(name.removeprefix("$T_rpl(").removesuffix(")")))
        if name.startswith("$T_req("):
            return self._of_request(Variable(name.removeprefix("$T_req(").removesuffix(")")))
        if name == "$(mb{line.at,0})":
            return self._message.request.start_line
        if name == "$(rb{s.encode.hexa})":
            return (self._message.reply or self._message.request).body.encode().hex() or None
        variable = Variable(name)
        if variable.name in OF_MESSAGE:
            return OF_MESSAGE[variable.name](self._message)
        reader = self._readers.get(variable.name)
        if reader is None:
            raise NotImplementedError(f"the fake does not model the variable {name}")
        return reader(variable)

    def gete(self, name: str) -> Value:
        return self.getvs(name, "")

    def getw(self, name: str) -> Value:
        return self.getvs(name, "<null>")

    def getvs(self, name: str, default: str) -> Value:
        value = self.get(name)
        return default if value is None else value

    def getvn(self, name: str, default: int) -> Value:
        value = self.get(name)
        return default if value is None else value

    def geti(self, name: str) -> int:
        value = self.get(name) or 0
        if isinstance(value, int):
            return value
        number = _ATOI.match(value)
        return min(int(number[0]), INT_MAX) if number else 0

    def is_null(self, name: str) -> bool:
        return self.get(name) is None

    def sets(self, name: str, value: str) -> bool:
        return self._write(Variable(name), value)

    def seti(self, name: str, value: int) -> bool:
        return self._write(Variable(name), value)

    def unset(self, name: str) -> bool:
        variable = Variable(name)
        if variable.name == "avp":
            values = self._process.avps.get(variable.inner, [])
            del values[: None if variable.index == "*" else 1]
        elif variable.name == "var":
            self._process.variables.pop(variable.inner, None)
        elif variable.name == "du":
            self._message.dst_uri = ""
        elif variable.name == "xavp" and variable.inner.endswith("[*]"):
            self._process.xavps.pop(variable.inner.removesuffix("[*]"), None)
        elif variable.name == "branch" and variable.inner == "uri":
            position = int(variable.index or 0)
            del self._process.dset[position:position + 1]
        else:
            raise NotImplementedError(f"the fake cannot unset {name}")
        return True

    def _write(self, variable: Variable, value: Value) -> bool:
        name, inner = variable.name, variable.inner
        if name == "avp":
            self._process.avps.setdefault(inner, []).insert(0, value)
        elif name == "var":
            self._process.variables[inner] = value
        elif name == "xavp":
            root, _, field = inner.partition("=>")
            self._process.xavps.setdefault(root, []).insert(0, {field: value})
        elif name in ("ru", "rU", "rd", "du") and isinstance(value, str):
            core = self._core
            {"ru": core.seturi, "rU": core.setuser, "rd": self._set_host, "du": core.setdsturi}[
                name
            ](value)
        else:
            raise Misuse(f"{variable.text} cannot be written; Kamailio says True and does nothing")
        return True

    def _set_host(self, host: str) -> bool:
        old = parse_uri(self._message.uri)
        return self._core.sethost(f"{host}:{old.port}" if old and old.port else host)

    def _avp(self, variable: Variable) -> Value | None:
        values = self._process.avps.get(variable.inner, [])
        if variable.index == "*":
            return ", ".join(map(str, values))
        position = int(variable.index or 0)
        return values[position] if position < len(values) else None

    def _xavp(self, variable: Variable) -> Value | None:
        root, _, field = variable.inner.partition("=>")
        values = self._process.xavps.get(root)
        return values[0].get(field) if values else None

    def _branch(self, variable: Variable) -> Value | None:
        dset = self._process.dset
        if variable.inner == "count":
            return len(dset) or None
        position = int(variable.index or 0)
        if position >= len(dset):
            return None
        read = OF_BRANCH.get(variable.inner)
        if read is None:
            raise NotImplementedError(f"the fake does not model the variable {variable.text}")
        return read(dset[position])

    def _fetched(self, variable: Variable) -> Value | None:
        profile, _, field = variable.inner.partition("=>")
        contacts = self._process.fetched.get(profile, [])
        if field == "count":
            return len(contacts)
        position = int(variable.index or 0)
        return (contacts[position][field] or None) if position < len(contacts) else None

    def _branch_index(self, _: Variable) -> int:
        """As pv_get_tm_branch_idx() of tmx: in a failure route a count, not an index."""
        process = self._process
        if process.route is Route.REQUEST:
            return len(process.dset)
        if process.route is Route.FAILURE and process.transaction:
            return len(process.transaction.branches) + len(process.dset)
        return process.branch_index

    def _of_answer(self, variable: Variable) -> Value | None:
        """What stands in the answer of the branch that a failure route looks at."""
        process, transaction = self._process, self._process.transaction
        if transaction is None or process.route not in (Route.FAILURE, Route.BRANCH_FAILURE):
            return None
        answer = transaction.branches[transaction.picked].answer
        if answer is None:
            return None
        message = Message(transaction.request, reply=answer)
        if variable.name == "hdr":
            return _header(message, variable)
        return OF_MESSAGE[variable.name](message)

    def _of_request(self, variable: Variable) -> Value | None:
        """What stood in the request whose answer is looked at."""
        transaction = self._process.transaction
        if transaction is None:
            return None
        message = Message(transaction.request)
        if variable.name == "hdr":
            return _header(message, variable)
        return OF_MESSAGE[variable.name](message)

    def _transaction_id(self, variable: Variable) -> int | None:
        transaction = self._process.transaction
        parts = ("id_index", "id_label")
        return transaction.ident[parts.index(variable.inner)] if transaction else None

    def _reply_last(self, _: Variable) -> int | None:
        """As tm has it while it runs the reply route."""
        process, transaction = self._process, self._process.transaction
        if process.route is not Route.REPLY or transaction is None or self._message.reply is None:
            return None
        return max(transaction.branches[process.branch_index].status, self._message.reply.code)

    def _of_via(self, variable: Variable) -> str | None:
        if variable.inner != "branch":
            raise NotImplementedError(f"the fake does not model the variable {variable.text}")
        found = _BRANCH.match(self._message.lines.get("Via") or "")
        return found[1] if found else None

    def _reply_code(self, _: Variable) -> int:
        process, transaction = self._process, self._process.transaction
        if process.route is Route.REPLY and self._message.reply:
            return self._message.reply.code
        if transaction is None:
            return 0
        if process.route in (Route.FAILURE, Route.BRANCH_FAILURE):
            return transaction.branches[transaction.picked].status
        return transaction.status


class Pvx(Part):
    """AVPs and script variables by bare name."""

    def __init__(self, process: Process, pv: Pv) -> None:
        super().__init__(process)
        self._pv = pv

    def avp_get(self, name: str) -> Value | None:
        return self._pv.get(f"$avp({name})")

    def avp_gete(self, name: str) -> Value:
        return self._pv.gete(f"$avp({name})")

    def avp_getw(self, name: str) -> Value:
        return self._pv.getw(f"$avp({name})")

    def avp_is_null(self, name: str) -> int:
        return 1 if self._pv.is_null(f"$avp({name})") else -1

    def avp_sets(self, name: str, value: str) -> int:
        return int(self._pv.sets(f"$avp({name})", value))

    def avp_seti(self, name: str, value: int) -> int:
        return int(self._pv.seti(f"$avp({name})", value))

    def avp_rm(self, name: str) -> int:
        return int(self._pv.unset(f"$avp({name})"))

    def xavp_child_sets(self, root: str, field: str, value: str) -> int:
        return self._set_child(root, field, value)

    def xavp_child_seti(self, root: str, field: str, value: int) -> int:
        return self._set_child(root, field, value)

    def _set_child(self, root: str, field: str, value: Value) -> int:
        self._process.xavps.setdefault(root, [{}])[0][field] = value
        return 1

    def var_get(self, name: str) -> Value:
        return self._pv.gete(f"$var({name})")

    def var_sets(self, name: str, value: str) -> int:
        return int(self._pv.sets(f"$var({name})", value))

    def var_seti(self, name: str, value: int) -> int:
        return int(self._pv.seti(f"$var({name})", value))
