"""What the demo shop itself must remember: orders and help requests, as lines of one file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any


class Ledger:
    """Appends and reads back. An entry is `{"kind", "id", "who", ...}`; a later one with the same id adds to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._entries: dict[str, dict[str, Any]] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._take(json.loads(line))

    def _take(self, entry: dict[str, Any]) -> None:
        self._entries.setdefault(entry["id"], {}).update(entry)

    def write(self, **entry: Any) -> None:
        """Adds an entry, or fields to one with the same id."""
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
            self._take(entry)

    def find(self, entry_id: str, who: Iterable[str]) -> dict[str, Any] | None:
        """One entry of theirs."""
        entry = self._entries.get(entry_id)
        return entry if entry is not None and entry["who"] in set(who) else None

    def list_of(self, kind: str, who: Iterable[str]) -> list[dict[str, Any]]:
        """All entries of a kind that belong to one of these ids, newest first."""
        owners = set(who)
        found = [
            entry for entry in self._entries.values() if entry["kind"] == kind and entry["who"] in owners
        ]
        return found[::-1]

    def next_number(self, kind: str, first: int) -> int:
        return first + sum(1 for entry in self._entries.values() if entry["kind"] == kind)
