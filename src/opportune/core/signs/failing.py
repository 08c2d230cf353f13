"""Its answers fail: a condition or a content raises, so that visitors get normal content instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.experiments.watched import FAILED, GIVEN, Sighting, Watched
from opportune.core.signs.base import Sign, counted

FEWEST = 5
SHARE = 0.1


class Failing(Sign):
    name: ClassVar[str] = "answers fail"
    meaning: ClassVar[str] = (
        "Its condition or its content fails, 5 times or more and in at least 1 of 10 answers; its place then shows "
        "nobody anything but the normal content."
    )
    is_harm: ClassVar[bool] = True

    def look(self, watched: Watched) -> Iterator[Sighting]:
        failed, given = watched.total(FAILED), watched.total(GIVEN)
        if failed >= FEWEST and failed >= SHARE * (failed + given):
            words = f"its answers failed: {failed:,} of {counted(failed + given, 'answer')}"
            yield Sighting(words=words, is_harm=True)
