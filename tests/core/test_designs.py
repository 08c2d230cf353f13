"""What a test is measured by: the rule's own words, and the team's for everything it leaves open."""

from __future__ import annotations

import pytest
from tests.core.test_playbook_files import FILES, RULE, TEAM

from opportune.core.experiments.designing import PROGRAMME_DAYS, design_of_programme
from opportune.core.experiments.experiment import Design
from opportune.core.metrics.base import Words
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.folder import check_files, read_playbook

QUESTIONS = (
    "goal: revenue a visitor\ndeciding metric: added to cart within 2 days\n"
    "also look at: second purchases, clicks on the place\ntest length: 6 weeks\nsmallest gain: 15%\n"
)
TESTED = RULE + "test: half and half, on orders within 3 days, for 7 weeks, to find 10%\n"


def playbook(rule: str, team: str = TEAM) -> Playbook:
    return read_playbook({**FILES, "team.yaml": team, "rules/returner.yaml": rule})


def design(rule: str, team: str = TEAM) -> Design:
    found = playbook(rule, team).rules["Returner"].design
    assert found is not None
    return found


def warnings(rule: str) -> list[str]:
    files = {**FILES, "rules/returner.yaml": rule}
    return [problem.wrong for problem in check_files(files).warnings]


def test_a_rule_says_all_of_its_test_itself() -> None:
    found = design(TESTED + "safety limit: bounces a visit up by at most 2%\n")
    assert found.metric.name == "orders within 3 days"
    assert (found.days, found.smallest_gain) == (49, 0.1)
    assert [limit.words for limit in found.limits] == ["bounces a visit within 7 days up by at most 2%"]


def test_what_a_rule_leaves_open_is_the_teams() -> None:
    found = design(RULE + "test: half and half\n", TEAM + QUESTIONS)
    assert found.metric.name == "added to cart within 2 days"
    assert [metric.name for metric in found.others] == [
        "revenue a visitor within 7 days",
        "second purchases within 90 days",
        "clicks on the place within 1 day",
    ]
    assert found.others[2] == found.others[2].in_places(("home-hero",))
    assert (found.days, found.smallest_gain) == (42, 0.15)
    assert [limit.margin for limit in found.limits] == [0.05]


def test_without_any_words_orders_decide_after_four_weeks() -> None:
    found = design(RULE + "test: half and half\n")
    assert (found.metric.name, found.days, found.smallest_gain) == ("orders within 7 days", 28, 0.2)
    assert [metric.name for metric in found.others] == ["revenue a visitor within 7 days"]


def test_a_rule_without_a_test_has_no_design() -> None:
    assert playbook(RULE).rules["Returner"].design is None


def test_the_programme_is_measured_by_the_goal_for_a_quarter() -> None:
    found = design_of_programme(playbook(RULE, TEAM + QUESTIONS).team, Words())
    assert (found.metric.name, found.days) == ("revenue a visitor within 7 days", PROGRAMME_DAYS)
    assert PROGRAMME_DAYS % 7 == 0


def test_what_asks_for_a_place_is_left_out_where_there_is_none() -> None:
    team = TEAM.replace("bounce rate up", "dismissals up") + "also look at: clicks\n"
    shows = design(TESTED, team)
    assert (len(shows.limits), len(shows.others)) == (1, 1)
    assert shows.limits[0].metric == shows.limits[0].metric.in_places(("home-hero",))
    everything = playbook(TESTED, team)
    found = design_of_programme(everything.team, Words())
    assert (found.limits, found.others) == ((), ())


def test_limits_may_stand_in_a_list() -> None:
    listed = TEAM.replace(
        "safety limit: bounce rate up by at most 5%",
        "safety limit:\n  - bounces a visit up by at most 5%\n  - orders a visitor down by at most 10%",
    )
    assert listed != TEAM
    assert [limit.margin for limit in design(TESTED, listed).limits] == [0.05, 0.1]


@pytest.mark.parametrize("edit", ["for 6 weeks", "on added to cart", "to find 20%"])
def test_what_the_rule_says_of_its_test_is_part_of_its_behaviour(edit: str) -> None:
    said = {
        "for 6 weeks": "for 7 weeks",
        "on added to cart": "on orders within 3 days",
        "to find 20%": "to find 10%",
    }
    before, after = playbook(TESTED), playbook(TESTED.replace(said[edit], edit))
    assert before.behaviours != after.behaviours


def test_a_rules_own_limits_are_part_of_its_behaviour_and_the_teams_are_not() -> None:
    own = TESTED + "safety limit: bounces a visit up by at most 2%\n"
    assert playbook(own).behaviours != playbook(own.replace("2%", "9%")).behaviours
    assert playbook(TESTED).behaviours == playbook(TESTED, TEAM.replace("5%", "9%")).behaviours


UNKNOWN = "is nothing that is measured"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("goal: clicks", "goal: “clicks on the place” is about one rule's place, and a goal is about"),
        ("goal: happiness", f"goal: “happiness” {UNKNOWN}"),
        ("deciding metric: odrers", f'deciding metric: “odrers” {UNKNOWN} (did you mean "orders"'),
        ("also look at: orders, ordres", f"also look at: “ordres” {UNKNOWN}"),
        ("test length: 10 days", "test length: “10 days”: a test lasts 1 to 52 whole weeks"),
        ("smallest gain: 0%", "smallest gain: a gain of 0% is nothing to plan for"),
        ("smallest gain: lots", "smallest gain: “lots” is not a gain; write a share of what there is now"),
    ],
)
def test_what_is_wrong_in_the_teams_questions_is_said_where_it_stands(line: str, said: str) -> None:
    team = f"{TEAM}{line}\n"
    [problem] = check_files({**FILES, "team.yaml": team}).problems
    assert str(problem).startswith(f"team.yaml:{team.count(chr(10))}: {said}")


def test_more_arms_and_stacked_changes_are_warned_about() -> None:
    arms = "test: {arms: [[control, 4000], [treatment, 3000], [bold, 3000]]}\n"
    assert any("3 versions share the visitors" in wrong for wrong in warnings(RULE + arms))
    many = RULE + "hide: [promo, discount]\ntest: half and half\n"
    assert any("3 changes are tested at once" in wrong for wrong in warnings(many))
    assert warnings(TESTED) == []
