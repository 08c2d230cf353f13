"""SQLite's statements by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from opportune.storage.database.statements import load_statements

SQL: Mapping[str, str] = load_statements(Path(__file__).parents[1] / "sql" / "sqlite")
