"""A customer detail that is kept, asked for or shown is about what the law protects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.content import placeholders_of
from opportune.core.forewarnings.base import Ahead, Forewarning, Kind, Warned
from opportune.core.traffic.signal_use import signals_of
from opportune.core.traffic.tact import MEASURED, sensitive_topic


class Sensitive(Forewarning):
    kind: ClassVar[Kind] = "sensitive"
    meaning: ClassVar[str] = (
        "A name looks like health, religion, politics and the like, which the law protects."
    )
    is_loud: ClassVar[bool] = True

    def look(self, ahead: Ahead) -> Iterator[Warned]:
        yield from self._shown(ahead)
        yield from self._kept(ahead)

    def _shown(self, ahead: Ahead) -> Iterator[Warned]:
        for slot in ahead.playbook.slots.values():
            for variant in slot.variants:
                for _, gap in placeholders_of(variant.value):
                    topic = sensitive_topic(gap.signal) if gap.signal not in MEASURED else None
                    if topic is not None:
                        where = ahead.lines.text(slot, gap.signal)
                        yield self._warned(where, f"{{{gap.signal}}} in “{variant.name}”", topic)

    def _kept(self, ahead: Ahead) -> Iterator[Warned]:
        """Declared, or sent without being declared."""
        playbook = ahead.playbook
        signals = playbook.vocabulary.signals
        sent = (name for name in ahead.sample.known if name not in signals)
        for name in sorted({*playbook.vocabulary.attributes, *sent}):
            topic = sensitive_topic(name)
            if topic is not None:
                users = [rule.name for rule in playbook.rules.values() if name in signals_of(rule, playbook)]
                used = f", used by {', '.join(users)}" if users else ""
                yield self._warned(ahead.lines.name(name), f"“{name}”{used}", topic)

    def _warned(self, where: str, what: str, topic: str) -> Warned:
        return Warned(
            kind=self.kind,
            where=where,
            what=f"{what} looks like {topic}",
            why="the law protects it, and nobody wants a shop to act on it",
            right="do not send it; use what they asked for on this page instead",
        )
