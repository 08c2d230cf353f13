"""Pages tell that what it shows cannot be put where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.experiments.watched import REACHED, Sighting, Watched
from opportune.core.signs.base import Sign, counted

FEWEST = 20
SHARE = 0.25
TIMES = 4


class Troubled(Sign):
    name: ClassVar[str] = "content cannot be put"
    meaning: ClassVar[str] = (
        "Pages told 20 times or more within 24 hours that content of its places could not be put there, or did not "
        "stay, for 1 of 4 visits it reached or more, and 4 times as often as in as long a time before its launch."
    )
    is_harm: ClassVar[bool] = True

    def look(self, watched: Watched) -> Iterator[Sighting]:
        (told, before), reached = watched.not_put, watched.today.get(REACHED, 0)
        if reached > 0 and told >= max(FEWEST, SHARE * reached, TIMES * before):
            words = (
                f"its content could not be put on the page {counted(told, 'time')} "
                f"in {counted(reached, 'visit')} it reached, {before:,} before it was launched"
            )
            yield Sighting(words=words, is_harm=True)
