"""What operators and the guard decide, in dictionaries by name."""

from __future__ import annotations

from opportune.core.experiments.experiment import Experiment
from opportune.core.learnings.learning import Draft, Kept, Said
from opportune.core.note import Note
from opportune.core.rule import RunState
from opportune.storage.base import ApiKey, AuditEntry, StoredPlaybook
from opportune.storage.memory.tables import MemoryReads, MemoryWrites


class MemoryOperatorReads(MemoryReads):
    """Reading what was decided, and taking turns with whoever decides."""

    def find_playbook(self, revision: str | None = None) -> StoredPlaybook | None:
        with self._lock:
            found = [book for book in self.list_playbooks(-1) if revision in (None, book.revision)]
            return found[0] if found else None

    def list_playbooks(self, limit: int = 50) -> list[StoredPlaybook]:
        with self._lock:
            newest_first = [book for _, book in sorted(self._tables.playbooks.items(), reverse=True)]
            return newest_first if limit < 0 else newest_first[:limit]

    def list_run_states(self) -> dict[str, RunState]:
        with self._lock:
            return dict(self._tables.run_states)

    def list_experiments(self, *, open_only: bool = False) -> list[Experiment]:
        with self._lock:
            found = [each for each in self._tables.experiments.values() if each.is_open or not open_only]
        return sorted(found, key=lambda each: (each.started_at, each.id))

    def list_learnings(self) -> list[Kept]:
        with self._lock:
            return [kept for _, kept in sorted(self._tables.learnings.items())]

    def find_setting(self, name: str) -> str | None:
        return self._tables.settings.get(name)

    def list_settings(self, prefix: str) -> dict[str, str]:
        with self._lock:
            known = sorted(self._tables.settings.items())
        return {name: value for name, value in known if name.startswith(prefix)}

    def list_api_keys(self) -> list[ApiKey]:
        with self._lock:
            return sorted(self._tables.api_keys.values(), key=lambda key: (key.created_at, key.digest))

    def list_audit(self, limit: int = 100) -> list[AuditEntry]:
        with self._lock:
            return [entry for _, entry in sorted(self._tables.audit.items(), reverse=True)][:limit]

    def list_notes(self, since_at: int = 0, before_at: int = 2**62, limit: int = 100) -> list[Note]:
        with self._lock:
            found = [note for note in self._tables.notes.values() if since_at <= note.at < before_at]
        return sorted(found, key=lambda note: (-note.at, note.once))[:limit]

    def changed_at(self) -> str:
        return str(self._tables.numbers["changed"])


class MemoryOperatorWrites(MemoryWrites):
    """What one job decides."""

    def put_playbook(self, playbook: StoredPlaybook) -> None:
        self._tables.put(self._tables.playbooks, self._tables.next("playbook"), playbook)
        self._tables.next("changed")

    def put_run_state(self, state: RunState) -> None:
        self._tables.put(self._tables.run_states, state.rule, state)
        self._tables.next("changed")

    def put_experiment(self, experiment: Experiment) -> None:
        self._tables.put(self._tables.experiments, experiment.id, experiment)

    def put_draft(self, draft: Draft) -> None:
        known = self._tables.learnings.get(draft.id)
        self._tables.put(self._tables.learnings, draft.id, Kept(draft, known.said if known else Said()))

    def put_said(self, learning: str, said: Said) -> None:
        known = self._tables.learnings.get(learning)
        if known is not None:
            self._tables.put(self._tables.learnings, learning, Kept(known.draft, said))

    def put_setting(self, name: str, value: str) -> None:
        if value:
            self._tables.put(self._tables.settings, name, value)
        else:
            self._tables.remove(self._tables.settings, name)
        self._tables.next("changed")

    def put_api_key(self, key: ApiKey) -> None:
        self._tables.put(self._tables.api_keys, key.digest, key)
        self._tables.next("changed")

    def add_audit(self, entry: AuditEntry) -> None:
        self._tables.put(self._tables.audit, len(self._tables.audit), entry)

    def add_note(self, note: Note) -> bool:
        if note.once in self._tables.notes:
            return False
        self._tables.put(self._tables.notes, note.once, note)
        return True
