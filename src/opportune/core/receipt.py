"""A receipt: the inputs, findings and outcome of one decision, enough to decide it again to equal bytes.

It holds plain values only. Words for people are made from it by `explanation.py`, on request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import msgspec

from opportune import __version__
from opportune.core.allocation import BUCKETS, bucket_of, coverage_seed
from opportune.core.decision import CONSENT_GATE, Decision, Step, decide
from opportune.core.finding import Finding
from opportune.core.playbook import Playbook
from opportune.core.programme import Programme
from opportune.core.recommending.wish import Given
from opportune.core.rule import RunState, RunStateName
from opportune.core.signals.base import Reading
from opportune.core.situation import Assignment, Context, Situation, Unit, Visit

BEFORE_THE_SHARE = frozenset({"no match", "not if", "ended", "preview only"})
"""Said of a rule before its share of visitors is looked at."""
ENGINE = f"opportune {__version__}"
_json = msgspec.json.Encoder(order="sorted")
_nothing_said = msgspec.structs.astuple(Context())


class RuleRun(msgspec.Struct, frozen=True, array_like=True):
    """A rule's run state as it was: state, share of 10,000, number of its test, phase."""

    state: RunStateName
    share: int
    run: int
    phase: int


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision, whole. `content` is 16 hex digits of SHA-256 over the shown value's JSON (keys sorted)."""

    slot: str
    at: int
    seq: int
    revision: str
    engine: str = ENGINE
    unit: str = ""
    user: str = ""
    """The proven user, where the request named one."""
    session: int = 0
    outcome: str
    reason: str
    variant: str = ""
    rule: str = ""
    gate: str = ""
    content: str = ""
    steps: tuple[Step, ...] = ()
    findings: Mapping[str, Finding] = msgspec.field(default_factory=dict)
    signals: Mapping[str, Reading] = msgspec.field(default_factory=dict)
    assignments: Mapping[str, Assignment] = msgspec.field(default_factory=dict)
    """Arms that had been given before and were kept."""
    buckets: Mapping[str, int] = msgspec.field(default_factory=dict)
    """By seed: the visitor's bucket of 10,000 wherever one decided, of an arm or of a share."""
    runs: Mapping[str, RuleRun] = msgspec.field(default_factory=dict)
    context: Mapping[str, Any] = msgspec.field(default_factory=dict)
    lists: Mapping[str, tuple[Given, ...]] = msgspec.field(default_factory=dict)
    """Products given, with why, by version and field."""

    def to_json(self) -> bytes:
        return _json.encode(self)


def receipt_of(decision: Decision, situation: Situation, programme: Programme) -> Receipt:
    """The receipt of a decision just made; only what this slot's walk looked at is kept."""
    rules = {name for name, _, _ in decision.steps}
    runs = {name: _run(programme.run_states[name]) for name in sorted(rules) if name in programme.run_states}
    seeds = {programme.run_states[name].seed for name in runs} | {programme.playbook.team.holdout_seed}
    unit = situation.unit
    _read_told(rules, situation, programme)
    return Receipt(
        slot=decision.slot,
        at=situation.now,
        seq=situation.seq,
        revision=programme.revision,
        unit=unit.id if unit is not None else "",
        user=situation.user,
        session=situation.visit.id if situation.visit is not None else 0,
        outcome=decision.outcome,
        reason=decision.reason,
        variant=decision.variant,
        rule=decision.rule,
        gate=decision.gate,
        content=content_hash(decision.value),
        steps=decision.steps,
        findings={
            name: finding
            for name, finding in tuple(situation.findings.items())
            if name == CONSENT_GATE or any(name == rule or name.startswith(f"{rule}/") for rule in rules)
        },
        signals=dict(situation.readings),
        assignments={seed: kept for seed, kept in situation.assignments.items() if seed in seeds},
        buckets=_buckets(decision, situation, programme),
        runs=runs,
        context=context_facts(situation.context),
        lists=_lists(decision.slot, situation),
    )


def _lists(slot: str, situation: Situation) -> dict[str, tuple[Given, ...]]:
    start = f"{slot}/"
    return {
        name.removeprefix(start): given for name, given in situation.lists.items() if name.startswith(start)
    }


def _buckets(decision: Decision, situation: Situation, programme: Programme) -> dict[str, int]:
    unit = situation.unit
    if unit is None:
        return {}
    seeds = [given.experiment for given in decision.assignments]
    for name, verdict, _ in decision.steps:
        state = programme.run_states.get(name)
        if state is None or state.share >= BUCKETS or verdict in BEFORE_THE_SHARE:
            continue
        kept = situation.assignments.get(state.seed)
        if kept is None or kept.place_in_share < 0:
            seeds.append(coverage_seed(state.seed))
    return {seed: bucket_of(seed, unit.id) for seed in sorted(seeds)}


def _read_told(rules: Iterable[str], situation: Situation, programme: Programme) -> None:
    """Conditions take what the request itself says without keeping a reading; a receipt keeps it."""
    signals = programme.playbook.vocabulary.signals
    for rule in rules:
        for name in programme.signals.get(rule, ()):
            if (
                name not in situation.readings
                and name in signals
                and signals[name].told(situation) is not None
            ):
                situation.read(name)


def content_hash(value: Any) -> str:
    return sha256(_json.encode(value)).hexdigest()[:16]


def context_facts(context: Context) -> dict[str, Any]:
    """What the request said, without what it did not say."""
    said = zip(Context.__struct_fields__, msgspec.structs.astuple(context), _nothing_said, strict=True)
    return {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value, default in said
        if value is not default and value != default
    }


def context_from(facts: Mapping[str, Any]) -> Context:
    """The context a receipt or an opportunity recorded."""
    return msgspec.convert(dict(facts), Context)


def decode(data: bytes) -> Receipt:
    """A stored receipt. Raises msgspec.ValidationError on foreign bytes."""
    return msgspec.json.decode(data, type=Receipt)


def replay(receipt: Receipt, playbook: Playbook) -> Receipt:
    """Decides again from the recorded inputs alone, with the playbook of the receipt's revision.

    The result's `to_json()` equals the original's bytes whenever engine and playbook still say the
    same. Raises KeyError when the slot is not in that playbook.
    """
    programme = programme_at(receipt, playbook)
    situation = _recorded(receipt, programme)
    decision = decide(programme.places[receipt.slot], situation, programme)
    again = receipt_of(decision, situation, programme)
    return msgspec.structs.replace(again, findings=receipt.findings, signals=receipt.signals)


def programme_at(receipt: Receipt, playbook: Playbook) -> Programme:
    """The programme as it acted then, as far as this decision looked at it."""
    states = {
        name: RunState(
            rule=name, state=run.state, share=run.share, run=run.run, phase=run.phase, may_act_unseen=True
        )
        for name, run in receipt.runs.items()
    }
    return Programme(playbook, states, is_off=receipt.outcome == "off")


def _recorded(receipt: Receipt, programme: Programme) -> Situation:
    situation = Situation(
        now=receipt.at,
        readers=programme.readers,
        context=context_from(receipt.context),
        unit=Unit(0, receipt.unit) if receipt.unit else None,
        user=receipt.user,
        visit=Visit(receipt.session, receipt.at) if receipt.session else None,
        assignments=receipt.assignments,
        seq=receipt.seq,
        zone=programme.playbook.vocabulary.zone,
    )
    situation.findings.update(receipt.findings)
    situation.readings.update(receipt.signals)
    situation.lists.update({f"{receipt.slot}/{name}": given for name, given in receipt.lists.items()})
    return situation


def _run(state: RunState) -> RuleRun:
    return RuleRun(state.state, state.share, state.run, state.phase)
