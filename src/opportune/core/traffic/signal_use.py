"""The signal map: which rules, stages, texts and tests use a signal, of how many it is known, what events they need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from statistics import median

import msgspec

from opportune.core.conditions.base import Condition
from opportune.core.content import placeholders_of
from opportune.core.moment import DAY
from opportune.core.playbook import Playbook
from opportune.core.rule import Rule
from opportune.core.signals import SIGNALS
from opportune.core.traffic.sample import Sample


class SignalUse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One signal or customer detail: who uses it, for what share of visitors it is known, how old it usually is."""

    name: str
    used_by: tuple[str, ...]
    coverage: float
    age_days: float | None = None


def names_of(playbook: Playbook) -> set[str]:
    """All signals, and the customer details a playbook declares."""
    return {signal.name for signal in SIGNALS} | set(playbook.vocabulary.attributes)


def signal_map(playbook: Playbook, sample: Sample) -> tuple[SignalUse, ...]:
    """Everything that is known of anybody or used by anything, the widest known first."""
    uses, read = uses_of(playbook), max(1, sample.read)
    names = {name for name in names_of(playbook) | set(sample.known) if sample.known[name] or name in uses}
    found = [
        SignalUse(
            name=name,
            used_by=tuple(uses.get(name, ())),
            coverage=sample.known[name] / read,
            age_days=round(median(sample.ages[name]) / DAY, 2) if sample.ages.get(name) else None,
        )
        for name in names
    ]
    return tuple(sorted(found, key=lambda use: (-use.coverage, use.name)))


def signals_of(rule: Rule, playbook: Playbook) -> frozenset[str]:
    """All that its condition and its exception ask for."""
    return frozenset(name for each in _conditions(rule) for name in each.needs(playbook.vocabulary).signals)


def uses_of(playbook: Playbook) -> dict[str, list[str]]:
    """By signal, everything that uses it: `rule Returner`, `stage New`, `Boots in home hero`."""
    found: dict[str, list[str]] = defaultdict(list)
    for rule in playbook.rules.values():
        for name in sorted(signals_of(rule, playbook)):
            found[name].append(f"rule {rule.name}")
    for stage in playbook.stages:
        for name in sorted(stage.when.needs(playbook.vocabulary).signals):
            found[name].append(f"stage {stage.name}")
    for slot in playbook.slots.values():
        contents = [(variant.name, variant.value) for variant in slot.variants]
        for title, value in (*contents, ("normal content", slot.fallback)):
            for name in sorted({gap.signal for _, gap in placeholders_of(value)}):
                found[name].append(f"{title} in {slot.title or slot.name}")
    return dict(found)


def events_needed(playbook: Playbook) -> set[str]:
    """Names of the events that any rule, stage or test reads, as they are written and as they are stored."""
    vocabulary, plan = playbook.vocabulary, playbook.plan
    conditions = [stage.when for stage in playbook.stages]
    for rule in playbook.rules.values():
        conditions += _conditions(rule)
    found = {name for each in conditions for name in each.needs(vocabulary).events}
    for name in {name for each in conditions for name in each.needs(vocabulary).signals}:
        if name in vocabulary.signals:
            found.update(vocabulary.signals[name].events)
    for rule in playbook.rules.values():
        if rule.design is not None:
            metrics = (
                rule.design.metric,
                *(limit.metric for limit in rule.design.limits),
                *rule.design.others,
            )
            found.update(name for metric in metrics for name in metric.events(plan))
    return found | {known for name in found for known in plan.names_of(name)}


def _conditions(rule: Rule) -> Iterator[Condition]:
    yield rule.when
    if rule.not_if is not None:
        yield rule.not_if
