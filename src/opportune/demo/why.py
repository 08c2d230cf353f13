"""The "why" panel: what each place of this page shows and why, from the answers' own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opportune.demo.places import TITLES
from opportune.web.asking import Answer

CHIPS: Mapping[str, str] = {
    "shown": "Changed for you",
    "hidden": "Hidden",
    "normal": "As for everybody",
    "off": "Switched off",
    "error": "Shop's own content",
    "bot": "As for everybody",
}
WITHOUT_ANSWER = "No answer came in time, so the shop showed its own content. The page did not wait."
LONGEST_HISTORY = 30
PROGRAMME = "programme/1"
"""The test of everything the shop personalizes, as receipts name it."""


@dataclass(frozen=True, slots=True)
class WhyNot:
    """A rule that did not act here, how near it came (0 to 100), and what is missing."""

    rule: str
    near: int
    words: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """One place of the page, explained."""

    slot: str
    title: str
    outcome: str
    chip: str
    line: str
    until: str
    """When this would change by itself, in words; empty when only something new can change it."""
    because: tuple[str, ...]
    why_not: tuple[WhyNot, ...]


def reasons_of(answers: Mapping[str, Answer]) -> list[Reason]:
    """One reason for each place; those that a rule touched come first."""
    reasons = [_reason(slot, answer) for slot, answer in answers.items()]
    return sorted(reasons, key=lambda reason: reason.outcome not in ("shown", "hidden"))


def side_of(answers: Iterable[Answer]) -> str:
    """Which half this visitor is in: `in` is personalized, `out` the control group; empty where no answer tells."""
    receipts = [answer.receipt for answer in answers if answer.is_answered]
    for receipt in receipts:
        kept = receipt.get("assignments", {}).get(PROGRAMME)
        if kept:
            return str(kept[1])
        if receipt.get("gate") == "holdout":
            return "out"
    return "in" if any(PROGRAMME in receipt.get("buckets", {}) for receipt in receipts) else ""


def _reason(slot: str, answer: Answer) -> Reason:
    outcome = str(answer.receipt.get("outcome", "normal")) if answer.is_answered else "error"
    why = answer.why
    return Reason(
        slot=slot,
        title=TITLES[slot],
        outcome=outcome,
        chip=CHIPS.get(outcome, CHIPS["normal"]),
        line=_line(outcome, answer),
        until=_until(answer.holds_until) if outcome in ("shown", "hidden") else "",
        because=tuple(why.get("because", ())),
        why_not=tuple(_why_nots(why.get("why_not", ()))),
    )


def _line(outcome: str, answer: Answer) -> str:
    if not answer.is_answered:
        return WITHOUT_ANSWER
    if outcome == "shown":
        return f"Shows the version “{answer.variant}”, because of the rule “{answer.rule}”."
    if outcome == "hidden":
        return f"Shows nothing, because of the rule “{answer.rule}”."
    _, _, said = str(answer.why.get("headline", "")).partition(": ")
    return f"{said[:1].upper()}{said[1:]}." if said else "Normal content."


def _until(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%d %b %H:%M").lstrip("0") if moment else ""


def _why_nots(found: Iterable[Mapping[str, Any]]) -> Iterable[WhyNot]:
    for each in found:
        yield WhyNot(
            rule=each.get("rule", ""),
            near=round(100 * float(each.get("near", 0))),
            words=each.get("words", ""),
            missing=tuple(each.get("missing", ())),
        )


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a visitor's history."""

    day: str
    clock: str
    name: str
    detail: str


def history_of(person: Mapping[str, Any]) -> list[Happened]:
    """The newest events, in the words of a shop keeper."""
    return [_happened(event) for event in person.get("history", ())[:LONGEST_HISTORY]]


def _happened(event: Mapping[str, Any]) -> Happened:
    at = datetime.fromisoformat(event["occurredAt"]).astimezone()
    return Happened(
        day=at.strftime("%d %b").lstrip("0"),
        clock=at.strftime("%H:%M"),
        name=event.get("name", ""),
        detail=_detail(event.get("name", ""), event.get("properties") or {}, event.get("context") or {}),
    )


def _detail(event: str, properties: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    products = properties.get("products")
    if isinstance(products, list) and products:
        return ", ".join(str(product.get("name", "")) for product in products if isinstance(product, dict))
    if properties.get("depth") and "seconds" not in properties:
        return f"{properties['depth']}%"
    if properties.get("seconds"):
        return f"{properties['seconds']:g} s"
    if properties.get("lcp"):
        return f"biggest picture after {properties['lcp']} ms"
    said = [properties.get(name) for name in ("name", "query", "category") if event != "Page Viewed"]
    place = properties.get("path") or (context.get("page") or {}).get("path") or ""
    return ", ".join(str(each) for each in said if each) or str(place)


def known_of(person: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is known of a visitor, as pairs of name and value; what is not known is left out."""
    return [
        (known["name"], _said(known["value"]))
        for known in person.get("known", ())
        if known.get("value") not in (None, "", [], False)
    ]


def _said(value: Any) -> str:
    if value is True:
        return "yes"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
