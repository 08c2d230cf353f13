"""What an operator supposes of a visitor becomes signals' answers, or is refused with a hint."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import NOW

from opportune.core.history.plan import Plan
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.playbook import Playbook
from opportune.core.signals import FAMILY
from opportune.core.team import Team
from opportune.errors import BadRequestError
from opportune.services.supposing import readings_of

PLAN = Plan()
PLAYBOOK = Playbook(
    revision="abc",
    team=Team(),
    plan=PLAN,
    vocabulary=Vocabulary(plan=PLAN, signals=FAMILY, attributes=("loyalty tier",)),
    slots={},
    rules={},
    behaviours={},
)


def supposed(**assumed: Any) -> dict[str, Any]:
    return {name: reading.value for name, reading in readings_of(assumed, PLAYBOOK, NOW)}


@pytest.mark.parametrize("name", ["cart value", "cart_value", "cartValue", "cart-value"])
def test_a_signal_is_meant_in_every_usual_spelling(name: str) -> None:
    assert supposed(**{name: 60}) == {"cart value": 6_000}


def test_every_alias_answers_the_same() -> None:
    assert supposed(device="mobile") == {"device type": "mobile", "device": "mobile"}


@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        ("cart value", 59.9, 5_990),
        ("subscribed", "yes", True),
        ("subscribed", False, False),
        ("cart items", "p-1, p-2", ["p-1", "p-2"]),
        ("cart items", ["p-1"], ["p-1"]),
        ("time this visit", 90, 90_000),
        ("cart changed", "2026-11-22T14:00:00Z", 1_795_356_000_000),
        ("visits", 3, 3),
        ("campaign", 2026, "2026"),
        ("loyalty tier", "gold", "gold"),
    ],
)
def test_values_are_taken_as_the_signal_answers(name: str, value: Any, answer: Any) -> None:
    assert supposed(**{name: value})[name] == answer


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cart value", "lots"),
        ("cart value", True),
        ("subscribed", "perhaps"),
        ("visits", "three"),
        ("cart changed", "soon"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_an_example(name: str, value: Any) -> None:
    with pytest.raises(BadRequestError, match=f"'{name}' is .*, such as"):
        supposed(**{name: value})


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadRequestError, match=r"no signal .catgory. .did you mean .category"):
        supposed(catgory="bags")
