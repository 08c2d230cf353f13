"""`rules/*.yaml`: the rules, one or several documents a file; sentences become conditions, tests, limits, hidings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from opportune.core.conditions import AnyCondition
from opportune.core.conditions.base import Condition
from opportune.core.experiments.designing import design_of_rule
from opportune.core.experiments.experiment import Design
from opportune.core.language.phrases.date import parse_last_day
from opportune.core.language.phrases.duration import parse_duration
from opportune.core.language.phrases.hide import parse_hide
from opportune.core.language.phrases.limits import parse_limits
from opportune.core.language.phrases.recommend import looks_like_wish
from opportune.core.language.phrases.share import WHOLE
from opportune.core.language.phrases.test import (
    LEAST_GAIN,
    MOST_GAIN,
    is_whole_weeks,
    nearest_weeks,
    parse_test,
)
from opportune.core.language.sentence import parse_condition
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.metrics.reading import parse_metric
from opportune.core.moment import DAY
from opportune.core.playbook_files.form import TEXT, TEXTS, YES_OR_NO, Field, Form, one_of
from opportune.core.playbook_files.launch import read_launch
from opportune.core.playbook_files.listing import check_wish, listed_variant
from opportune.core.playbook_files.team import INHERITED, read_safety, said_safety, words_of
from opportune.core.playbook_files.yaml_text import Entries, Items, Node, Scalar, line_of, to_json
from opportune.core.problem import Problem
from opportune.core.rule import CONTROL, LONGEST_LASTS, NOT_IF_END, Hide, Limits, Rule, Show, Test
from opportune.core.signals import FAMILY
from opportune.core.slot import Slot, slot_id
from opportune.core.team import Team

CONDITION: Mapping[str, Any] = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Condition"}]}
_SHOW: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}
_HIDE: Mapping[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {"$ref": "#/$defs/Hide"},
        {"type": "array", "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Hide"}]}},
    ]
}
NOT_YET = {"tell": "Klaviyo", "join": "ad audiences"}

RULE_FIELDS = (
    Field(
        "rule",
        "Its name; run state and results belong to the name.",
        TEXT,
        "Category returner",
        is_required=True,
    ),
    Field(
        "when",
        "The condition, as a sentence or in its structured form.",
        CONDITION,
        "a visitor bought",
        is_required=True,
    ),
    Field("show", "Versions by place, or products (`best sellers in {category}, 4`).", _SHOW),
    Field("also show", "More versions by place.", _SHOW),
    Field("hide", "What is hidden: places, or everything with a tag.", _HIDE, "everything marked promo"),
    Field("tell", "A message through a connection (not available yet).", {}),
    Field("join", "A list for ads (not available yet).", {}),
    Field("not if", "The rule stays silent while this holds.", CONDITION, "a visitor is in support"),
    Field("at most", "How often it may be given, in visits.", TEXT, "3 times in 7 days"),
    Field("not after dismissed", "yes: never again once closed; or for how long not.", TEXT, "30 days"),
    Field(
        "limits",
        "Both limits at once, as a sentence or {at_most, at_most_days, ...}.",
        {"anyOf": [TEXT, {"$ref": "#/$defs/Limits"}]},
    ),
    Field(
        "test",
        "The experiment, as a sentence or {arms, metric, days}.",
        {"anyOf": [TEXT, {"$ref": "#/$defs/Test"}]},
        "half and half, on orders, for 6 weeks",
    ),
    Field("until", "The last day of the rule.", TEXT, "31 March 2027"),
    Field("lasts", "How long a match goes on after it ended.", TEXT, "48 hours"),
    Field("always", "yes: acts whatever control group and tests say.", YES_OR_NO),
    Field(
        "launch",
        "How it starts: live, slowly (5%, then 20%, 50%, all), draft, preview, or a share such as 20%.",
        TEXT,
        "live",
    ),
    Field("purpose", "Why it exists."),
    Field("owner", "Who answers for it."),
    Field("reviewer", "Who looks at it before it is published."),
    Field("safety limit", "How much worse its test may make what is measured.", TEXTS),
    Field("rollback", "When it is switched off."),
)


class Sentences:
    """Reads conditions, and keeps what was read: building the grammar takes longer than all the rest."""

    def __init__(self, vocabulary: Vocabulary, known: Mapping[str, Condition] | None = None) -> None:
        """`known` are sentences read before, under the same words."""
        self.vocabulary = vocabulary
        self.known = known or {}
        self.read: dict[str, Condition] = {}

    def parse(self, text: str) -> Condition:
        """The condition; raises SentenceError."""
        condition = self.known.get(text)
        if condition is None:
            condition = parse_condition(text, self.vocabulary)
        self.read[text] = condition
        return condition


class Book(msgspec.Struct, frozen=True):
    """What rules are read against."""

    team: Team
    vocabulary: Vocabulary
    sentences: Sentences
    slots: Mapping[str, Slot]
    now: int | None = None


class RuleDraft(msgspec.Struct, frozen=True):
    """A rule with its form, for checks that need the whole playbook."""

    rule: Rule
    form: Form

    @property
    def written(self) -> str:
        """The condition's sentence as somebody wrote it; empty where it has its structured form."""
        return self.form.text("when") if isinstance(self.form.find("when"), Scalar) else ""


def name_in(node: Node) -> str:
    """The name a rule's document gives, whatever else is wrong with it."""
    name = node.find("rule") if isinstance(node, Entries) else None
    return " ".join(name.text.split()) if isinstance(name, Scalar) else ""


def read_rule(node: Node, file: str, book: Book, problems: list[Problem]) -> RuleDraft | None:
    """One rule; None when name or condition cannot be used."""
    form = Form.of(node, RULE_FIELDS, file, problems)
    if form is None:
        return None
    for field, needed in NOT_YET.items():
        if field in form:
            form.wrong(field, f"needs {needed} (not available yet)", "remove it")
    if form.text("rule").startswith("/") or form.text("rule").endswith(NOT_IF_END):
        wrong = f"names that begin with / or end in {NOT_IF_END} are used inside receipts"
        form.wrong("rule", wrong, "give the rule another name")
    when = read_condition(form, "when", book.sentences)
    not_if = read_condition(form, "not if", book.sentences) if "not if" in form else None
    inherited = frozenset(name for name in INHERITED if name not in form)
    rule = Rule(
        name=form.text("rule"),
        when=when if when is not None else Condition(),
        show=(*_shown(form, "show", book), *_shown(form, "also show", book)),
        hide=_hidden(form, book),
        not_if=not_if,
        test=_test(form),
        limits=_limits(form),
        until_at=_until(form, book),
        lasts_ms=_lasts(form),
        always=form.yes("always"),
        launch=read_launch(form, book.team.launch),
        inherited=inherited,
        design=None,
        **_answered_for(form, book.team),
    )
    rule = msgspec.structs.replace(rule, design=_design(form, rule, book))
    return RuleDraft(rule, form) if rule.name and when is not None else None


def read_condition(form: Form, field: str, sentences: Sentences) -> Condition | None:
    """A condition, from a sentence or from its structured form."""
    node = form.find(field)
    if node is None:
        return None
    if isinstance(node, Scalar):
        return form.said(field, sentences.parse)
    condition: Condition | None = _structured(form, field, node, AnyCondition)
    return condition


def _structured(form: Form, field: str, node: Node, shape: Any) -> Any:
    """A value in its structured form; None, and a problem at its line, when it does not fit."""
    plain = to_json(node)
    try:
        value = msgspec.convert(plain, type=shape)
    except msgspec.ValidationError as error:
        wrong, _, path = str(error).partition(" - at `")
        path = path.rstrip("`")
        place = path.lstrip("$.")
        form.wrong(field, f"the structured form does not fit: {wrong}", place, line=line_of(node, path))
        return None
    unknown = next(_unknown_fields(value, plain, "$"), None)
    if unknown is None:
        return value
    path, right = unknown
    form.wrong(
        field, f"the structured form has no field {path.lstrip('$.')}", right, line=line_of(node, path)
    )
    return None


def _unknown_fields(value: Any, plain: Any, path: str) -> Iterator[tuple[str, str]]:
    """Fields that were written but mean nothing: reading past them would change what the rule says."""
    if isinstance(value, msgspec.Struct) and isinstance(plain, dict):
        names = value.__struct_encode_fields__
        for name, inner in plain.items():
            if name in names:
                held = getattr(value, value.__struct_fields__[names.index(name)])
                yield from _unknown_fields(held, inner, f"{path}.{name}")
            elif name != "kind":
                yield f"{path}.{name}", one_of(name, names)
    elif isinstance(value, (tuple, list)) and isinstance(plain, list):
        for number, (held, inner) in enumerate(zip(value, plain, strict=False)):
            yield from _unknown_fields(held, inner, f"{path}[{number}]")


def _shown(form: Form, field: str, book: Book) -> list[Show]:
    node = form.find(field)
    if node is None:
        return []
    if not isinstance(node, Entries):
        form.wrong(field, "places and versions were expected", "write `home hero: Version name` below it")
        return []
    found = (_show(form, f"{field}.{key.text}", key, value, book) for key, value in node.entries)
    return [show for show in found if show is not None]


def _show(form: Form, where: str, place: Scalar, version: Node, book: Book) -> Show | None:
    slot = book.slots.get(place.text) or book.slots.get(slot_id(place.text))
    if slot is None:
        titles = [each.title for each in book.slots.values()]
        form.wrong(where, f'no place is called "{place.text}"', one_of(place.text, titles), line=place.line)
        return None
    if not isinstance(version, Scalar):
        form.wrong(
            where,
            "the name of one version was expected",
            "content stands in the place's file",
            line=version.line,
        )
        return None
    if slot.find_variant(version.text) is None and looks_like_wish(version.text):
        return _listed(form, where, slot, version, book)
    if slot.find_variant(version.text) is None:
        form.wrong(where, *_unknown_version(slot, version.text), line=version.line)
        return None
    return Show(slot=slot.name, variant=version.text)


def _listed(form: Form, where: str, slot: Slot, version: Scalar, book: Book) -> Show | None:
    """Products named in the rule itself."""
    known = [*book.vocabulary.signals, *FAMILY, *book.vocabulary.attributes]
    words = check_wish(form, where, version, known)
    if words and listed_variant(slot, words) is None:
        right = "give it a field `products`, or `type: list`"
        form.wrong(where, f'"{slot.title}" has no place for a list of products', right, line=version.line)
        return None
    return Show(slot=slot.name, variant=words) if words else None


def _unknown_version(slot: Slot, text: str) -> tuple[str, str]:
    names = [variant.name for variant in slot.variants]
    right = one_of(text, names) or f"add it under `variants` of {slot.title}"
    return f'"{slot.title}" has no version called "{text}"', right


def _hidden(form: Form, book: Book) -> tuple[Hide, ...]:
    node = form.find("hide")
    if node is None:
        return ()
    nodes = node.items if isinstance(node, Items) else (node,)
    found: list[Hide] = []
    for item in nodes:
        if isinstance(item, Scalar):
            found += form.said_in("hide", item, lambda text: _hide_of(text, book)) or ()
        else:
            hide = _structured(form, "hide", item, Hide)
            found += [hide] if hide is not None else []
    return tuple(
        msgspec.structs.replace(hide, slot=slot_id(hide.slot)) if hide.slot else hide for hide in found
    )


def _hide_of(text: str, book: Book) -> tuple[Hide, ...]:
    """A bare tag or place, else a sentence."""
    name = text.strip()
    if name in book.vocabulary.tags:
        return (Hide(tag=name),)
    if name in book.slots or slot_id(name) in book.slots:
        return (Hide(slot=slot_id(name)),)
    return tuple(parse_hide(text, book.vocabulary))


def _test(form: Form) -> Test | None:
    node = form.find("test")
    if node is None:
        return None
    if isinstance(node, Scalar):
        return form.said("test", parse_test)
    test: Test | None = _structured(form, "test", node, Test)
    wrong, right = next(_wrong_in_test(test), ("", "")) if test is not None else ("", "")
    if wrong:
        form.wrong("test", wrong, right)
    return test


def _wrong_in_test(test: Test) -> Iterator[tuple[str, str]]:
    """What words could not have said: the structured form takes any numbers and names."""
    names = [name for name, _ in test.arms]
    if sum(weight for _, weight in test.arms) != WHOLE or any(weight <= 0 for _, weight in test.arms):
        yield "the weights of the arms do not add up to 10000", "like [[control, 5000], [treatment, 5000]]"
    if names[:1] != [CONTROL] or len(names) < 2:
        yield "the first arm is the control group, and another one follows", f"like [[{CONTROL}, 5000], ...]"
    if len(set(names)) < len(names):
        yield "two arms have the same name", "give each its own"
    if any(sign < " " for name in names for sign in name):
        yield "the name of an arm has a sign in it that nobody sees", "give it a name in letters"
    if test.days is not None and not is_whole_weeks(test.days):
        yield f"{test.days} days are no whole weeks", f"days: {7 * nearest_weeks(test.days)}"
    if test.smallest_gain is not None and not LEAST_GAIN <= test.smallest_gain <= MOST_GAIN:
        yield f"a smallest gain of {test.smallest_gain:g} is nothing to plan for", "0.2 is 20%"


def _design(form: Form, rule: Rule, book: Book) -> Design | None:
    """What the rule's test is measured by: its own words, else the team's."""
    words = words_of(book.team, book.vocabulary, book.slots.values(), rule.slots())
    limits = None
    if "safety limit" in form:
        limits = read_safety(form, rule.safety, words)
    said = rule.test.metric if rule.test is not None else ""
    node = Scalar(text=said, value=said, line=form.line_of("test"))
    metric = form.said_in("test", node, lambda text: parse_metric(text, words)) if said else None
    design = design_of_rule(rule, book.team, words, metric, limits)
    if design is not None and design.metric.lacks_place:
        wrong = f"\u201c{design.metric.phrase}\u201d asks for the rule's place, and it shows nothing"
        form.wrong("test", wrong, "name another metric, such as `on orders`")
    return design


def _limits(form: Form) -> Limits:
    node = form.find("limits")
    limits = Limits()
    if isinstance(node, Scalar):
        limits = form.said("limits", parse_limits) or limits
    elif node is not None:
        limits = _structured(form, "limits", node, Limits) or limits
    if "at most" in form:
        most = form.said("at most", lambda text: parse_limits(f"at most {text}"))
        if most is not None:
            limits = msgspec.structs.replace(limits, at_most=most.at_most, at_most_days=most.at_most_days)
    days = _dismissed(form)
    return limits if days is None else msgspec.structs.replace(limits, not_after_dismissed_days=days)


def _dismissed(form: Form) -> float | None:
    text = form.text("not after dismissed").lower()
    if text in ("", "no", "false"):
        return None
    if text in ("yes", "true", "ever", "never again"):
        return 0
    span = form.said("not after dismissed", lambda said: parse_duration(said.removeprefix("for ")))
    return span / DAY if span is not None else None


def _until(form: Form, book: Book) -> int | None:
    if "until" not in form:
        return None
    until_at = form.said("until", lambda text: parse_last_day(text, book.vocabulary.zone))
    if until_at is not None and book.now is not None and until_at <= book.now:
        form.warn("until", "this day is over, so the rule never acts", "remove the rule, or set a later day")
    return until_at


def _lasts(form: Form) -> int:
    if "lasts" not in form:
        return 0
    span = form.said("lasts", lambda text: parse_duration(re.sub(r"\s+after\b.*$", "", text.strip())))
    if span is not None and span > LONGEST_LASTS:
        form.wrong(
            "lasts", "that is longer than behaviour is read back", f"at most {LONGEST_LASTS // DAY} days"
        )
        return 0
    return span or 0


def _answered_for(form: Form, team: Team) -> dict[str, str]:
    """Who answers, why and how it ends: the rule's own words, else the team's; all of them are needed."""
    inherited = {
        "purpose": team.purpose,
        "owner": team.owner,
        "reviewer": team.reviewer,
        "safety limit": team.safety,
        "rollback": team.rollback,
    }
    said = {name: form.text(name, inherited[name]) for name in INHERITED if name != "safety limit"}
    said["safety limit"] = said_safety(form) or inherited["safety limit"]
    for name, text in said.items():
        if not text:
            right = f"write `{name}:` here, or once for all rules in team.yaml"
            form.wrong(name, f"nobody said the {name}", right)
    said["safety"] = said.pop("safety limit")
    return said
