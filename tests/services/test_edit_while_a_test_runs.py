"""A marketer edits "2 times" to "3 times" while the rule's test runs: through the real services, on every store."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import decided
from tests.stores import ON_LASTING, open_again, settle

from opportune.core.allocation import bucket_of
from opportune.core.history.key import key_of
from opportune.core.moment import DAY, HOUR, from_iso, to_iso
from opportune.core.programme import empty_programme
from opportune.core.situation import Context
from opportune.errors import RunningTestError
from opportune.services.capturing import CaptureSource, capture
from opportune.services.deciding import Answered, Question
from opportune.services.explaining import replay_token
from opportune.services.house import House
from opportune.services.publishing import load_running, publish
from opportune.services.tokens import read_token
from opportune.storage.base import Storage

NOW = from_iso("2026-11-22T12:00:00Z")
HERO = """\
slot: home hero
type: text
fallback: Welcome
variants:
  Promise: More {category}
"""
RULE = """\
rule: Category returner
when: a visitor viewed the same category at least 2 times in 7 days
show:
  home hero: Promise
test: half and half, on added to cart, for 7 weeks
"""
FILES = {
    "team.yaml": "owner: Mia\nreviewer: Tom\npurpose: Help\nsafety limit: none\nrollback: the owner decides\n",
    "slots/hero.yaml": HERO,
    "rules/returner.yaml": RULE,
}
EDITED = FILES | {"rules/returner.yaml": RULE.replace("2 times", "3 times")}
BROWSER = CaptureSource(name="site")


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


def open_house(storage: Storage) -> House:
    house = House(
        storage=storage,
        clock=Clock(),
        secret=b"a secret of thirty-two bytes.....",
        programme=empty_programme(),
        deadline_seconds=30,
    )
    load_running(house)
    return house


@pytest.fixture
def house(storage: Storage) -> House:
    return open_house(storage)


def view(house: House, visitor: str, at: int) -> None:
    message = {
        "type": "track",
        "event": "Product Viewed",
        "anonymousId": visitor,
        "timestamp": to_iso(at),
        "properties": {"product_id": f"p-{at}", "category": "shoes"},
    }
    assert capture(house, BROWSER, [message]).result().accepted == 1


def ask(house: House, visitor: str) -> Answered:
    question = Question(anonymous_id=visitor, slots=("home-hero",), context=Context())
    answered = decided(house, question).decisions[0]
    settle(house.storage)
    return answered


def treated(*seeds: str) -> str:
    """A visitor in the treated half of each of these tests."""
    return next(f"v-{n}" for n in range(10_000) if all(bucket_of(seed, f"v-{n}") >= 5_000 for seed in seeds))


def exposures(house: House, visitor: str) -> list[tuple[str, str]]:
    rows = house.storage.list_exposures([key_of("anonymous", visitor)])
    return [(row.rule_hash, row.arm) for row in reversed(rows)]


def facts_of(answered: Answered) -> tuple[Any, ...]:
    decision = answered.decision
    return decision.outcome, decision.value, decision.steps


def test_the_history_from_before_the_edit_counts_at_once_in_a_new_test(house: House) -> None:
    visitor = treated("Category returner/1", "Category returner/2")
    publish(house, FILES)
    view(house, visitor, NOW - DAY)
    assert ask(house, visitor).decision.outcome == "normal"
    view(house, visitor, NOW - HOUR)
    before = ask(house, visitor)
    assert facts_of(before) == ("shown", "More shoes", (("Category returner", "shown", "treatment"),))
    old = house.programme.playbook.behaviours["Category returner"]

    with pytest.raises(RunningTestError, match="--new-test"):
        publish(house, EDITED)
    assert ask(house, visitor).decision.outcome == "shown"

    published = publish(house, EDITED, new_test=True)
    assert published.notes == (
        'A new test starts for "Category returner": what it shows or asks changed, so its numbers begin at zero.',
    )
    assert [(state.run, state.phase, state.state) for state in published.states] == [(2, 1, "live")]
    assert read_token(house, before.token) is None
    after = ask(house, visitor)
    assert facts_of(after) == ("normal", "Welcome", (("Category returner", "no match", ""),))

    view(house, visitor, NOW)
    again = ask(house, visitor)
    assert facts_of(again)[:2] == ("shown", "More shoes")
    new = house.programme.playbook.behaviours["Category returner"]
    assert exposures(house, visitor) == [(old, "treatment"), (new, "treatment")]
    assigned = house.storage.recall([key_of("anonymous", visitor)], now=NOW).assignments
    assert sorted(assigned) == ["Category returner/1", "Category returner/2"]
    assert all(replay_token(house, answered.token).is_equal for answered in (before, again))


@ON_LASTING
def test_a_new_test_draws_its_halves_afresh_and_a_restart_goes_on_with_them(house: House) -> None:
    visitor = next(
        f"v-{n}"
        for n in range(10_000)
        if bucket_of("Category returner/1", f"v-{n}") < 5_000 <= bucket_of("Category returner/2", f"v-{n}")
    )
    publish(house, FILES)
    for at in (NOW - DAY, NOW - HOUR, NOW - 1):
        view(house, visitor, at)
    assert facts_of(ask(house, visitor))[0] == "normal"
    publish(house, EDITED, new_test=True)
    assert facts_of(ask(house, visitor))[0] == "shown"
    house.storage.close()
    restarted = open_house(open_again(house.storage))
    assert facts_of(ask(restarted, visitor))[0] == "shown"
    assert restarted.programme.run_states["Category returner"].run == 2
    restarted.storage.close()
