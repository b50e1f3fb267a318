# SPDX-License-Identifier: GPL-2.0-or-later
"""What an ordinary call to a number would meet: one whose caller no list and no rule names."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from kemi_routing.decide import decide_whole
from kemi_routing.explain import Explained, as_dict
from kemi_routing.model import Call, Number
from kemi_routing.settings import Settings

Numbers = Callable[[Iterable[str]], Mapping[str, Number]]
"""The numbers of ours with these keys, as far as there are such."""


def ordinary(number: Number, at: datetime, numbers: Numbers, settings: Settings) -> Explained:
    """The decision for an ordinary call at this aware instant."""
    plain = replace(number, screens=(), callers=())
    plan = decide_whole(Call(), plain, at, settings.platform,
                        lambda call, keys: (call, numbers(keys)))[1]
    return as_dict(plan, at.astimezone(number.zone), settings)


def with_sequence(number: Number, name: str | None, at: datetime, numbers: Numbers,
                  settings: Settings) -> Explained:
    """The same were this sequence in force, whatever the time says; None: no sequence is."""
    always = replace(number, windows=(), holidays=(), overrides=(), default=name)
    explained = ordinary(always, at, numbers, settings)
    return {**explained, "rule": f"sequence {name}" if name else "no sequence", "lost": []}
