"""The mail that goes out at once when rules switched themselves off, as values."""

from __future__ import annotations

from collections.abc import Sequence

from opportune.core.learnings.weekly import Look, subject_line
from opportune.core.report.parts import Part
from opportune.core.report.plain import count_words


class SwitchedOff(Part, frozen=True, kw_only=True):
    """The mail that goes out at once when rules were switched off."""

    team: str
    subject: str
    headline: str
    looks: tuple[Look, ...]
    commands: tuple[str, ...]
    """Where all of it is told."""
    after: str = "It stays off until somebody starts it again; what was learned is waiting to be completed."


def switched_off_of(team: str, looks: Sequence[Look], rules: Sequence[str]) -> SwitchedOff:
    """One mail for all that happened since the last one."""
    if len(rules) == 1:
        headline = f"“{rules[0]}” switched itself off."
    else:
        headline = f"{count_words(len(rules) or len(looks), 'rule')} switched themselves off."
    return SwitchedOff(
        team=team,
        subject=subject_line(f"{team}: {headline.removesuffix('.')}"),
        headline=headline,
        looks=tuple(looks),
        commands=tuple(f'opportune report "{rule}"' for rule in rules) or ("opportune report",),
    )
