# SPDX-License-Identifier: GPL-2.0-or-later
"""The proof in Via by which an answer is of its own branch."""

import re

import pytest

from kemi_routing.ksr import branch_proof
from kemi_routing.model import Mode
from tests.ksr.edge import SECRET, Product
from tests.support.builders import MOBILE, OFFICE, PERSONAL, number, sequence, step

PLAN = number(default="all", mode=Mode.FORWARD_ONLY,
              sequences=(sequence("all", step(OFFICE, MOBILE), step("line jana-desk")),))
KEY = branch_proof.key(SECRET)


@pytest.mark.parametrize(("index", "written"), [
    (0, "0"), (1, "1"), (10, "a"), (15, "f"), (16, "01"), (17, "11"), (29, "d1")])
def test_a_branch_has_its_number_as_tm_writes_it(index: int, written: str) -> None:
    assert branch_proof.number(index) == written


@pytest.mark.parametrize("other", [
    ("z9hG4bK-2", "tag", "1", "key"), ("z9hG4bK-1", "tag2", "1", "key"),
    ("z9hG4bK-1", "tag", "2", "key"), ("z9hG4bK-1", "tag", "1", "other")])
def test_a_proof_is_of_one_branch(other: tuple[str, str, str, str]) -> None:
    proof = branch_proof.proof("z9hG4bK-1", "tag", "1", "key")
    assert re.fullmatch("[0-9a-f]{24}", proof)
    assert proof != branch_proof.proof(*other)


def test_each_branch_but_the_first_of_all_is_proved_by_us() -> None:
    product = Product(PLAN)
    product.register("jana-desk", "sip:desk@127.0.0.51:5060")
    invite = product.call(PERSONAL)
    for user in (OFFICE, MOBILE):
        product.answer(user, 486)
    assert [sent.via.get("fk", "") for sent in product.forwarded] == ["", *(
        branch_proof.proof(invite.branch, "a", index, KEY) for index in "12")]


def test_an_answer_in_the_name_of_another_is_told() -> None:
    product = Product(PLAN)
    product.call(PERSONAL)
    product.not_its_own(OFFICE, 200)
    assert [text.partition(" why=")[2].strip() for _, text in product.log if "refuse" in text] == [
        "'an answer in the name of another' source=127.0.0.40 status=200"]
