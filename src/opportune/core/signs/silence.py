"""A key event stopped coming."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.experiments.watched import Sighting, Silence, Watched
from opportune.core.moment import DAY
from opportune.core.signs.base import Sign, counted

FEWEST_EXPECTED = 20
FEWEST_TO_WARN = 8
"""By chance none comes of 8 in 3 of 10,000 such stretches."""
FEWEST_WEEKS = 2
LAUNCHED_BEFORE = DAY


class Silent(Sign):
    """Switches off whoever may have caused it, and whoever decides on what is no longer known.

    The first: launched since the event last came, or within the day before, as orders on their way still come in. The
    second: its condition or exception reads the event ("has not bought" would hold for buyers). A rule whose test
    only counts it goes on, as nothing hurts the visitor, and the note says that its test is blind.
    """

    name: ClassVar[str] = "a key event is silent"
    meaning: ClassVar[str] = (
        "In the same hours of past weeks a key event came 20 times or more, and now none came. Switched off are "
        "rules launched since, or within a day before it last came, and rules whose condition reads it. From 8 "
        "expected, or where no rule is concerned, it is a warning."
    )
    is_harm: ClassVar[bool] = True

    def look(self, watched: Watched) -> Iterator[Sighting]:
        for silence in watched.silences:
            is_sure = silence.expected >= FEWEST_EXPECTED and silence.weeks >= FEWEST_WEEKS
            words = (
                f"no {silence.words} for {counted(silence.hours, 'hour')}, "
                f"where {silence.expected:,.0f} were expected from the same hours of past weeks"
            )
            about, subject = f"{silence.event}/{silence.since_at}", silence.event
            if not watched.rule:
                if silence.expected >= FEWEST_TO_WARN:
                    yield Sighting(words=words, is_harm=False, about=about, subject=subject)
            elif is_sure and (why := _concerns(silence, watched)):
                yield Sighting(words=f"{words}; {why}", is_harm=True, about=about, subject=subject)


def _concerns(silence: Silence, watched: Watched) -> str:
    if silence.event in watched.needs:
        return "its condition reads them"
    if watched.launched_at >= silence.since_at - LAUNCHED_BEFORE:
        return "it was launched not long before"
    return ""
