"""What only the whole playbook shows: rules that cannot act, hide nothing, contradict or cover one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from opportune.core.conditions.base import Needs
from opportune.core.form import Form, nearest, one_of
from opportune.core.plan import TELEMETRY
from opportune.core.playbook import Playbook
from opportune.core.problem import Problem
from opportune.core.rule import Limits, Rule
from opportune.core.rule_file import RuleDraft
from opportune.core.sentence import reach_problems
from opportune.core.signals import FAMILY
from opportune.core.slot_file import SlotDraft

MOST_LIVE = 3
"""More rules than this, started at once, can hardly be told apart."""


def check_playbook(
    playbook: Playbook, rules: Sequence[RuleDraft], slots: Sequence[SlotDraft]
) -> list[Problem]:
    """Every problem and warning between the parts."""
    for draft in rules:
        _check_actions(draft.rule, draft.form)
        _check_hiding(draft.rule, draft.form, playbook)
        _check_needs(draft, playbook)
        _check_boldness(draft.rule, draft.form, playbook)
    for slot in slots:
        _check_order(slot, playbook)
    _check_covered(playbook, rules)
    return list(_too_many(rules))


def _check_actions(rule: Rule, form: Form) -> None:
    if (
        not rule.show
        and not rule.hide
        and not {"show", "also show", "hide", "tell", "join"} & set(_fields(form))
    ):
        form.wrong("rule", f'"{rule.name}" does nothing', "add `show` or `hide`", line=form.line)
    for slot, count in Counter(rule.slots()).items():
        if count > 1:
            form.wrong("show", f'two versions for "{slot}"', "keep one")
    for hide in rule.hide:
        if hide.slot and hide.slot in rule.slots():
            form.wrong("hide", f'shows and hides "{hide.slot}"', "keep one of both")
    if rule.always and rule.test is not None:
        form.wrong(
            "test",
            "an always-rule acts for everybody, so there is nothing to test",
            "remove `test` or `always`",
        )
    if rule.limits != Limits() and not rule.show:
        field = next(name for name in ("at most", "not after dismissed", "limits") if name in form)
        form.warn(field, "limits concern what a rule shows, and it shows nothing", "remove it")


def _fields(form: Form) -> Iterator[str]:
    return (name for name in ("show", "also show", "hide", "tell", "join") if name in form)


def _check_hiding(rule: Rule, form: Form, playbook: Playbook) -> None:
    tags = playbook.vocabulary.tags
    for hide in rule.hide:
        if not hide.tag and not hide.slot:
            form.wrong(
                "hide", "neither a tag nor a place is named", "write {tag: promo} or {slot: home hero}"
            )
        if hide.tag and hide.tag not in tags:
            right = one_of(hide.tag, tags) or "give places or versions tags"
            form.wrong("hide", f'nothing is marked "{hide.tag}"', right)
        if hide.slot and hide.slot not in playbook.slots:
            form.wrong("hide", f'no place is called "{hide.slot}"', one_of(hide.slot, playbook.slots))


def _check_needs(draft: RuleDraft, playbook: Playbook) -> None:
    rule, form, vocabulary = draft.rule, draft.form, playbook.vocabulary
    conditions = [("when", rule.when), ("not if", rule.not_if)]
    for field, condition in conditions:
        if condition is None:
            continue
        needs = condition.needs(vocabulary)
        _check_names(needs, field, form, playbook)
        for problem in reach_problems(condition, vocabulary):
            form.wrong(field, problem)


def _check_names(needs: Needs, field: str, form: Form, playbook: Playbook) -> None:
    events, vocabulary = playbook.plan.events, playbook.vocabulary
    for name in sorted(needs.events):
        if name not in events:
            form.wrong(
                field, f'no event is called "{name}"', one_of(name, events) or "declare it in plan.yaml"
            )
        elif events[name].event_class == TELEMETRY:
            form.wrong(
                field, f'"{name}" is telemetry, which decisions never read', "use what the page itself says"
            )
    known = {*vocabulary.signals, *FAMILY, *vocabulary.attributes}
    for name in sorted(needs.signals - known):
        right = nearest(name, known) or f"add {name} to `customer details` in plan.yaml"
        form.warn(field, f'"{name}" is nothing that is measured or declared', right)


def _check_boldness(rule: Rule, form: Form, playbook: Playbook) -> None:
    signals = playbook.vocabulary.signals
    sure = [
        signals[name].confidence for name in rule.when.needs(playbook.vocabulary).signals if name in signals
    ]
    if not sure or set(sure) != {"low"}:
        return
    for show in rule.show:
        variant = playbook.slots[show.slot].find_variant(show.variant)
        if variant is not None and variant.intensity == "bold":
            wrong = f'"{variant.name}" is bold, and nothing this rule asks is ever sure'
            form.warn("show", wrong, "make the version subtle, or ask something the visit itself shows")


def _check_order(draft: SlotDraft, playbook: Playbook) -> None:
    slot, form = draft.slot, draft.form
    for name, count in Counter(slot.rules).items():
        rule = playbook.rules.get(name)
        if rule is None:
            form.wrong("rules", f'no rule is called "{name}"', one_of(name, playbook.rules))
        elif slot.name not in rule.slots():
            form.wrong("rules", f'"{name}" shows nothing in {slot.title}', "remove it from the order")
        if count > 1:
            form.wrong("rules", f'"{name}" stands twice', "keep the first")


def _check_covered(playbook: Playbook, drafts: Sequence[RuleDraft]) -> None:
    """A rule behind one with the same condition, that takes everybody, is never asked."""
    forms = {draft.rule.name: draft.form for draft in drafts}
    for slot in playbook.slots.values():
        takers: list[Rule] = []
        for name in slot.rules:
            rule = playbook.rules[name]
            taker = next((taker for taker in takers if taker.when == rule.when), None)
            if taker is not None:
                wrong = (
                    f'in {slot.title} it is never asked: "{taker.name}" comes first under the same condition'
                )
                forms[name].warn("when", wrong, "join them, or change the order in the place's file")
            if _takes_everybody(rule):
                takers.append(rule)


def _takes_everybody(rule: Rule) -> bool:
    is_whole = rule.test is None and rule.limits == Limits() and rule.not_if is None and rule.until_at is None
    return is_whole and rule.launch == "live"


def _too_many(drafts: Sequence[RuleDraft]) -> Iterator[Problem]:
    live = [draft for draft in drafts if draft.rule.launch not in ("draft", "preview")]
    if len(live) > MOST_LIVE:
        wrong = f"{len(live)} rules are launched at once; what each does can hardly be told apart"
        fourth = live[MOST_LIVE].form
        right = f"start with {MOST_LIVE}, and give the others `launch: draft`"
        yield Problem(fourth.file, fourth.line_of("launch"), "launch", wrong, right, is_warning=True)
