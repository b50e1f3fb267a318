# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers as pictures, and what is seen in a picture by who reads its XML."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from kemi_routing import settings
from kemi_routing.explain import Explained
from kemi_routing.model import Number
from kemi_routing.network import Network, Server
from provisioning import preview
from provisioning.pictures import flow, svg, week
from provisioning.pictures.flow import Flow
from provisioning.pictures.lettering import columns
from provisioning.pictures.svg import Picture
from provisioning.pictures.week import Week
from provisioning.preview import Numbers

SETTINGS = settings.from_environment({}).with_network(
    Network(gateways=(Server("gw:5060"),), media_servers=(Server("ms:5060"),)))
SPACE = "{http://www.w3.org/2000/svg}"


def known(*numbers: Number) -> Numbers:
    """Where these numbers are looked up."""
    found = {one.number: one for one in numbers}
    return lambda keys: {key: found[key] for key in keys if key in found}


def week_of(number: Number, at: datetime) -> Week:
    """The week of a number that is alone."""
    return week.of(number, at, lambda keys: {}, SETTINGS)


def rows(seen: Week) -> list[str]:
    """Its spans: ``mon 08:00-18:00 office: window mon-fri 08:00-18:00``."""
    return [f"{day.text[:3].lower()} {span.hours} {span.text}"
            for day in seen.days for span in day.spans]


def explained(number: Number, name: str | None, at: datetime,
              others: Mapping[str, Number] | None = None) -> Explained:
    """What happens where a sequence is in force."""
    return preview.with_sequence(
        number, name, at, known(*(others or {}).values()), SETTINGS)


def flow_of(number: Number, name: str | None, at: datetime) -> Flow:
    """The same as a flow."""
    return flow.of(explained(number, name, at))


@dataclass(frozen=True)
class Box:
    """What something covers."""

    left: float
    top: float
    right: float
    bottom: float
    what: str

    def covers(self, other: "Box") -> bool:
        """Whether the two share more than an edge; coordinates are rounded."""
        return (min(self.right, other.right) - max(self.left, other.left) > 0.02
                and min(self.bottom, other.bottom) - max(self.top, other.top) > 0.02)


def parsed(picture: Picture, name: str = "picture") -> ET.Element:
    """The document of a picture, read again."""
    return ET.fromstring(svg.document(picture, name))


def boxes(root: ET.Element) -> list[Box]:
    """All boxes of a picture, but the paper."""
    return [Box(x, y, x + float(one.get("width", "")), y + float(one.get("height", "")),
                one.findtext(f"{SPACE}title", ""))
            for one, x, y in _placed(root, "rect") if one.get("class") != "paper"]


def texts(root: ET.Element) -> list[Box]:
    """All texts, as wide as a common monospaced font of 13 pixels makes them."""
    found = []
    for one, x, y in _placed(root, "text"):
        width = columns(one.text or "") * 13 * 0.61
        left = x - width * {"start": 0, "middle": 0.5, "end": 1}[one.get("text-anchor", "start")]
        found.append(Box(left, y - 10, left + width, y + 3, one.text or ""))
    return found


def _placed(root: ET.Element, tag: str, dy: float = 0) -> Iterator[tuple[ET.Element, float, float]]:
    for one in root:
        if one.tag == f"{SPACE}g":
            moved = re.fullmatch(r"translate\(0,([0-9.]+)\)", one.get("transform", ""))
            assert moved
            yield from _placed(one, tag, dy + float(moved[1]))
        elif one.tag == f"{SPACE}{tag}":
            yield one, float(one.get("x", "0")), dy + float(one.get("y", "0"))


def said(text: str) -> set[str]:
    """The words of a text."""
    return set(re.findall(r"\w+", text))


def unsaid(text: str, by: str) -> set[str]:
    """The words of a text that another one does not say; it may break long ones elsewhere."""
    whole = "".join(by.split())
    return {word for word in said(text) - said(by) if len(word) < 20 or word not in whole}


def check_picture(picture: Picture, text: str) -> ET.Element:
    """What holds for every picture; ``text`` is the form that people read."""
    root = parsed(picture)
    title, words = list(root)[:2]
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "picture-title picture-words")
    assert [(one.tag, one.get("id")) for one in (title, words)] == [
        (f"{SPACE}title", "picture-title"), (f"{SPACE}desc", "picture-words")]
    assert title.text
    assert unsaid(text.partition("\nhalf hours:")[0], words.text or "") == set()
    assert unsaid(text, " ".join(root.itertext())) <= {"half", "hours"}
    tags = {one.tag.removeprefix(SPACE) for one in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "defs", "pattern", "path", "rect", "line",
                    "text", "g"}
    names = {name for one in root.iter() for name in one.attrib}
    assert not [name for name in names if name.startswith("on") or "href" in name]
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    drawn, written = boxes(root), texts(root)
    for kind in (drawn, written):
        assert [(one.what, other.what) for one, other in combinations(kind, 2)
                if one.covers(other)] == []
    marks = [Box(float(one.get("x1", "")), y + float(one.get("y1", "")),
                 float(one.get("x1", "")) + 1, y + float(one.get("y2", "")), "now")
             for one, _, y in _placed(root, "line") if one.get("class") == "mark"]
    assert [(one, other) for one in marks for other in written if one.covers(other)] == []
    page = Box(0, 0, svg.WIDTH, picture.height, "")
    assert [one for one in (*drawn, *written)
            if one.left < 0 or one.right > page.right or one.bottom > page.bottom] == []
    return root
