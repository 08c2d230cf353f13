"""For how many people a day a rule acts: the same figure wherever it is told, though each looks at a sample."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.services.test_backtesting import FILES, Clock, ask, looked, pass_by, track

from opportune.app.house import build_house
from opportune.cli import backtest as backtest_said
from opportune.cli import next as next_said
from opportune.cli import plan as plan_said
from opportune.cli import recipes as recipes_said
from opportune.core.moment import DAY, HOUR, MINUTE
from opportune.core.traffic.scaled import people_a_day_words
from opportune.services.house import House
from opportune.services.operating import set_run_state
from opportune.services.publishing import publish
from opportune.services.traffic import backtesting, planning, ranking
from opportune.services.traffic.estimating import estimate_recipes
from opportune.services.traffic.trying import Asked
from opportune.storage.base import Storage

RULE = "Returner"
VISITORS, DAYS = 40, 3


@pytest.fixture
def house(storage: Storage) -> House:
    """Visitors who come on several days, so that people a day are others than people by days."""
    made = build_house(storage, clock=Clock())
    made.deadline_seconds = 30
    made.seen_events |= {"Product Viewed", "Product Added", "Page Viewed"}
    publish(made, FILES)
    set_run_state(made, RULE, "draft")
    for _ in range(DAYS):
        for number in range(VISITORS):
            looked(made, f"v-{number}", 1 + number % 2)
            if number % 8 == 0:
                track(made, "Product Added", f"v-{number}", made.clock() + MINUTE)
            ask(made, f"v-{number}")
        pass_by(made, DAY)
    pass_by(made, HOUR)
    return made


@pytest.fixture
def has_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample ends by its number of visits; how busy this machine is must not end it sooner."""
    for module, name in (
        (backtesting, "SAMPLE_SECONDS"),
        (planning, "RULE_SECONDS"),
        (planning, "PROGRAMME_SECONDS"),
    ):
        monkeypatch.setattr(module, name, 600.0)
    monkeypatch.setattr(backtesting, "SAMPLE_VISITS", 30)


@pytest.mark.usefixtures("has_time")
def test_plan_next_and_backtest_tell_one_figure_of_one_rule(house: House) -> None:
    now = house.clock()
    tested = backtesting.backtest(house.storage, now, Asked(rule=RULE), seconds=backtesting.SAMPLE_SECONDS)
    planned = planning.plan(house.storage, now)
    ranked = ranking.rank(house.storage, now)
    assert tested.is_sampled
    assert 0 < tested.people_a_day.low < tested.people_a_day.value < tested.people_a_day.high
    offers = [offer for offer in (*planned.offers, *planned.not_offered) if offer.rule == RULE]
    [draft] = [each for each in ranked.candidates if each.rule == RULE]
    assert len(offers) >= 2
    assert {offer.reach for offer in offers} == {draft.reach} == {tested.people_a_day}
    first_times = tested.people.value / tested.days
    assert {offer.people_a_day for offer in offers} == {draft.people_a_day} == {first_times}
    assert first_times < tested.people_a_day.value

    words = people_a_day_words(tested.people_a_day)
    zone = house.programme.playbook.vocabulary.zone
    for said in (backtest_said.say(tested, zone), plan_said.say(planned), next_said.say(ranked)):
        assert words in " ".join(" ".join(said).split()).replace("About", "about")


@pytest.mark.usefixtures("has_time")
@pytest.mark.parametrize("asked", [planning.plan, ranking.rank])
def test_asked_again_the_same_comes_out(house: House, asked: Callable[[Storage, int], object]) -> None:
    assert asked(house.storage, house.clock()) == asked(house.storage, house.clock())


def test_a_recipe_that_was_taken_over_is_told_of_by_its_backtest_alone(house: House) -> None:
    added = {
        "rules/welcome.yaml": "rule: Welcome\nwhen: a new visitor has not bought\nshow:\n  home hero: Again\n"
    }
    publish(house, FILES | added)
    sold = {"order_id": "o-1", "revenue": 40, "currency": "EUR"}
    track(house, "Order Completed", "v-1", house.clock(), **sold)
    [reach] = [
        each for each in estimate_recipes(house.storage, house.clock()).reaches if each.recipe.is_added
    ]
    assert reach.recipe.name == "welcome"
    assert recipes_said.words_of(reach) == 'In your playbook. For whom it acts: opportune backtest "Welcome"'


def test_everybody_looked_at_is_told_without_an_interval(house: House) -> None:
    whole = backtesting.backtest(house.storage, house.clock(), Asked(rule=RULE), is_full=True)
    assert whole.people_a_day.low == whole.people_a_day.high
    assert people_a_day_words(whole.people_a_day).endswith(" people a day")
    assert "(" not in people_a_day_words(whole.people_a_day)
