"""The numbered steps of a dialect's layout, as they lie below `migrations`."""

from __future__ import annotations

import re
from pathlib import Path

NUMBERED = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")


def list_steps(folder: Path) -> list[Path]:
    """In order; their numbers count from 1 without a gap, else ValueError."""
    paths = sorted(path for path in folder.iterdir() if NUMBERED.match(path.name))
    numbers = [int(path.name[:4]) for path in paths]
    if numbers != list(range(1, len(paths) + 1)):
        raise ValueError(f"migrations are numbered {numbers}; they must count from 1 without a gap")
    return paths
