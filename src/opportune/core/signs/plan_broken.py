"""Events it decides on come in another form than the plan says, and are set aside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.experiments.watched import Sighting, Watched
from opportune.core.signs.base import Sign

FEWEST = 20
SHARE = 0.2


class PlanBroken(Sign):
    name: ClassVar[str] = "the plan is broken"
    meaning: ClassVar[str] = (
        "Since its launch (at most 24 hours back) 20 or more of an event that its condition reads, and 1 of 5 of them, "
        "were set aside as they do not carry what the plan says. Of other events this is a warning."
    )
    is_harm: ClassVar[bool] = True

    def look(self, watched: Watched) -> Iterator[Sighting]:
        for broken in watched.broken:
            came = broken.came + broken.set_aside
            if broken.set_aside < FEWEST or broken.set_aside < SHARE * came:
                continue
            if watched.rule and broken.event not in watched.needs:
                continue
            words = f"{broken.set_aside:,} of {came:,} “{broken.event}” were set aside, as the plan does not allow them"
            is_harm = bool(watched.rule)
            yield Sighting(words=words, is_harm=is_harm, about=broken.event, subject=broken.event)
