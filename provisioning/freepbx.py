# SPDX-License-Identifier: GPL-2.0-or-later
"""Extensions of FreePBX with their follow me, and DIDs, as its Bulk Handler exports them.

Columns: ``bulkhandlerExport`` of the modules core, voicemail and findmefollow (16.0); what a
strategy, a time and a destination do: ``functions.inc.php`` and ``views/form.php`` of findmefollow.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kemi_routing import dialplan, e164
from kemi_routing.errors import InvalidValue
from kemi_routing.limits import MAX_DELAY_S
from provisioning import freepbx_table, values
from provisioning.delimited import Cell
from provisioning.freepbx_table import SAYS_NOTHING, Row
from provisioning.importing import Draft, Import

DEFAULT_RING_S = 20
"""FOLLOWME_TIME, where a row has no ring time."""
FOLLOW_ME = "follow_me"
LIST = "follow_me_list"
NOBODY = "nobody_else"

_NO = frozenset({"", "0", "no", "false", "disabled"})
_SIP = frozenset({"", "sip", "pjsip"})
_FM = "findmefollow_"
_DESTINATION = "destination"
"""A column of the table of DIDs."""
_OUTSIDE_CID = re.compile(r"(?:.*<)?\s*(\+?[0-9]{7,15})\s*>?", re.ASCII)
_VOICEMAIL = re.compile(r"ext-local,vm[a-z]?([0-9]+),[0-9]+", re.ASCII)
_NORMAL = re.compile(r"ext-local,([0-9]*),dest", re.ASCII)
_EXTENSION = re.compile(
    r"(?:from-did-direct,|ext-local,|from-internal,|ext-findmefollow,FM)([0-9]+),1", re.ASCII)
_ONE_OF_LIST = re.compile(r"[^-\s][^-]*")
_HANG_UP = "app-blackhole,hangup,"

_Step = dict[str, Any]


def read(paths: Sequence[Path], ours: Import) -> str:
    """The file of ours; raises RefusedFiles where a table cannot be read."""
    tables = freepbx_table.read(paths, ours)
    rows = [row for table in tables if _DESTINATION not in table.columns for row in table.rows]
    known = {row.cells["extension"].text.strip() for row in rows}
    drafts: dict[str, Draft] = {}
    for row in rows:
        extension = row.cells["extension"]
        digits = extension.text.strip()
        if digits in drafts:
            _leave_out(row, f"extension {digits} stands twice", ours)
        elif why := _why_no_key(digits):
            _leave_out(row, f"this row; {why}", ours)
        else:
            drafts[digits] = _Reader(row, digits, known - {digits}, ours).draft()
    numbers: set[str] = set()
    for table in tables:
        for row in table.rows if _DESTINATION in table.columns else []:
            _add_number(row, drafts, numbers, ours)
        freepbx_table.say_unused(table, ours)
    return ours.written(drafts.values())


def _leave_out(row: Row, why: str, ours: Import) -> None:
    ours.warn(row.take("extension").place, f"not kept: {why}")
    row.taken |= row.cells.keys()


def _why_no_key(digits: str) -> str | None:
    if not digits:
        return "it has no extension"
    if dialplan.is_extension(digits) or e164.is_number(digits):
        return None
    return f"{digits} is no extension of 2 to 6 digits, and no number"


def _add_number(row: Row, drafts: dict[str, Draft], known: set[str], ours: Import) -> None:
    """A DID becomes a number of the extension that it leads to, and does as that does."""
    did, caller, leads_to = map(row.take, ("extension", "cidnum", _DESTINATION))
    extension = match[1] if (match := _EXTENSION.fullmatch(leads_to.text)) else ""
    if caller.text:
        _leave_out(row, f"{did.text} for the caller {caller.text}; write it under callers", ours)
    elif extension not in drafts:
        _leave_out(row, f"{did.text}, which leads to {leads_to.text or 'nothing'}; it has no "
                        "extension of these", ours)
    elif (digits := e164.without_separators(did.text).lstrip("+")) in known:
        _leave_out(row, f"{did.text} stands twice", ours)
    elif ours.outside(drafts[extension], did.place, did.text):
        known.add(digits)
        draft = drafts[extension]
        draft.numbers[did.text] = draft.numbers[extension]
        if description := row.take("description").text:
            draft.remarks.append(f"{did.text}: {description}")


@dataclass(slots=True)
class _Reader:
    """Makes a subscriber out of a row."""

    row: Row
    extension: str
    others: set[str]
    """The other extensions of the table."""
    ours: Import
    _draft: Draft = field(init=False)
    _line: str = ""

    def draft(self) -> Draft:
        place = self.row.take("extension").place
        self._draft = Draft(self.extension, place)
        if name := self.row.take("name").text:
            self._draft.remarks.append(name)
        self._read_line()
        has_voicemail = self._has_voicemail()
        if has_voicemail:
            self._draft.permissions.add("voicemail")
        if self._is_on():
            entry = self._follow_me(has_voicemail)
        else:
            entry = {"mode": "ring_then_voicemail" if has_voicemail else "ring_only"}
            if ring_s := self._seconds("ringtimer", 0):
                entry["ring"] = str(ring_s)
        if cli := self._cli():
            entry["cli"] = cli
        self._draft.numbers[self.extension] = entry
        return self._draft

    def _take(self, setting: str) -> Cell:
        return self.row.take(_FM + setting)

    def _lose(self, cell: Cell, column: str, why: str) -> None:
        self.ours.lose(self._draft, cell.place, f"{column} {cell.text}: {why}")

    def _read_line(self) -> None:
        tech, secret, name = map(self.row.take, ("tech", "secret", "id"))
        if tech.text.lower() in _SIP:
            self._line = self.ours.line(self._draft, secret.place, name.text or self.extension,
                                        secret.text)
        else:
            self._lose(tech, "tech", "only SIP phones can be lines")

    def _has_voicemail(self) -> bool:
        box, of_follow_me, enabled = map(self.row.take, (
            "voicemail", f"{_FM}voicemail", "voicemail_enable"))
        return enabled.text.lower() == "yes" or any(
            cell.text not in {"", "novm"} for cell in (box, of_follow_me))

    def _is_on(self) -> bool:
        """Whether calls follow; a table without that column has it on where there is a list."""
        has_column = f"{_FM}enabled" in self.row.cells
        enabled, targets = self._take("enabled"), self._take("grplist")
        if enabled.text.lower() not in _NO or (not has_column and targets.text):
            return True
        settings = [column for column in self.row.cells if column.startswith(_FM)]
        if targets.text not in {"", self.extension}:
            self._lose(targets, f"{_FM}grplist", "follow me is off for this extension")
        self.row.taken.update(settings)
        return False

    def _follow_me(self, has_voicemail: bool) -> dict[str, Any]:
        ring_s = self._seconds(f"{_FM}grptime", DEFAULT_RING_S)
        first_s = self._seconds(f"{_FM}pre_ring", 0)
        confirm = self._take("needsconf").text.lower() not in _NO
        targets = list(self._targets(confirm))
        sequences = self._sequences(targets, ring_s, first_s)
        after, voicemail = self._destination(has_voicemail)
        last = sequences[-1][1]
        last["steps"] += [{"to": f"extension {after}", "ring": str(ring_s)}] if after else []
        entry: dict[str, Any] = {
            "mode": "forward_then_voicemail" if voicemail else "forward_only"}
        if any(one["steps"] for _, one in sequences):
            entry["default"] = FOLLOW_ME
            entry["sequences"] = {name: one if "on" in one else one["steps"]
                                  for name, one in sequences}
        return entry

    def _targets(self, confirm: bool) -> Iterator[_Step]:
        written = self._take("grplist")
        for match in _ONE_OF_LIST.finditer(written.text):
            text = match[0].strip()
            digits = re.sub(r"[^0-9*+]", "", text)
            start = written.place.column + match.start()
            cell = written._replace(text=text, place=written.place._replace(column=start))
            follows = text.endswith("#")
            if digits == self.extension:
                if self._line:
                    yield {"to": f"line {self._line}"}
                else:
                    self._lose(cell, f"{_FM}grplist", "its phone is not kept")
            elif digits in self.others:
                if follows:
                    self._lose(cell, f"{_FM}grplist", f"only the phones of {digits} ring, not what "
                                                      "its own follow me says")
                yield {"to": f"extension {digits}"}
            elif self.ours.outside(self._draft, cell.place, digits or text):
                self._draft.permissions.add("forward_external")
                yield {"to": digits, **({"confirm": "yes"} if confirm else {})}

    def _sequences(self, targets: list[_Step], ring_s: int, first_s: int,
                   ) -> list[tuple[str, dict[str, Any]]]:
        """The sequences of the strategy by name, that with which it begins first."""
        strategy = self._take("strategy")
        name, _, prim = strategy.text.partition("-")
        if prim:
            self._lose(strategy, f"{_FM}strategy", "the others ring too while the first is busy")
        own = {"to": f"line {self._line}"}
        if name == "ringallv2" and first_s and own in targets and first_s <= MAX_DELAY_S:
            later = {"ring": str(ring_s), "delay": str(first_s)}
            step = _together([
                {**one, "ring": str(first_s + ring_s)} if one == own else {**one, **later}
                for one in targets])
            return [(FOLLOW_ME, {"steps": [step]})]
        before = [{**own, "ring": str(first_s)}] if first_s and self._line else []
        rings = [{**one, "ring": str(ring_s)} for one in targets]
        if name in {"firstavailable", "firstnotonphone"}:
            return _first_available(before, rings)
        if name == "memoryhunt":
            steps = [_together(rings[:count]) for count in range(1, len(rings) + 1)]
        elif name == "hunt":
            steps = rings
        else:
            if name not in {"", "ringall", "ringallv2"}:
                self._lose(strategy, f"{_FM}strategy", "it is not known; all ring together")
            steps = [_together(rings)] if rings else []
        return [(FOLLOW_ME, {"steps": [*before, *steps]})]

    def _destination(self, has_voicemail: bool) -> tuple[str, bool]:
        """The extension that comes next, or none; and whether voicemail does."""
        cell = self._take("postdest")
        own_box = (match := _VOICEMAIL.fullmatch(cell.text)) and match[1] == self.extension
        normal = (match := _NORMAL.fullmatch(cell.text)) and match[1] in {"", self.extension}
        if own_box and not has_voicemail:
            self._lose(cell, f"{_FM}postdest", "the extension has no voicemail")
        if own_box or normal:
            return "", has_voicemail
        other = _EXTENSION.fullmatch(cell.text)
        if other and other[1] in self.others:
            return other[1], False
        if cell.text and not cell.text.startswith(_HANG_UP):
            self._lose(cell, f"{_FM}postdest", "write what comes last as a target, such as  "
                                               "{to: queue NAME}")
        return "", False

    def _cli(self) -> str:
        """What outside numbers see: the fixed number of follow me, else that of the extension."""
        change, fixed = self._take("changecid"), self._take("fixedcid")
        column = f"{_FM}fixedcid" if change.text in {"fixed", "extern"} else "outboundcid"
        cell = fixed if column.startswith(_FM) else self.row.take("outboundcid")
        if not cell.text:
            return ""
        number = _OUTSIDE_CID.fullmatch(cell.text)
        if number is None or self.ours.refused(number[1]):
            self._lose(cell, column, "no number that can be shown")
            return ""
        return number[1]

    def _seconds(self, column: str, usual: int) -> int:
        """A time in a column; the usual one where there is none."""
        cell = self.row.take(column)
        if cell.text in SAYS_NOTHING:
            return usual
        try:
            return values.ring_time(cell.text)
        except InvalidValue as error:
            self._lose(cell, column, str(error))
            return usual


def _together(rings: list[_Step]) -> _Step:
    return rings[0] if len(rings) == 1 else {"together": rings}


def _first_available(before: list[_Step], rings: list[_Step]) -> list[tuple[str, dict[str, Any]]]:
    """The first that can be rung, and nobody else when it does not answer."""
    found = {"steps": rings, "on": {"no_answer": NOBODY, "declined": NOBODY}}
    nobody: tuple[str, dict[str, Any]] = (NOBODY, {"steps": []})
    if not rings:
        return [(FOLLOW_ME, {"steps": before})]
    if not before:
        return [(FOLLOW_ME, found), nobody]
    on = dict.fromkeys(("busy", "no_answer", "unreachable"), LIST)
    return [(FOLLOW_ME, {"steps": before, "on": on}), (LIST, found), nobody]
