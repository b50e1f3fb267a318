# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake's nathelper, rtpengine and sdpops functions."""

from tests.support.fake_message import Part
from tests.support.fake_state import Edit, Process
from tests.support.sip_message import full_name, parse_name_addr

_SDP = "application/sdp"


class Nathelper(Part):
    """The address that a message comes from, in its Contact."""

    def set_contact_alias(self) -> int:
        message, written = self._message, self._header("Contact")
        if written is None:
            return -1
        if any(edit.kind == "replace" and full_name(edit.what) == "contact"
               for edit in message.edits):
            return -1
        own = message.source
        uri = parse_name_addr(written).uri
        alias = f"{uri};alias={own.ip}~{own.port}~1"
        shown = written.replace(uri, alias) if "<" in written else written.replace(
            uri, f"<{alias}>")
        message.edits.append(Edit("replace", "Contact", shown))
        return 1


class Sdpops(Part):
    """SDP of the message."""

    def sdp_content(self) -> int:
        kind, body = self._content()
        if kind == "multipart/mixed":  # its parts may all be something else
            return 1 if body else -1
        return 1 if kind == _SDP and body.startswith("v=0") else -1

    def sdp_content_flags(self, flags: int) -> int:
        if flags != 1:
            raise NotImplementedError("the fake models the sloppy look at the type only")
        kind, body = self._content()
        if kind == "multipart/mixed":
            return 1 if _SDP in body.lower() else -1
        return 1 if body and kind in (_SDP, "") else -1

    def _content(self) -> tuple[str, str]:
        """The type and what is of it."""
        message = self._message
        kind = (self._header("Content-Type") or "").partition(";")[0].strip().lower()
        return kind, message.request.body if message.reply is None else message.reply.body


class Rtpengine(Part):
    """An rtpengine that answers where a test lets it; in place of SDP it adds a header."""

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self.answers = False
        self.deleted: list[str] = []
        """Call-IDs."""

    def rtpengine_manage(self, flags: str) -> int:
        return self._dealt("manage", flags)

    def rtpengine_offer(self, flags: str) -> int:
        return self._dealt("offer", flags)

    def rtpengine_answer(self, flags: str) -> int:
        return self._dealt("answer", flags)

    def rtpengine_delete(self, flags: str) -> int:
        if not self.answers:
            return -1
        self.deleted.append(self._message.lines.get("Call-ID") or "")
        return 1

    def _dealt(self, how: str, flags: str) -> int:
        if not self.answers:
            return -1
        self._message.edits.append(Edit("append", "", f"X-Relayed: {how} {flags}\r\n"))
        return 1
