"""What every forewarning does: look at a playbook and the traffic it would meet, and say what would go wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal, NamedTuple, Protocol

import msgspec

from opportune.core.playbook import Playbook
from opportune.core.playbook_files.lines import Lines
from opportune.core.rule import RunState
from opportune.core.traffic.sample import Sample

Kind = Literal[
    "events never seen", "never true", "few people", "never wins", "competes", "hidden by another",
    "no answer at this traffic", "tests cannot be told apart", "copy reveals tracking", "sensitive",
    "nobody uses it",
]  # fmt: skip


class Warned(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing to look at before launching; `where` is a file with its line, a rule or a place."""

    kind: Kind
    where: str
    what: str
    why: str
    right: str
    count: int | None = None


class Reached(NamedTuple):
    """For how many people a rule would act, and of how many visitors that was asked."""

    people: float
    looked_at: int


class Ahead(msgspec.Struct, frozen=True, kw_only=True):
    """A playbook and what lies ahead of it here, as its last weeks tell."""

    playbook: Playbook
    lines: Lines
    sample: Sample = msgspec.field(default_factory=Sample)
    """Of visits decided for again with every rule live."""
    over_days: int = 28
    """How far back was looked."""
    days: float = 1.0
    """How far back anybody was found."""
    reached: Mapping[str, Reached] = {}
    """By rule that acts, whom it would act for; empty where too few visitors were looked at."""
    run_states: Mapping[str, RunState] = {}
    tests_over: frozenset[str] = frozenset()
    """Rules whose newest test has ended: nothing more is asked of it."""
    seen_events: frozenset[str] = frozenset()
    """Events that ever came, under every name they go by."""
    came: Mapping[str, int] = {}
    """By name as it was stored: how often."""


class Forewarning(Protocol):
    """One thing that may go wrong. Pure, and never raises."""

    kind: ClassVar[Kind]
    meaning: ClassVar[str]
    """In a sentence for a marketer, with its threshold."""
    is_loud: ClassVar[bool] = False
    """Whether publishing says it, too, as it may single people out."""

    def look(self, ahead: Ahead) -> Iterator[Warned]: ...
