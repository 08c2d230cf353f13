"""How a test is measured, put together: what its rule says, and the team's defaults for all it leaves open."""

from __future__ import annotations

from collections.abc import Sequence

from opportune.core.experiments.experiment import Design, Limit
from opportune.core.metrics import AnyMetric
from opportune.core.metrics.base import Words
from opportune.core.metrics.reading import parse_metric
from opportune.core.rule import Rule
from opportune.core.team import Team

PROGRAMME_DAYS = 91
"""A quarter: what one control group of the whole programme is for."""
USUAL = ("orders", "revenue a visitor")
"""What is looked at where the team names nothing."""


def design_of_rule(
    rule: Rule, team: Team, words: Words, metric: AnyMetric | None, limits: Sequence[Limit] | None
) -> Design | None:
    """A rule's design from its own metric and limits where it says them; None without a test."""
    test = rule.test
    if test is None:
        return None
    places = rule.slots()
    decides = (metric or _deciding(team, words)).in_places(places)
    return Design(
        metric=decides,
        limits=_limits(team.safety_limits if limits is None else limits, places),
        others=_others(team, words, decides, places),
        days=test.days or team.test_days,
        smallest_gain=test.smallest_gain or team.smallest_gain,
    )


def design_of_programme(team: Team, words: Words) -> Design:
    """How the whole programme is measured against its control group: by the goal, for a quarter."""
    decides = team.goal or _deciding(team, words)
    return Design(
        metric=decides,
        limits=_limits(team.safety_limits, ()),
        others=_others(team, words, decides, ()),
        days=PROGRAMME_DAYS,
        smallest_gain=team.smallest_gain,
    )


def _deciding(team: Team, words: Words) -> AnyMetric:
    return team.metric or team.goal or parse_metric(USUAL[0], words)


def _limits(limits: Sequence[Limit], places: tuple[str, ...]) -> tuple[Limit, ...]:
    """Those that can be measured there: what shows nothing has no place to be closed."""
    placed = (Limit(metric=each.metric.in_places(places), margin=each.margin) for each in limits)
    return tuple(each for each in placed if not each.metric.lacks_place)


def _others(team: Team, words: Words, decides: AnyMetric, places: tuple[str, ...]) -> tuple[AnyMetric, ...]:
    """The goal, and what the team wants to see or what is usual; not what decides."""
    named = team.others or tuple(parse_metric(each, words) for each in USUAL)
    goal = (team.goal,) if team.goal is not None else ()
    found = {each.describe(): each.in_places(places) for each in (*goal, *named)}
    return tuple(each for name, each in found.items() if name != decides.describe() and not each.lacks_place)
