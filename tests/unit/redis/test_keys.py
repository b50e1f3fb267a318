# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from kemi_routing.redis import keys


@pytest.mark.parametrize(("key", "text"), [
    (keys.number("42027777100"), "fm:1:number:{42027777100}"),
    (keys.number("acme/201"), "fm:1:number:{acme/201}"),
    (keys.state("42027777100"), "fm:1:state:{42027777100}"),
    (keys.last_caller("42027777100"), "fm:1:last:{42027777100}"),
    (keys.calls("edge-1:192.0.2.1:5060"), "fm:1:calls:{edge-1:192.0.2.1:5060}"),
    (keys.proxies(), "fm:1:proxies"),
    (keys.authored("42027777100"), "fm:1:authored:{42027777100}"),
    (keys.line("jana-desk"), "fm:1:line:{jana-desk}"),
    (keys.alias("42073723123"), "fm:1:alias:{42073723123}"),
    (keys.owner("acme/jana"), "fm:1:owner:{acme/jana}"),
    (keys.owners(), "fm:1:owners"),
    (keys.grant("acme"), "fm:1:grant:{acme}"),
])
def test_the_keys_are_a_contract_with_every_program_that_reads_the_store(
        key: str, text: str) -> None:
    assert key == text
