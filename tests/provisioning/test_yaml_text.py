# SPDX-License-Identifier: GPL-2.0-or-later
"""What we write as YAML is read as what it was."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provisioning import source
from provisioning.problems import Problems
from provisioning.yaml_text import Remark, block, scalar
from tests.support.strategies import HOSTILE

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | HOSTILE.filter(
    lambda text: text == text.encode(errors="replace").decode())
VALUES = st.recursive(TEXTS, lambda inner: st.lists(inner, max_size=3)
                      | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8)


def read(text: str) -> Any:
    problems = Problems()
    tree = source.parse(text, "a.yaml", problems)
    assert problems.errors == []
    assert tree is not None
    return tree.plain()


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_any_mapping_is_read_as_it_was(content: dict[str, Any]) -> None:
    assert read("\n".join(block(content)) + "\n") == content


@example("d")
@given(TEXTS)
def test_a_remark_is_one_line_and_no_value(text: str) -> None:
    content = {Remark(text): "", "a": [Remark(text), {"b": "c"}, {Remark(text): "", "d": "e"}]}
    lines = list(block(content))
    assert len(lines) == 6
    assert read("\n".join(lines)) == {"a": [{"b": "c"}, {"d": "e"}]}


@pytest.mark.parametrize(("text", "written"), [
    ("08:00", "08:00"), ("+49 115 234567", "+49 115 234567"), ("line jana-desk", "line jana-desk"),
    ("NO", "NO"), ("a: b", '"a: b"'), ("a:", '"a:"'), ("a #b", '"a #b"'), ("*33", '"*33"'),
    ("", '""'), ("ž", '"ž"'), ("\x7f", '"\\u007f"'), ("[", '"["'), ("a,b", '"a,b"'),
])
def test_quotes_stand_where_they_must(text: str, written: str) -> None:
    assert scalar(text) == written
