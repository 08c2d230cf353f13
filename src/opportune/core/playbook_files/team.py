"""`team.yaml`: what a team says once for all its rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from opportune.core.language.phrases.duration import parse_duration
from opportune.core.language.phrases.share import parse_share
from opportune.core.playbook_files.form import TEXTS, YES_OR_NO, Field, Form, one_of
from opportune.core.playbook_files.yaml_text import Entries, Node, Scalar
from opportune.core.problem import Problem
from opportune.core.signals.catalogue import ELSEWHERE
from opportune.core.situation import UTC_ZONE
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
    Field("purpose", "Why rules exist, unless a rule says it better."),
    Field("owner", "Who answers for a rule, unless it names someone.", example="Mia"),
    Field("reviewer", "Who looks at a rule before it is published, unless it names someone.", example="Tom"),
    Field("safety limit", "The largest harm a rule may do.", example="bounce rate up by at most 5%"),
    Field(
        "rollback", "When a rule is switched off.", example="by its owner, when the safety limit is passed"
    ),
)


def read_team(node: Node | None, file: str, problems: list[Problem]) -> Team:
    """The team, with defaults for what is not said."""
    form = Form.of(node, TEAM_FIELDS, file, problems) if node is not None else None
    if form is None:
        return Team()
    default = Team()
    return Team(
        name=form.text("team", default.name),
        time_zone=_checked(form, "time zone", default.time_zone, _wrong_zone),
        currency=_checked(form, "currency", default.currency, _wrong_currency),
        language=_checked(form, "language", default.language, _wrong_language),
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
        safety=form.text("safety limit"),
        rollback=form.text("rollback"),
    )


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
    return ZoneInfo(team.time_zone) if team.time_zone in available_timezones() else UTC_ZONE


def _checked(form: Form, name: str, default: str, wrong_of: Callable[[str], tuple[str, str] | None]) -> str:
    text = form.text(name, default)
    wrong = wrong_of(text)
    if wrong is None:
        return text
    form.wrong(name, *wrong)
    return default


def _wrong_zone(text: str) -> tuple[str, str] | None:
    zones = available_timezones()
    if text in zones:
        return None
    cities = {zone.rsplit("/", 1)[-1].replace("_", " "): zone for zone in sorted(zones)}
    return f'the time zone "{text}" is not known', f'write "{cities[text]}"' if text in cities else one_of(
        text, zones
    )


def _wrong_currency(text: str) -> tuple[str, str] | None:
    if re.fullmatch(r"[A-Z]{3}", text):
        return None
    return f'"{text}" is not a currency', "three capital letters, like EUR or USD"


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
