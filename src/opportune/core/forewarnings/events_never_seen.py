"""A rule needs events that never came here, so that it waits for the first one: instrument first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.forewarnings.base import Ahead, Forewarning, Kind, Warned
from opportune.core.waiting import missing_events


class EventsNeverSeen(Forewarning):
    kind: ClassVar[Kind] = "events never seen"
    meaning: ClassVar[str] = "A rule needs events that never came: nobody sees it until the first one comes."

    def look(self, ahead: Ahead) -> Iterator[Warned]:
        for rule in ahead.playbook.rules.values():
            missing = missing_events(rule.when, ahead.playbook.vocabulary, ahead.seen_events)
            if missing:
                yield Warned(
                    kind=self.kind,
                    where=ahead.lines.rule(rule.name),
                    what=f"“{rule.name}” needs {' and '.join(missing)}, never seen here",
                    why="it waits for the first one, and nobody sees it until then",
                    right="send it from the shop first; `opportune doctor` and the set-up page help",
                )
