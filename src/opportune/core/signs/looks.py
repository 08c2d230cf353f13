"""What somebody should look at, though nothing is switched off for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.experiments.measured import CROSSED
from opportune.core.experiments.watched import ASKED, CLICKED, GIVEN, NO_VALUE, SHOWN, Sighting, Watched
from opportune.core.moment import DAY
from opportune.core.signs.base import Sign, counted, of_hundred

FEWEST_VISITS = 1_000
FEWEST_GIVEN = 50
FEWEST_SHOWN = 500
IDLE_AFTER = 2 * DAY


class WithoutValue(Sign):
    name: ClassVar[str] = "content has no value"
    meaning: ClassVar[str] = (
        "What its text names is not known for 9 of 10 visitors it matches, so that they get what comes after it."
    )
    is_harm: ClassVar[bool] = False

    def look(self, watched: Watched) -> Iterator[Sighting]:
        lacking, given = watched.total(NO_VALUE), watched.total(GIVEN)
        if lacking >= FEWEST_GIVEN and lacking >= 0.9 * (lacking + given):
            words = f"a value that its text names was not known in {lacking:,} of {lacking + given:,} answers"
            yield Sighting(words=words, is_harm=False)


class Idle(Sign):
    name: ClassVar[str] = "never matches"
    meaning: ClassVar[str] = "Two days and 1,000 visits after its launch it has not matched once."
    is_harm: ClassVar[bool] = False

    def look(self, watched: Watched) -> Iterator[Sighting]:
        if not watched.rule or watched.now - watched.launched_at < IDLE_AFTER:
            return
        asked = watched.today.get(ASKED, 0)
        if watched.waits_for:
            words = f"it does nothing yet: {' and '.join(watched.waits_for)} was never seen"
            yield Sighting(words=words, is_harm=False, about="waits")
        elif asked >= FEWEST_VISITS and not any(any(each.values()) for each in watched.counts.values()):
            words = (
                f"it matched nobody since its launch, in {counted(asked, 'visit')} of the last 24 hours alone"
            )
            yield Sighting(words=words, is_harm=False)


class Crossed(Sign):
    name: ClassVar[str] = "exposed twice"
    meaning: ClassVar[str] = "More than 1 of 100 visitors of its test, and 10 or more, saw both sides."
    is_harm: ClassVar[bool] = False

    def look(self, watched: Watched) -> Iterator[Sighting]:
        experiment, measured = watched.experiment, watched.measured
        if experiment is None or measured is None:
            return
        arms = [name for name, _ in experiment.arms]
        units = sum(measured.total(arm).units for arm in arms)
        crossed = sum(measured.total(arm, part=CROSSED).units for arm in arms)
        if crossed >= 10 and crossed > 0.01 * units:
            words = f"{crossed:,} of {units:,} visitors of its test saw both sides"
            yield Sighting(words=words, is_harm=False)


class Unclicked(Sign):
    name: ClassVar[str] = "clicked far less"
    meaning: ClassVar[str] = (
        "Seen 500 times and clicked less than a third as often as what the team's rules usually show."
    )
    is_harm: ClassVar[bool] = False

    def look(self, watched: Watched) -> Iterator[Sighting]:
        shown, clicked = watched.total(SHOWN), watched.total(CLICKED)
        usually, clicks = watched.usual.get(SHOWN, 0), watched.usual.get(CLICKED, 0)
        if min(shown, usually) < FEWEST_SHOWN or clicks / usually * shown < 15:
            return
        if 3 * clicked / shown < clicks / usually:
            words = f"clicked by {of_hundred(clicked, shown)} of 100 who saw it, {of_hundred(clicks, usually)} usually"
            yield Sighting(words=words, is_harm=False)
