"""`team.yaml`: what a team says once for all its rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec

from opportune.core.currency import CURRENCIES
from opportune.core.experiments.experiment import Limit
from opportune.core.language.phrases.duration import parse_duration
from opportune.core.language.phrases.safety import parse_safety
from opportune.core.language.phrases.share import parse_share
from opportune.core.language.phrases.test import parse_gain, parse_length
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.metrics import AnyMetric
from opportune.core.metrics.base import Words
from opportune.core.metrics.reading import parse_metric
from opportune.core.playbook_files.form import TEXTS, YES_OR_NO, Field, Form, nearest, one_of
from opportune.core.playbook_files.launch import read_launch
from opportune.core.playbook_files.yaml_text import Entries, Items, Node, Scalar
from opportune.core.problem import Problem
from opportune.core.signals.catalogue import ELSEWHERE
from opportune.core.situation import UTC_ZONE
from opportune.core.slot import Slot
from opportune.core.team import Team, VisitorId

INHERITED = ("purpose", "owner", "reviewer", "safety limit", "rollback")
"""Every rule must have these; a rule that leaves one out has the team's."""

DAYS_BY_COUNTRY: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number"]},
}
_DAYS = re.compile(r"(\d{1,3})(?:\s*(?:-|to)\s*(\d{1,3}))?(?:\s*days?)?")

VISITOR_IDS: tuple[VisitorId, ...] = ("set by our server", "set by script")

TEAM_FIELDS = (
    Field("team", "What the team or shop is called.", example="Lumen Shoes"),
    Field("time zone", "The reporting time zone, by its IANA name.", example="Europe/Berlin"),
    Field("currency", "The reporting currency, by its three letters.", example="EUR"),
    Field("language", "The language texts are written in, as a BCP 47 tag.", example="en"),
    Field("control group", "The share of visitors that nothing personalizes.", example="10%"),
    Field("control group name", "A new name draws a new control group.", example="programme/2"),
    Field("previewers", "Ids of people who see rules in preview and never enter tests.", TEXTS),
    Field("needs consent", "Yes: nobody is personalized before agreeing to it.", YES_OR_NO, example="no"),
    Field(
        "product facts last",
        "How old what a feed or an import says of a product may be; older, it is not shown.",
        example="2 days",
    ),
    Field(
        "delivery days",
        "How many days delivery takes, by country; `elsewhere` is for all others.",
        DAYS_BY_COUNTRY,
        example="{de: 1 to 2, elsewhere: 5}",
    ),
    Field(
        "visitor id",
        "Who sets the visitor's id. One that a script sets lives 7 days in Safari (docs/how/same-domain.md).",
        {"enum": list(VISITOR_IDS)},
        example="set by our server",
    ),
    Field(
        "goal",
        "The one goal of the quarter, a metric; it heads every report.",
        example="orders within 7 days",
    ),
    Field(
        "deciding metric", "What decides a test that does not say it; else the goal.", example="added to cart"
    ),
    Field(
        "also look at", "Metrics that every test shows besides.", TEXTS, example="revenue a visitor, refunds"
    ),
    Field("test length", "How long a test lasts that does not say it, in whole weeks.", example="4 weeks"),
    Field("smallest gain", "The smallest gain that tests are planned to find.", example="20%"),
    Field(
        "launch",
        "How rules start that do not say it: live, slowly, draft, preview, or a share.",
        example="slowly",
    ),
    Field("purpose", "Why rules exist, unless a rule says it better."),
    Field("owner", "Who answers for a rule, unless it names someone.", example="Mia"),
    Field("reviewer", "Who looks at a rule before it is published, unless it names someone.", example="Tom"),
    Field(
        "safety limit",
        "How much worse a test may make what is measured; `none` for no limit.",
        TEXTS,
        example="bounces a visit up by at most 5%, orders a visitor down by at most 10%",
    ),
    Field(
        "rollback", "When a rule is switched off.", example="by its owner, when the safety limit is passed"
    ),
)


def open_team(node: Node | None, file: str, problems: list[Problem]) -> Form | None:
    return Form.of(node, TEAM_FIELDS, file, problems) if node is not None else None


def read_team(form: Form | None) -> Team:
    """The team, with defaults for what is not said. What it measures is read by `read_measures` after the plan."""
    if form is None:
        return Team()
    default = Team()
    return Team(
        name=form.text("team", default.name),
        time_zone=_checked(form, "time zone", default.time_zone, _wrong_zone),
        currency=_checked(form, "currency", default.currency, _wrong_currency),
        language=_checked(form, "language", default.language, _wrong_language),
        launch=read_launch(form, default.launch),
        holdout=_control_group(form),
        holdout_seed=form.text("control group name", default.holdout_seed),
        previewers=frozenset(form.texts("previewers")),
        needs_consent=form.yes("needs consent"),
        facts_last=form.said("product facts last", parse_duration) or default.facts_last,
        delivery_days=_delivery_days(form),
        visitor_id=_visitor_id(form),
        purpose=form.text("purpose"),
        owner=form.text("owner"),
        reviewer=form.text("reviewer"),
        safety=said_safety(form),
        rollback=form.text("rollback"),
    )


def read_measures(team: Team, form: Form | None, words: Words) -> Team:
    """The team with its goal, what decides its tests, and how far they may go wrong."""
    if form is None:
        return team
    days = form.said("test length", parse_length) if "test length" in form else None
    gain = form.said("smallest gain", parse_gain) if "smallest gain" in form else None
    return msgspec.structs.replace(
        team,
        goal=_goal(form, words),
        metric=_deciding(form, words),
        others=_others(form, words),
        safety_limits=read_safety(form, team.safety, words) or (),
        test_days=days or team.test_days,
        smallest_gain=gain or team.smallest_gain,
    )


def words_of(
    team: Team, vocabulary: Vocabulary, slots: Iterable[Slot], places: tuple[str, ...] = ()
) -> Words:
    """What metrics' words are read against, for a rule that shows something in these places."""
    titles = {slot.name: slot.title or slot.name for slot in slots}
    return Words(plan=vocabulary.plan, zone=zone_of(team).key, places=places, titles=titles)


def said_safety(form: Form) -> str:
    """The safety limits as one text, also where they stand in a list."""
    node = form.find("safety limit")
    return ", ".join(form.texts("safety limit")) if isinstance(node, Items) else form.text("safety limit")


def read_safety(form: Form, text: str, words: Words) -> tuple[Limit, ...] | None:
    """The limits that a text says; what cannot be understood is a problem at the form's field."""
    line = form.line_of("safety limit")
    return form.said_in(
        "safety limit", Scalar(text=text, value=text, line=line), lambda said: parse_safety(said, words)
    )


def _goal(form: Form, words: Words) -> AnyMetric | None:
    goal = form.said("goal", lambda text: parse_metric(text, words)) if "goal" in form else None
    if goal is None or not goal.lacks_place:
        return goal
    wrong = f"\u201c{goal.phrase}\u201d is about one rule's place, and a goal is about everything"
    form.wrong("goal", wrong, "name the place, or a goal such as orders")
    return None


def _deciding(form: Form, words: Words) -> AnyMetric | None:
    if "deciding metric" not in form:
        return None
    return form.said("deciding metric", lambda text: parse_metric(text, words))


def _others(form: Form, words: Words) -> tuple[AnyMetric, ...]:
    line = form.line_of("also look at")
    found = [
        form.said_in(
            "also look at", Scalar(text=text, value=text, line=line), lambda said: parse_metric(said, words)
        )
        for text in form.texts("also look at")
    ]
    return tuple(metric for metric in found if metric is not None)


def _delivery_days(form: Form) -> dict[str, str]:
    """By country in small letters; `DE, AT: 1-2` is two of them."""
    node = form.find("delivery days")
    if node is None:
        return {}
    if not isinstance(node, Entries):
        form.wrong(
            "delivery days", "countries with their days were expected", "like {de: 1 to 2, elsewhere: 5}"
        )
        return {}
    found: dict[str, str] = {}
    for key, value in node.entries:
        days = _DAYS.fullmatch(value.text.strip()) if isinstance(value, Scalar) else None
        if days is None:
            form.wrong("delivery days", f'the days for "{key.text}" are no number of days', "like 2, or 1 to 2",
                       line=key.line)  # fmt: skip
            continue
        for country in (part.strip().lower() for part in key.text.split(",")):
            if country != ELSEWHERE and (len(country) != 2 or not country.isalpha()):
                form.wrong("delivery days", f'"{country}" is no country', "two letters like de, or elsewhere",
                           line=key.line)  # fmt: skip
                continue
            found[country] = f"{days[1]} to {days[2]}" if days[2] else days[1]
    return found


def zone_of(team: Team) -> ZoneInfo:
    """The team's time zone, or UTC when its name is not known on this machine."""
    return _find_zone(team.time_zone) or UTC_ZONE


def _find_zone(name: str) -> ZoneInfo | None:
    """By its name alone: a list of all would be read from hundreds of files."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return None


def _checked(form: Form, name: str, default: str, wrong_of: Callable[[str], tuple[str, str] | None]) -> str:
    text = form.text(name, default)
    wrong = wrong_of(text)
    if wrong is None:
        return text
    form.wrong(name, *wrong)
    return default


def _wrong_zone(text: str) -> tuple[str, str] | None:
    if _find_zone(text) is not None:
        return None
    zones = available_timezones()
    cities = {zone.rsplit("/", 1)[-1].replace("_", " "): zone for zone in sorted(zones)}
    return f'the time zone "{text}" is not known', f'write "{cities[text]}"' if text in cities else one_of(
        text, zones
    )


def _wrong_currency(text: str) -> tuple[str, str] | None:
    if text in CURRENCIES:
        return None
    right = nearest(text, CURRENCIES) or "three capital letters, like EUR or USD"
    return f'"{text}" is not a currency', right


def _wrong_language(text: str) -> tuple[str, str] | None:
    if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", text):
        return None
    return f'"{text}" is not a language tag', "like en, de or pt-BR"


def _visitor_id(form: Form) -> VisitorId:
    said = form.choice("visitor id", VISITOR_IDS, "")
    return next((known for known in VISITOR_IDS if known == said), "")


def _control_group(form: Form) -> int:
    share = form.said("control group", parse_share) or 0
    if share > 9_000:
        form.wrong("control group", "nearly nobody would be left to personalize", "at most 90%; 10% is usual")
        return 0
    return share
