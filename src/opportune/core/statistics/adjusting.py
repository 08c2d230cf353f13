"""Adjusting p values for having asked more than one question."""

from __future__ import annotations

from collections.abc import Sequence


def share_alpha(alpha: float, questions: int) -> float:
    """Bonferroni: what each of several questions may use, so that all together are wrong in alpha of cases."""
    return alpha / max(1, questions)


def bonferroni(p_values: Sequence[float | None]) -> list[float | None]:
    """Each p times how many there are, at most 1. None (no answer) stays None and counts for nothing."""
    asked = sum(p is not None for p in p_values)
    return [None if p is None else min(1.0, p * asked) for p in p_values]


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """The false discovery rate at which each would be called; in the given order, None stays None.

    Benjamini, Hochberg, "Controlling the False Discovery Rate", JRSS B 57, 1995: p(i) m / i, smallest from the top.
    """
    ranked = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    smallest = 1.0
    for rank in range(len(ranked), 0, -1):
        p, place = ranked[rank - 1]
        smallest = min(smallest, p * len(ranked) / rank)
        adjusted[place] = smallest
    return adjusted
