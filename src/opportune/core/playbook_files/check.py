"""What only the whole playbook shows: rules that cannot act, hide nothing, contradict or cover one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from opportune.core.conditions.base import Condition
from opportune.core.conditions.reach import reach_problems
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.form import Form, nearest, one_of
from opportune.core.playbook_files.rule import RuleDraft
from opportune.core.playbook_files.slot import SlotDraft
from opportune.core.playbook_files.stages import StageDraft
from opportune.core.problem import Problem
from opportune.core.remembering import beyond_the_id
from opportune.core.rule import Limits, Rule
from opportune.core.signals import FAMILY

MOST_LIVE = 3
"""More rules than this, started at once, can hardly be told apart."""


MOST_CHANGES = 2
"""A promise in two places is one idea; more than that is several."""


def check_playbook(
    playbook: Playbook,
    rules: Sequence[RuleDraft],
    slots: Sequence[SlotDraft],
    stages: Sequence[StageDraft],
    names: frozenset[str],
) -> list[Problem]:
    """Every problem and warning between the parts. `names` are all rules', also of those not understood."""
    for draft in rules:
        _check_memory(draft.rule, draft.form, playbook)
        _check_actions(draft.rule, draft.form)
        _check_hiding(draft.rule, draft.form, playbook)
        _check_test(draft.rule, draft.form)
        _check_boldness(draft.rule, draft.form, playbook)
    for form, field, condition in _conditions(rules, stages):
        _check_condition(form, field, condition, playbook)
    for slot in slots:
        _check_order(slot, playbook, names)
    _check_covered(playbook, rules)
    return list(_too_many(rules))


def _check_actions(rule: Rule, form: Form) -> None:
    if not any(name in form for name in ("show", "also show", "hide", "tell", "join")):
        form.wrong("rule", f'"{rule.name}" does nothing', "add `show` or `hide`", line=form.line)
    for slot, count in Counter(rule.slots()).items():
        if count > 1:
            form.wrong("show", f'two versions for "{slot}"', "keep one")
    for hide in rule.hide:
        if hide.slot and hide.slot in rule.slots():
            form.wrong("hide", f'shows and hides "{hide.slot}"', "keep one of both")
    if rule.always and rule.test is not None:
        wrong = "an always-rule acts for everybody, so there is nothing to test"
        form.wrong("test", wrong, "remove `test` or `always`")
    if rule.limits != Limits() and not rule.show:
        field = next(name for name in ("at most", "not after dismissed", "limits") if name in form)
        form.warn(field, "limits concern what a rule shows, and it shows nothing", "remove it")


def _check_test(rule: Rule, form: Form) -> None:
    """More than one question at once gives no answer to any of them."""
    if rule.test is None:
        return
    if len(rule.test.arms) > 2:
        wrong = f"{len(rule.test.arms)} versions share the visitors, and each answer takes that much longer"
        form.warn("test", wrong, "start with two: control and treatment")
    changes = len(rule.show) + len(rule.hide)
    if changes > MOST_CHANGES:
        wrong = (
            f"{changes} changes are tested at once: it will tell what they do together, not which one did it"
        )
        form.warn("test", wrong, "test one change after another, or leave some of them out")


def _check_memory(rule: Rule, form: Form, playbook: Playbook) -> None:
    for part, wrong in beyond_the_id(rule, playbook):
        written = ("at most", "not after dismissed", "limits") if part == "limits" else (part,)
        field = next((name for name in written if name in form), part)
        form.warn(field, wrong, "let your server set it (docs/how/same-domain.md), or look back less")


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


def _conditions(
    rules: Sequence[RuleDraft], stages: Sequence[StageDraft]
) -> Iterator[tuple[Form, str, Condition]]:
    for draft in rules:
        yield draft.form, "when", draft.rule.when
        if draft.rule.not_if is not None:
            yield draft.form, "not if", draft.rule.not_if
    for stage in stages:
        yield stage.form, "when", stage.stage.when


def _check_condition(form: Form, field: str, condition: Condition, playbook: Playbook) -> None:
    """Events and signals must be known, and a decision must be able to answer."""
    events, vocabulary = playbook.plan.events, playbook.vocabulary
    needs = condition.needs(vocabulary)
    unknown = sorted(needs.events - events.keys())
    for name in unknown:
        form.wrong(field, f'no event is called "{name}"', one_of(name, events) or "declare it in plan.yaml")
    for problem in reach_problems(condition, vocabulary) if not unknown else ():
        wrong, _, right = problem.partition("; ")
        form.wrong(field, wrong, right)
    for doubt in condition.doubts(vocabulary):
        wrong, _, right = doubt.partition("; ")
        form.warn(field, wrong, right)
    known = {*vocabulary.signals, *FAMILY, *vocabulary.attributes}
    for name in sorted(needs.signals - known):
        right = nearest(name, known) or f"add {name} to `customer details` in plan.yaml"
        form.warn(field, f'"{name}" is nothing that is measured or declared', right)


def _check_boldness(rule: Rule, form: Form, playbook: Playbook) -> None:
    """A bold version needs every signal of its rule to be sure; some can hardly be."""
    signals = playbook.vocabulary.signals
    unsure = [
        name
        for name in sorted(rule.when.needs(playbook.vocabulary).signals)
        if name not in FAMILY and (name not in signals or signals[name].confidence != "high")
    ]
    for show in rule.show if unsure else ():
        variant = playbook.slots[show.slot].find_variant(show.variant)
        if variant is not None and variant.intensity == "bold":
            wrong = f'"{variant.name}" is bold, and "{unsure[0]}" is sure only where a request states it'
            form.warn("show", wrong, "make the version subtle, or send it with every decide")


def _check_order(draft: SlotDraft, playbook: Playbook, names: frozenset[str]) -> None:
    slot, form = draft.slot, draft.form
    for name, count in Counter(slot.rules).items():
        rule = playbook.rules.get(name)
        if name not in names:
            form.wrong("rules", f'no rule is called "{name}"', one_of(name, names))
        elif rule is not None and slot.name not in rule.slots():
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
