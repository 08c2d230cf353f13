"""What operators and the guard decide: playbooks, whether rules act, tests, learnings, settings, keys, notes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.learnings.learning import Draft, Kept, Said
from opportune.core.note import Note
from opportune.core.rule import RunState


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the API. Write keys are public and kept readable; of a secret only a keyed hash is kept."""

    name: str
    kind: str
    digest: str
    public_value: str = ""
    scopes: tuple[str, ...] = ()
    created_at: int = 0
    revoked_at: int | None = None


class StoredPlaybook(msgspec.Struct, frozen=True, kw_only=True):
    """One published revision with its files' texts, by path inside the folder."""

    revision: str
    files: Mapping[str, str]
    published_at: int
    by: str = ""
    based_on: str = ""


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One act of an operator."""

    at: int
    by: str
    act: str
    what: str = ""
    detail: str = ""


class OperatorReads(ABC):
    """Reading what was decided, and taking turns with whoever decides."""

    @abstractmethod
    def find_playbook(self, revision: str | None = None) -> StoredPlaybook | None:
        """That revision, or the head."""

    @abstractmethod
    def list_playbooks(self, limit: int = 50) -> list[StoredPlaybook]: ...

    @abstractmethod
    def list_run_states(self) -> dict[str, RunState]: ...

    @abstractmethod
    def list_experiments(self, *, open_only: bool = False) -> list[Experiment]:
        """As they were started, then by id."""

    @abstractmethod
    def list_learnings(self) -> list[Kept]:
        """By id."""

    @abstractmethod
    def find_setting(self, name: str) -> str | None: ...

    @abstractmethod
    def list_settings(self, prefix: str) -> dict[str, str]:
        """Those whose names begin with it, by name."""

    @abstractmethod
    def list_api_keys(self) -> list[ApiKey]: ...

    @abstractmethod
    def list_audit(self, limit: int = 100) -> list[AuditEntry]: ...

    @abstractmethod
    def list_notes(self, since_at: int = 0, before_at: int = 2**62, limit: int = 100) -> list[Note]:
        """The newest first, of those from one moment to before another."""

    @abstractmethod
    def changed_at(self) -> str:
        """A token that differs once playbook, run states, settings, API keys or products changed, in any process."""

    def wait_for_change(self, seconds: float) -> None:  # noqa: B027 - where nothing tells, nobody waits
        """Returns when somebody changed what `changed_at` is about, or after so long; at once where nothing tells."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Operators' acts take turns: what one has read stays true until it has written. Not to be nested.

        Raises StorageBusyError when another one's turn does not end. Where one process owns the store there is
        nobody else.
        """
        yield


class OperatorWrites(ABC):
    """What one job decides."""

    @abstractmethod
    def put_playbook(self, playbook: StoredPlaybook) -> None:
        """Becomes the head; a revision published once more is the head again."""

    @abstractmethod
    def put_run_state(self, state: RunState) -> None: ...

    @abstractmethod
    def put_experiment(self, experiment: Experiment) -> None:
        """Replaces the one of its id."""

    @abstractmethod
    def put_draft(self, draft: Draft) -> None:
        """A learning as it is drafted; what people said of the one of its id stays."""

    @abstractmethod
    def put_said(self, learning: str, said: Said) -> None:
        """What people say of a learning replaces what they said before. Nothing happens where there is none."""

    @abstractmethod
    def put_setting(self, name: str, value: str) -> None:
        """Small operator state (`off`, `frozen`, the installation's secret); empty text removes it."""

    @abstractmethod
    def put_api_key(self, key: ApiKey) -> None:
        """Keys are told apart by digest; putting one again replaces it."""

    @abstractmethod
    def add_audit(self, entry: AuditEntry) -> None: ...

    @abstractmethod
    def add_note(self, note: Note) -> bool:
        """False, and nothing is kept, where there is one about the same already."""

    def tell_change(self) -> None:  # noqa: B027 - nobody else there
        """Other processes look at what changed once this is committed; where there are none, nothing happens."""
