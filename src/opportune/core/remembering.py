"""How long a browser keeps the visitor's id, and rules that ask for more of the past than it can tell.

An id that a script sets lives a week in Safari (docs/how/same-domain.md), so a rule that looks back further meets
returning visitors whom it takes for new ones. Which ids an installation has, `team.yaml` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opportune.core.playbook import Playbook
from opportune.core.rule import Rule

SCRIPT_ID_DAYS = 7


def beyond_the_id(rule: Rule, playbook: Playbook) -> Iterator[tuple[str, str]]:
    """(field of the rule, what is doubtful) for each part that looks back further than ids live."""
    if playbook.team.visitor_id != "set by script":
        return
    vocabulary, limits = playbook.vocabulary, rule.limits
    looks_back: dict[str, list[float | None]] = {
        "when": [rule.when.needs(vocabulary).window_days],
        "not if": [rule.not_if.needs(vocabulary).window_days] if rule.not_if is not None else [],
        "limits": [days for days in (limits.at_most_days, limits.not_after_dismissed_days) if days],
    }
    for field, days in looks_back.items():
        if far := _far(days):
            yield (
                field,
                f"it looks back {far}, and an id set by a script lives {SCRIPT_ID_DAYS} days in Safari",
            )


def _far(days: Iterable[float | None]) -> str:
    """How far back, where that is more than an id lives; None stands for any age."""
    known = list(days)
    if None in known:
        return "as far as there is history"
    longest = max((each for each in known if each is not None), default=0)
    return f"{longest:g} days" if longest > SCRIPT_ID_DAYS else ""
