# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake's nathelper and rtpengine functions."""

from tests.support.fake_message import Part
from tests.support.fake_state import Edit, Process
from tests.support.sip_message import full_name, parse_name_addr


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


class Rtpengine(Part):
    """An rtpengine that answers where a test lets it; in place of SDP it adds a header."""

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self.answers = False
        self.deleted: list[str] = []
        """Call-IDs."""

    def rtpengine_manage(self, flags: str) -> int:
        if not self.answers:
            return -1
        self._message.edits.append(Edit("append", "", f"X-Relayed: {flags or 'whole call'}\r\n"))
        return 1

    def rtpengine_delete(self, flags: str) -> int:
        if not self.answers:
            return -1
        self.deleted.append(self._message.lines.get("Call-ID") or "")
        return 1
