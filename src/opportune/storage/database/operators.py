"""What operators and the guard decide, in both databases: kept as JSON, read back whole."""

from __future__ import annotations

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.learnings.learning import Draft, Kept, Said
from opportune.core.note import Note
from opportune.core.rule import RunState
from opportune.storage.base import ApiKey, AuditEntry, StoredPlaybook
from opportune.storage.database.asking import DatabaseReads, DatabaseWrites
from opportune.storage.database.bodies import pack
from opportune.storage.database.lines import json_of
from opportune.storage.database.rows import playbook_of

read_note = msgspec.json.Decoder(Note).decode
read_run_state = msgspec.json.Decoder(RunState).decode
read_experiment = msgspec.json.Decoder(Experiment).decode
read_draft = msgspec.json.Decoder(Draft).decode
read_said = msgspec.json.Decoder(Said).decode
read_api_key = msgspec.json.Decoder(ApiKey).decode


class DatabaseOperatorReads(DatabaseReads):
    """Reading what was decided, and taking turns with whoever decides."""

    def find_playbook(self, revision: str | None = None) -> StoredPlaybook | None:
        row = self._one("find_playbook", {"revision": revision})
        return None if row is None else playbook_of(row)

    def list_playbooks(self, limit: int = 50) -> list[StoredPlaybook]:
        return [playbook_of(row) for row in self._all("list_playbooks", (limit,))]

    def list_run_states(self) -> dict[str, RunState]:
        states = [read_run_state(row[0]) for row in self._all("list_run_states")]
        return {state.rule: state for state in states}

    def list_experiments(self, *, open_only: bool = False) -> list[Experiment]:
        rows = self._all("list_open_experiments" if open_only else "list_experiments")
        return [read_experiment(row[0]) for row in rows]

    def list_learnings(self) -> list[Kept]:
        rows = self._all("list_learnings")
        return [Kept(read_draft(draft), read_said(said)) for draft, said in rows]

    def find_setting(self, name: str) -> str | None:
        row = self._one("find_setting", (name,))
        return None if row is None else str(row[0])

    def list_settings(self, prefix: str) -> dict[str, str]:
        return dict(self._all("list_settings", (prefix,)))

    def list_api_keys(self) -> list[ApiKey]:
        return [read_api_key(row[0]) for row in self._all("list_api_keys")]

    def list_audit(self, limit: int = 100) -> list[AuditEntry]:
        return [
            AuditEntry(at=at, by=by, act=act, what=what, detail=detail)
            for at, by, act, what, detail in self._all("list_audit", (limit,))
        ]

    def list_notes(self, since_at: int = 0, before_at: int = 2**62, limit: int = 100) -> list[Note]:
        rows = self._all("list_notes", (since_at, before_at, limit))
        return [read_note(row[0]) for row in rows]

    def changed_at(self) -> str:
        return str(self._one("changed_at")[0])


class DatabaseOperatorWrites(DatabaseWrites):
    """What one job decides."""

    def put_playbook(self, playbook: StoredPlaybook) -> None:
        files = pack(msgspec.json.encode(playbook.files))
        stored = (playbook.revision, playbook.published_at, playbook.by, playbook.based_on, files)
        self._operate("put_playbook", stored)

    def put_run_state(self, state: RunState) -> None:
        self._operate("put_run_state", (state.rule, json_of(state)))

    def put_experiment(self, experiment: Experiment) -> None:
        self._execute(
            "put_experiment",
            (experiment.id, experiment.started_at, experiment.ended_at, json_of(experiment)),
        )

    def put_draft(self, draft: Draft) -> None:
        self._execute("put_draft", (draft.id, json_of(draft), json_of(Said())))

    def put_said(self, learning: str, said: Said) -> None:
        self._execute("put_said", (json_of(said), learning))

    def put_setting(self, name: str, value: str) -> None:
        if value:
            self._operate("put_setting", (name, value))
        else:
            self._operate("remove_setting", (name,))

    def put_api_key(self, key: ApiKey) -> None:
        self._operate("put_api_key", (key.digest, key.created_at, json_of(key)))

    def add_audit(self, entry: AuditEntry) -> None:
        self._execute("add_audit", (entry.at, entry.by, entry.act, entry.what, entry.detail))

    def add_note(self, note: Note) -> bool:
        return self._one("add_note", (note.once, note.at, json_of(note))) is not None
