"""A step of the set-up: its state, what was seen of it, and what to do about it in one sentence."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["done", "waiting", "trouble", "not needed"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """`fix` is empty where there is nothing to do."""

    name: str
    group: str
    title: str
    state: State
    seen: str = ""
    fix: str = ""


class Task(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A line of a checklist, which ticks itself."""

    title: str
    is_done: bool


class Checklist(msgspec.Struct, frozen=True, kw_only=True):
    """What a team does in its first week, month or quarter."""

    title: str
    tasks: tuple[Task, ...]


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """The whole page."""

    at: str
    steps: tuple[Step, ...]
    checklists: tuple[Checklist, ...]
    site: str = ""
    """The shop's front page, where a page view told its address."""

    @property
    def troubles(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.state == "trouble")
