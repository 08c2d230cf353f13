"""Varying: the same condition with another number in the first of its parts that counts something."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from opportune.core.conditions.base import Condition
from opportune.core.conditions.count import Count
from opportune.core.conditions.distinct import Distinct
from opportune.core.conditions.total import Total


class Variation(msgspec.Struct, frozen=True):
    """The whole condition with another number, and the part of it that differs."""

    whole: Condition
    part: Condition


def variations_of(condition: Condition) -> tuple[Variation, ...]:
    """One time, one less, one more of what is counted; half and double of a sum. None where nothing is counted."""
    return tuple(_varied(condition))


def _varied(condition: Condition) -> Iterator[Variation]:
    parts = getattr(condition, "conditions", None)
    if parts is not None:
        for place, part in enumerate(parts):
            found = list(_varied(part))
            if found:
                for each in found:
                    inner = (*parts[:place], each.whole, *parts[place + 1 :])
                    yield Variation(msgspec.structs.replace(condition, conditions=inner), each.part)
                return
    elif isinstance(condition, Count) and not _is_plain(condition):
        for number in _others(condition.times):
            yield _alone(msgspec.structs.replace(condition, times=number))
    elif isinstance(condition, Distinct):
        for number in _others(condition.number):
            yield _alone(msgspec.structs.replace(condition, number=number))
    elif isinstance(condition, Total):
        for amount in (condition.amount // 2, condition.amount * 2):
            if amount > 0 and amount != condition.amount:
                yield _alone(msgspec.structs.replace(condition, amount=amount))


def _is_plain(condition: Count) -> bool:
    """`bought in the last 30 days` names no number that anybody chose."""
    return condition.comparator == "at least" and condition.times == 1 and not condition.same


def _others(number: int) -> list[int]:
    return [each for each in sorted({1, number - 1, number + 1}) if each > 0 and each != number]


def _alone(condition: Condition) -> Variation:
    return Variation(condition, condition)
