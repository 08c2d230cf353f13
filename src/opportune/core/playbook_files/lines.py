"""Lines: in which file of a playbook, and in which of its lines, a rule, a place, a text or a name is written."""

from __future__ import annotations

from collections.abc import Mapping

from opportune.core.slot import Slot


class Lines:
    """Finds `rules/returner.yaml:1`; where nothing is found, it names the thing itself."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def rule(self, name: str) -> str:
        return self._line("rules/", f"rule: {name}") or f"rule {name}"

    def slot(self, slot: Slot) -> str:
        return self._line("slots/", f"slot: {slot.title or slot.name}") or f"place {slot.title or slot.name}"

    def text(self, slot: Slot, text: str) -> str:
        return self._line("slots/", " ".join(text.split())[:40]) or self.slot(slot)

    def name(self, name: str) -> str:
        return self._line("plan", name) or "plan.yaml"

    def _line(self, folder: str, text: str) -> str:
        sought = text.casefold()
        for path, content in self._files.items():
            if path.startswith(folder):
                for number, line in enumerate(content.splitlines(), 1):
                    if sought in " ".join(line.replace('"', "").split()).casefold():
                        return f"{path}:{number}"
        return ""
