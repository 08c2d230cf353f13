"""A section's figures: rows with a target where there is one, printed as plain text and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Row:
    """One line: what was measured, its figures by column, and how it stands to its target."""

    what: str
    figures: Sequence[str]
    target: str = ""
    is_met: bool | None = None

    @property
    def verdict(self) -> str:
        return "" if self.is_met is None else "yes" if self.is_met else "NO"


@dataclass
class Section:
    """One section of the page."""

    name: str
    title: str
    columns: Sequence[str]
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def command(self) -> str:
        return f'make bench ARGS="{self.name}"'

    def add(self, what: str, *figures: str, target: str = "", is_met: bool | None = None) -> None:
        self.rows.append(Row(what, figures, target, is_met))

    def note(self, text: str) -> None:
        self.notes.append(text)

    def _lines(self) -> list[list[str]]:
        width = len(self.columns)
        head = ["", *self.columns, "target", "met"]
        body = [
            [row.what, *row.figures, *([""] * (width - len(row.figures))), row.target, row.verdict]
            for row in self.rows
        ]
        return [head, *body]

    def show(self) -> None:
        lines = self._lines()
        widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
        print(f"\n{self.title}   ({self.command}, {self.seconds:.0f} s)")
        for line in lines:
            cells = [
                text.ljust(width) if place == 0 else text.rjust(width)
                for place, (text, width) in enumerate(zip(line, widths, strict=True))
            ]
            print("  " + "  ".join(cells).rstrip())
        for note in self.notes:
            print(f"  - {note}")
        print(flush=True)

    def to_markdown(self) -> str:
        head, *body = self._lines()
        text = [f"## {self.title}", "", f"`{self.command}`", ""]
        text.append("| " + " | ".join(head) + " |")
        text.append("|---" * len(head) + "|")
        text += ["| " + " | ".join(line) + " |" for line in body]
        if self.notes:
            text += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(text) + "\n"
