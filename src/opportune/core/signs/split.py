"""Its arms do not hold the shares of visitors they were promised: something sends one side elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import EVERYBODY, Measured
from opportune.core.experiments.watched import Sighting, Watched
from opportune.core.signs.base import Sign
from opportune.core.statistics.sample_ratio import SPLIT_ALPHA, SPLIT_ALPHA_AT_ONCE, sample_ratio

FEWEST_PER_ARM = 8


class SplitOff(Sign):
    """0.001 holds for a look a day, so it is asked of full days; what is off by far is seen at once."""

    name: ClassVar[str] = "split off"
    meaning: ClassVar[str] = (
        "The sides of its test hold other shares of the visitors than planned: chi-square p below 0.001 on full days, "
        "in any phase, or below 0.000001 at once. Then nothing it measures can be believed."
    )
    is_harm: ClassVar[bool] = True

    def look(self, watched: Watched) -> Iterator[Sighting]:
        experiment, measured = watched.experiment, watched.measured
        if experiment is None or measured is None or len(experiment.arms) < 2:
            return
        phases = sorted({cell.phase for cell in measured.cells})
        for phase in phases:
            looks = ((watched.until_day, SPLIT_ALPHA / len(phases)), ("9999", SPLIT_ALPHA_AT_ONCE))
            for until_day, alpha in looks:
                found = _off(experiment, measured, phase, until_day, alpha)
                if found:
                    yield Sighting(words=found, is_harm=True)
                    return


def _off(experiment: Experiment, measured: Measured, phase: int, until_day: str, alpha: float) -> str:
    arms = [(name, weight) for name, weight in experiment.arms_at(phase) if weight > 0]
    counts = [0] * len(arms)
    for cell, sums in measured.cells.items():
        if cell.phase == phase and cell.part == EVERYBODY and cell.day <= until_day:
            for place, (name, _) in enumerate(arms):
                counts[place] += sums.units if cell.arm == name else 0
    whole = sum(weight for _, weight in arms)
    units = sum(counts)
    if len(arms) < 2 or units * min(weight for _, weight in arms) < FEWEST_PER_ARM * whole:
        return ""
    if sample_ratio(counts, [float(weight) for _, weight in arms]).p >= alpha:
        return ""
    have = " and ".join(f"{count:,}" for count in counts)
    planned = " and ".join(f"{units * weight / whole:,.0f}" for _, weight in arms)
    return f"its test's sides hold {have} visitors, where {planned} were planned"
