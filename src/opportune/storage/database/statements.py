"""SQL by name, from the files of a dialect's folder below `sql`.

In a file every statement begins with `-- name: list_events`, then a sentence saying what it is for. The name is
the function that runs it, or the step of it.
"""

from __future__ import annotations

import re
from pathlib import Path

NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def load_statements(folder: Path) -> dict[str, str]:
    """Every statement of a folder's `.sql` files by name; ValueError where a name or its sentence is wrong."""
    statements: dict[str, str] = {}
    for path in sorted(folder.glob("*.sql")):
        _, *pieces = NAME.split(path.read_text(encoding="utf-8"))
        for name, piece in zip(pieces[::2], pieces[1::2], strict=True):
            if name in statements:
                raise ValueError(f"{path.name}: a statement named {name} exists already")
            if not piece.startswith("-- "):
                raise ValueError(f"{path.name}: {name} needs a sentence under its name, after `-- `")
            statements[name] = _without_comments(piece)
    return statements


def _without_comments(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("--")]
    return "\n".join(lines).strip().removesuffix(";")
