# SPDX-License-Identifier: GPL-2.0-or-later
"""The fake's rr functions."""

import re
from dataclasses import replace

from tests.support.fake_message import Part
from tests.support.fake_state import Edit, Route
from tests.support.sip_message import parse_name_addr, parse_uri, split_list


class Rr(Part):
    """Record-Route and Route."""

    def record_route(self) -> int:
        message = self._message
        if message.record_routed:
            return -1
        message.record_routed = self._process.route is not Route.BRANCH
        own = message.request.received
        tag = self._address("From").params.get("tag", "")
        params = "".join(message.route_params)
        text = f"Record-Route: <sip:{own.ip}:{own.port};lr=on;ftag={tag}{params}>\r\n"
        message.edits.append(Edit("insert", "", text))
        return 1

    def add_rr_param(self, param: str) -> int:
        message = self._message
        for number, edit in enumerate(message.edits):
            if edit.text.startswith("Record-Route: "):
                text = edit.text.replace(">\r\n", f"{param}>\r\n")
                message.edits[number] = replace(edit, text=text)
        message.route_params.append(param)
        return 1

    def check_route_param(self, pattern: str) -> int:
        first = next((value for _, value in self._routes()), "")
        uri = parse_name_addr(first).uri
        found = self._is_ours(uri) and re.search(pattern, uri[uri.find(";"):], re.IGNORECASE)
        return 1 if found else -1

    def _routes(self) -> list[tuple[int, str]]:
        """The values of Route, each with the number of its line."""
        return [(number, value) for number, header in enumerate(self._message.lines)
                if header.named("Route") for value in split_list(header.text)]

    def _is_ours(self, uri: str) -> bool:
        parsed = parse_uri(uri)
        return parsed is not None and self._process.is_local(parsed.host, parsed.port or 5060)

    def loose_route(self) -> int:
        numbered = self._routes()
        if not numbered:
            return -1
        if self._is_ours(parse_name_addr(numbered[0][1]).uri):
            if len(numbered) > 1 and numbered[1][0] == numbered[0][0]:
                raise NotImplementedError("several routes in one Route header")
            self._message.edits.append(Edit("drop", str(numbered[0][0])))
            del numbered[0]
        if numbered:
            self._message.dst_uri = parse_name_addr(numbered[0][1]).uri
        self._message.route_found = True
        self._process.routed.append(self._message.request)
        return 1
