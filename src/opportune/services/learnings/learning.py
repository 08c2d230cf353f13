"""Learning: a test that ends leaves a draft of what it taught; people complete it; anybody finds it again.

Drafts follow the numbers until the last window has closed. What people said is never written over.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import partial

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Measured
from opportune.core.language.phrases.hide import describe_hide
from opportune.core.language.sentence import describe
from opportune.core.learnings.learning import (
    STATUSES,
    Draft,
    Kept,
    Learning,
    Observed,
    Trait,
    read_learnings,
    search,
)
from opportune.core.learnings.resemblance import trait_of
from opportune.core.moved import percent_words
from opportune.core.playbook import Playbook
from opportune.core.report.asking import answer_at
from opportune.core.report.building import PROGRAMME_TITLE, build_report
from opportune.core.report.parts import Report
from opportune.core.report.plain import count_words, day_words
from opportune.core.rule import Rule
from opportune.errors import BadRequestError, NotFoundError, PlaybookError
from opportune.services.house import House
from opportune.services.publishing import playbook_at
from opportune.storage.base import AuditEntry, Storage, Transaction

MOST_CHARACTERS = 2_000
"""Of what somebody writes about a learning."""


def list_learnings(storage: Storage, words: str = "") -> list[Learning]:
    """Newest first; those in which every word stands."""
    found = read_learnings(storage.list_learnings())
    return search(found, words) if words.strip() else found


def draft(house: House, experiment: Experiment) -> Learning | None:
    """Drafts what an ended experiment taught, or brings its numbers up to date. None where nobody was in it."""
    measured = house.storage.find_measured(experiment.id)
    if measured is None or not _people(experiment, measured):
        return None
    made = _draft_of(house, experiment, measured)
    _put(house, made)
    return _find(house.storage, made.id)


def draft_rule(house: House, rule: str, reason: str) -> Learning | None:
    """Drafts for a rule that was switched off: of its test where it has one, else that it was."""
    state = house.storage.list_run_states().get(rule)
    if state is None:
        return None
    experiment = next((each for each in house.storage.list_experiments() if each.id == state.seed), None)
    if experiment is not None and (made := draft(house, experiment)) is not None:
        return made
    now, playbook = house.clock(), house.programme.playbook
    told = _told(playbook, playbook.rules.get(rule))
    _put(
        house,
        Draft(
            id=state.seed,
            rule=rule,
            subject="rule",
            trait=told.trait,
            action=told.action,
            audience=told.audience,
            sentence=told.sentence,
            planned="no test",
            smallest_gain=0.0,
            observed=Observed(state="rolled back", metric="", words=reason),
            ended_as="rolled back",
            reason=reason,
            proposal="Find out why, mend it, and start it again.",
            ended_at=now,
            ended=day_words(now, playbook.vocabulary.zone),
            is_final=True,
        ),
    )
    return _find(house.storage, state.seed)


def draft_missing(house: House) -> int:
    """Drafts for every ended experiment that has none, and completes those whose numbers may still change."""
    kept = {each.draft.id: each.draft for each in house.storage.list_learnings()}
    ended = [each for each in house.storage.list_experiments() if not each.is_open]
    waiting = [each for each in ended if each.id not in kept or not kept[each.id].is_final]
    written = 0
    for experiment in waiting:
        measured = house.storage.find_measured(experiment.id)
        if measured is None or not _people(experiment, measured):
            continue
        made = _draft_of(house, experiment, measured)
        if made != kept.get(experiment.id):
            _put(house, made)
            written += 1
    return written


def edit(
    house: House,
    which: str,
    *,
    decision: str | None = None,
    next_step: str | None = None,
    status: str | None = None,
    reason: str = "",
    by: str = "",
) -> Learning:
    """What people decided and want to do next, and another status than the numbers give, with a reason.

    None leaves a part as it is; an empty status goes back to what the numbers give. Raises NotFoundError,
    BadRequestError.
    """
    _check(decision, next_step, status, reason)
    with house.storage.turn():
        learning = _named(house.storage, which)
        before = next(each.said for each in house.storage.list_learnings() if each.draft.id == learning.id)
        after = msgspec.structs.replace(
            before,
            decision=before.decision if decision is None else decision.strip(),
            next=before.next if next_step is None else next_step.strip(),
            status=before.status if status is None else status,
            reason=before.reason if status is None else reason.strip(),
            by=by,
            at=house.clock(),
        )
        detail = "; ".join(
            f"{name}: {text}"
            for name, text in (
                ("decision", decision),
                ("next", next_step),
                ("status", status),
                ("reason", reason),
            )
            if text
        )
        audit = AuditEntry(at=house.clock(), by=by, act="learning edited", what=learning.id, detail=detail)

        def put(transaction: Transaction) -> None:
            transaction.put_said(learning.id, after)
            transaction.add_audit(audit)

        house.storage.write(put).result()
        return _find(house.storage, learning.id)


def _check(decision: str | None, next_step: str | None, status: str | None, reason: str) -> None:
    if decision is None and next_step is None and status is None:
        raise BadRequestError(wrong="Say what to write: a decision, what is next, or a status.")
    if status and status not in STATUSES:
        raise BadRequestError(wrong=f"{status!r} is no status; there are: {', '.join(STATUSES)}.")
    if status and not reason.strip():
        raise BadRequestError(
            wrong="A status other than the numbers give needs a reason, for whoever reads it later."
        )
    for name, text in (("decision", decision), ("next", next_step), ("reason", reason)):
        if text is not None and len(text) > MOST_CHARACTERS:
            raise BadRequestError(
                wrong=f"The {name} has {len(text):,} characters; at most {MOST_CHARACTERS:,}."
            )


def _named(storage: Storage, which: str) -> Learning:
    """By its id, or the newest of a rule's name, however they are capitalized. Raises NotFoundError."""
    found = list_learnings(storage)
    wanted = which.strip().casefold()
    for learning in found:
        if wanted in {learning.id.casefold(), learning.rule.casefold()}:
            return learning
    names = {name.casefold(): name for each in found for name in (each.id, each.rule) if name}
    near = get_close_matches(wanted, list(names), n=1, cutoff=0.5)
    hint = f" (did you mean {names[near[0]]!r}?)" if near else ""
    raise NotFoundError(what=f"A learning {which[:80]!r}{hint}")


def _find(storage: Storage, identifier: str) -> Learning:
    return next(each for each in list_learnings(storage) if each.id == identifier)


def _put(house: House, made: Draft) -> None:
    known: Sequence[Kept] = house.storage.list_learnings()
    is_new = all(each.draft.id != made.id for each in known)
    audit = AuditEntry(at=house.clock(), by="opportune", act="learning drafted", what=made.id)

    def put(transaction: Transaction, *, draft: Draft) -> None:
        transaction.put_draft(draft)
        if is_new:
            transaction.add_audit(audit)

    house.storage.write(partial(put, draft=made)).result()


def _people(experiment: Experiment, measured: Measured) -> int:
    return sum(measured.total(arm).units for arm, _ in experiment.arms)


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """A rule in words."""

    trait: Trait = Trait()
    action: str = ""
    audience: str = ""
    sentence: str = ""


def _told(playbook: Playbook, rule: Rule | None) -> _Told:
    if rule is None:
        return _Told()
    vocabulary = playbook.vocabulary
    audience = describe(rule.when, vocabulary)
    if rule.not_if is not None:
        audience = f"{audience}; not if {describe(rule.not_if, vocabulary)}"
    shown = [f"shows {show.variant} in {_title(playbook, show.slot)}" for show in rule.show]
    hidden = [f"hides {describe_hide(rule.hide)}"] if rule.hide else []
    action = ", ".join((*shown, *hidden))
    sentence = f"{audience[:1].upper()}{audience[1:]}: {action}"
    return _Told(trait=trait_of(rule, vocabulary), action=action, audience=audience, sentence=sentence)


def _title(playbook: Playbook, slot: str) -> str:
    found = playbook.slots.get(slot)
    return found.title or slot if found is not None else slot


def _draft_of(house: House, experiment: Experiment, measured: Measured) -> Draft:
    now, running = house.clock(), house.programme.playbook
    zone = running.vocabulary.zone
    report = build_report(experiment, measured, now=now, zone=zone, currency=running.team.currency)
    told = _told_of(house, experiment)
    ended_at = experiment.ended_at if experiment.ended_at is not None else now
    return Draft(
        id=experiment.id,
        rule=experiment.rule or PROGRAMME_TITLE,
        subject=experiment.subject,
        trait=told.trait,
        action=told.action,
        audience=told.audience,
        sentence=experiment.sentence or told.sentence,
        planned=_planned(experiment),
        smallest_gain=experiment.smallest_gain,
        observed=_observed(experiment, measured, report),
        ended_as=experiment.ended_as,
        reason=experiment.reason,
        proposal=report.conclusion.next_step,
        ended_at=ended_at,
        ended=day_words(
            answer_at(experiment, now, zone) if experiment.ended_as == "finished" else ended_at, zone
        ),
        is_final=measured.is_frozen,
    )


def _told_of(house: House, experiment: Experiment) -> _Told:
    """The rule as it was when it was tested."""
    if experiment.subject == "programme":
        return _Told(action="everything we personalize", audience="every visitor")
    try:
        playbook = playbook_at(house, experiment.revision)
    except (NotFoundError, PlaybookError):
        playbook = house.programme.playbook
    rule = playbook.rules.get(experiment.rule) or house.programme.playbook.rules.get(experiment.rule)
    return _told(playbook, rule)


def _planned(experiment: Experiment) -> str:
    """`added to cart within 7 days, for 49 days, to find 15%, with 25,400 visitors`."""
    parts = [experiment.metric.describe()]
    parts += [f"for {count_words(experiment.days, 'day')}"] if experiment.days else []
    parts += [f"to find a change of {percent_words(experiment.smallest_gain)}"]
    parts += [f"with {experiment.people:,} visitors"] if experiment.people else []
    return ", ".join(parts)


def _observed(experiment: Experiment, measured: Measured, report: Report) -> Observed:
    change = report.main.change if report.main is not None else None
    relative = change.relative if change is not None else None
    more = experiment.metric.more_is_better
    return Observed(
        state=report.conclusion.state,
        metric=experiment.metric.describe(),
        did=experiment.metric.did,
        people=_people(experiment, measured),
        change=relative,
        low=change.relative_low if change is not None else None,
        high=change.relative_high if change is not None else None,
        is_better=None if not relative else (relative > 0) is more,
        broken=tuple(limit.metric for limit in report.safety if limit.state == "broken"),
        words=report.main.words if report.main is not None else report.conclusion.sentence,
    )
