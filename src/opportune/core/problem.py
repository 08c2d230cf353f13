"""A problem in a playbook: where it stands, what is wrong, and what would be right."""

from __future__ import annotations

import msgspec


class Problem(msgspec.Struct, frozen=True, order=True):
    """One thing to mend. `line` counts from 1; 0 when the whole file is meant. `is_warning` never blocks."""

    file: str
    line: int
    field: str
    wrong: str
    right: str = ""
    is_warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        text = f"{place}: {self.field}: {self.wrong}" if self.field else f"{place}: {self.wrong}"
        return f"{text} ({self.right})" if self.right else text
