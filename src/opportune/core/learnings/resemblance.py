"""By what a rule is compared with what was learned: its condition without the numbers, what it knows, where it acts."""

from __future__ import annotations

from typing import Any

import msgspec

from opportune.core.language.vocabulary import Vocabulary
from opportune.core.learnings.learning import Trait
from opportune.core.rule import Rule

_LEFT_OUT = frozenset({"ms", "times", "comparator", "wait_ms", "span"})
"""How much and how long: a rule that asks for 3 times instead of 2 is still the same idea."""


def trait_of(rule: Rule, vocabulary: Vocabulary) -> Trait:
    needs = rule.when.needs(vocabulary)
    hidden = [f"everything marked {hide.tag}" if hide.tag else hide.slot for hide in rule.hide]
    shape = _without_numbers(msgspec.to_builtins(rule.when))
    return Trait(
        shape=msgspec.json.encode(shape, order="sorted").decode(),
        signals=tuple(sorted(needs.signals | needs.events)),
        places=(*rule.slots(), *hidden),
    )


def _without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {
            key: _without_numbers(each)
            for key, each in value.items()
            if key not in _LEFT_OUT and not _is_number(each)
        }
        return {key: each for key, each in kept.items() if each != {}}
    if isinstance(value, list | tuple):
        return [_without_numbers(each) for each in value if not _is_number(each)]
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
