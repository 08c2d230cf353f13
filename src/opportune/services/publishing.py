"""Publishing: files become the running playbook, or a list of all problems; run states go along.

A playbook that does not check never replaces the running one. What rules do is decided by the playbook,
whether they act by their run state; `operating.py` changes only the latter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from pathlib import Path

import msgspec

from opportune.core.experiments.ramp import RAMP, SLOWLY, STEP_DAYS
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.folder import (
    FOLDERS,
    MOST_FILES,
    Checked,
    playbook_files,
    read_playbook,
)
from opportune.core.playbook_files.folder import (
    check_files as check_texts,
)
from opportune.core.playbook_files.yaml_text import MAX_FILE_CHARACTERS
from opportune.core.problem import Problem
from opportune.core.programme import Programme, empty_programme
from opportune.core.rule import PROGRAMME, Rule, RunState
from opportune.errors import NotFoundError, PlaybookError, RunningTestError, StaleRevisionError
from opportune.services.back_filling import events_read_again, find_back_fill, plan_back_fill
from opportune.services.experiments.experimenting import (
    RUNNING,
    ended_tests,
    reconcile_now,
    state_of_programme,
)
from opportune.services.house import House
from opportune.services.learnings.resembling import alike_notes
from opportune.services.noticing import learn_of_consent
from opportune.services.operating import OFF, check_not_frozen
from opportune.services.understanding import SENTENCES, kept_text, understood
from opportune.storage.base import AuditEntry, StoredPlaybook, Transaction


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What publishing did: the revision that runs now, the state of every rule in it, and what to know about it."""

    revision: str
    states: tuple[RunState, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = ()
    is_new: bool = True


def read_folder(path: Path) -> tuple[dict[str, str], list[Problem]]:
    """The texts of a playbook's folder by path inside it; what cannot be read is a problem."""
    if not path.is_dir():
        return {}, [
            Problem(str(path), 0, "", "this folder does not exist", "name the folder with team.yaml in it")
        ]
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for found in _files_in(path):
        name = found.relative_to(path).as_posix()
        try:
            if found.stat().st_size > 4 * MAX_FILE_CHARACTERS:
                problems.append(
                    Problem(name, 0, "", "the file is far too big", "split it into several files")
                )
            else:
                files[name] = found.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            problems.append(Problem(name, line, "", "this is not UTF-8 text", "save the file as UTF-8"))
        except OSError as error:
            problems.append(Problem(name, 0, "", f"the file cannot be read: {error.strerror}"))
    return files, problems


def _files_in(path: Path) -> list[Path]:
    patterns = [
        pattern
        for kind in ("yaml", "yml")
        for pattern in (f"*.{kind}", *(f"{each}/**/*.{kind}" for each in FOLDERS))
    ]
    found = {file for pattern in patterns for file in path.glob(pattern) if file.is_file()}
    return sorted(found)[: MOST_FILES + 1]


def check_folder(path: Path, now: int | None = None) -> Checked:
    """Checks a folder, whole."""
    files, problems = read_folder(path)
    if not files and problems:
        return Checked(None, tuple(problems))
    checked = check_texts(files, now)
    if not problems:
        return checked
    return Checked(None, tuple(sorted((*problems, *checked.problems))))


def check_files(files: Mapping[str, str], now: int | None = None) -> Checked:
    """Checks texts by path, as an editor or a request holds them."""
    return check_texts(files, now)


def publish(
    house: House,
    files: Mapping[str, str],
    *,
    by: str = "",
    based_on: str | None = None,
    new_test: bool = False,
) -> Published:
    """Makes these files the running playbook.

    `based_on` names the revision the change began with and must be the head; None takes whatever is head.
    Raises PlaybookError, FrozenError, StaleRevisionError, or RunningTestError unless `new_test`.
    """
    with house.changes, house.storage.turn():
        check_not_frozen(house)
        checked = check_texts(files, house.clock())
        playbook = checked.playbook
        if playbook is None:
            raise PlaybookError([problem for problem in checked.problems if not problem.is_warning])
        head = house.storage.find_playbook()
        known = house.storage.list_run_states()
        if head is not None and head.revision == playbook.revision:
            run_playbook(house, playbook)
            reconcile_now(house)
            states = _states_of(playbook, known)
            note = f"Nothing changed: {head.revision} is running already."
            return Published(
                revision=head.revision, states=states, notes=(note,), warnings=checked.warnings, is_new=False
            )
        if based_on is not None and based_on != (head.revision if head is not None else ""):
            raise StaleRevisionError(
                head=head.revision if head is not None else "none", based_on=based_on or "none"
            )
        before = _before(house, head)
        turn = _Turn(house, before, playbook, by=by, new_test=new_test)
        turn.go_over(known)
        turn.settings[SENTENCES] = kept_text(playbook.revision, checked.sentences)
        _store(house, files, playbook, turn, based_on=head.revision if head is not None else "")
        run_playbook(house, playbook)
        reconcile_now(house)
    states = _states_of(playbook, house.programme.run_states)
    changed = [state.rule for state in turn.changed]
    notes = (
        *turn.notes,
        *_waiting_notes(house.programme),
        *_back_fill_notes(before, playbook, frozenset(house.seen_events)),
        *alike_notes(house.storage, playbook, changed),
    )
    return Published(revision=playbook.revision, states=states, notes=notes, warnings=checked.warnings)


def run_playbook(house: House, playbook: Playbook) -> None:
    """Compiles a playbook with the stored run states and lets it decide from now on."""
    is_off = house.storage.find_setting(OFF) is not None
    run_states = house.storage.list_run_states()
    house.programme = Programme(playbook, run_states, frozenset(house.seen_events), is_off=is_off)


def load_running(house: House) -> Programme:
    """At start: the published playbook with its run states; without one, a programme that knows no slot.

    Raises PlaybookError when this version of the engine cannot read what an earlier one published.
    """
    with house.changes:
        house.seen_events.update(house.storage.list_seen_events())
        learn_of_consent(house)
        head = house.storage.find_playbook()
        run_playbook(
            house,
            _load(house, head) if head is not None else empty_programme().playbook,
        )
    return house.programme


def _load(house: House, head: StoredPlaybook) -> Playbook:
    """The head; its sentences need no parsing when this engine read them before."""
    if house.programme.revision == head.revision:
        return house.programme.playbook
    return understood(head.revision, head.files, house.storage.find_setting(SENTENCES))


def playbook_at(house: House, revision: str) -> Playbook:
    """The playbook of a revision, the running one or an earlier. Raises NotFoundError."""
    running = house.programme.playbook
    if revision in ("", running.revision):
        return running if revision == running.revision else empty_programme().playbook
    stored = house.storage.find_playbook(revision)
    if stored is None:
        raise NotFoundError(what=f"The playbook's revision {revision}")
    return _parsed(tuple(sorted(stored.files.items())))


@lru_cache(maxsize=8)
def _parsed(files: tuple[tuple[str, str], ...]) -> Playbook:
    return read_playbook(dict(files))


def _before(house: House, head: StoredPlaybook | None) -> Playbook | None:
    """The head as a playbook, unless it cannot be read any more."""
    if head is None:
        return None
    if house.programme.revision == head.revision:
        return house.programme.playbook
    return check_texts(head.files).playbook


def _states_of(playbook: Playbook, states: Mapping[str, RunState]) -> tuple[RunState, ...]:
    return tuple(states[name] for name in playbook.rules if name in states)


class _Turn:
    """Goes over the rules from one playbook to the next, and says what becomes of each run state."""

    def __init__(
        self, house: House, before: Playbook | None, after: Playbook, *, by: str, new_test: bool
    ) -> None:
        self.now = house.clock()
        self.before = before
        self.after = after
        self.by = by
        self.new_test = new_test
        self.changed: list[RunState] = []
        self.notes: list[str] = []
        self.ended = ended_tests(house.storage)
        self.settings: dict[str, str] = plan_back_fill(
            before, after, find_back_fill(house), frozenset(house.seen_events)
        )

    def go_over(self, known: Mapping[str, RunState]) -> None:
        """Raises RunningTestError when a changed rule's test runs and no new one was asked for."""
        disturbed = [name for name in self.after.rules if name in known and self._disturbs_test(known[name])]
        if disturbed and not self.new_test:
            raise RunningTestError(rules=", ".join(f'"{name}"' for name in disturbed))
        for name, rule in self.after.rules.items():
            state = known.get(name)
            if state is None:
                self._start(rule)
            elif state.behaviour != self.after.behaviours[name]:
                self._go_on(rule, state)
            elif state.state == "rolled back":
                self.notes.append(
                    f'"{name}" stays switched off: it was rolled back ({state.reason or "no reason given"}).'
                )
        gone = self.before.rules.keys() - self.after.rules.keys() if self.before is not None else set()
        self.notes += [f'"{name}" is gone; what it found out is kept.' for name in sorted(gone)]
        control = state_of_programme(known.get(PROGRAMME), self.after, self.now, self.by)
        self.changed += [control] if control is not None else []
        self.notes += self._design_notes(known)

    def _design_notes(self, known: Mapping[str, RunState]) -> list[str]:
        """The team's defaults may change while tests run; those go on as they began."""
        before = self.before.rules if self.before is not None else {}
        kept = [
            name
            for name, rule in self.after.rules.items()
            if name in before
            and before[name].design not in (None, rule.design)
            and name in known
            and known[name].state in RUNNING
            and known[name].behaviour == self.after.behaviours[name]
        ]
        names = ", ".join(f'"{name}"' for name in kept)
        return (
            [f"The test of {names} goes on with the metric, limits and length it began with."] if kept else []
        )

    def _disturbs_test(self, state: RunState) -> bool:
        rule = self.before.rules.get(state.rule) if self.before is not None else None
        is_changed = state.behaviour != self.after.behaviours[state.rule]
        is_open = state.state in RUNNING and state.seed not in self.ended
        return is_changed and is_open and rule is not None and rule.test is not None

    def _start(self, rule: Rule) -> None:
        state = first_state(rule, self.after.behaviours[rule.name], self.now, self.by)
        self.changed.append(state)
        share = f" for {state.share / 100:g}% of visitors" if state.state == "share" else ""
        if state.ramp_days:
            share += f", then 20%, 50% and all, a step every {state.ramp_days} days"
        said = "live" if state.state == "share" else state.state
        self.notes.append(f'"{rule.name}" is new, and {said}{share}.')

    def _go_on(self, rule: Rule, state: RunState) -> None:
        """A changed rule keeps its state; a test of what it did before is closed, and the next begins anew."""
        before = self.before.rules.get(rule.name) if self.before is not None else None
        had_test = before is None or before.test is not None
        state = msgspec.structs.replace(state, behaviour=self.after.behaviours[rule.name])
        if had_test:
            state = msgspec.structs.replace(state, run=state.run + 1, phase=1, since_at=self.now, by=self.by)
        self.changed.append(state)
        self.notes.append(_go_on_note(rule, state, is_new_run=had_test))


def _go_on_note(rule: Rule, state: RunState, *, is_new_run: bool) -> str:
    if state.state == "rolled back":
        return f'"{rule.name}" changed, and stays switched off: it was rolled back.'
    if rule.test is None:
        return f'"{rule.name}" changed{"; its test ended" if is_new_run else ""}.'
    if state.state in RUNNING:
        return f'A new test starts for "{rule.name}": what it shows or asks changed, so its numbers begin at zero.'
    return f'"{rule.name}" changed; it is in {state.state}, and its test begins once it is live.'


def first_state(rule: Rule, behaviour: str, now: int, by: str) -> RunState:
    """The run state a rule is first published in, as its `launch` says."""
    state = RunState(rule=rule.name, behaviour=behaviour, since_at=now, by=by, reason="first published")
    if rule.launch == SLOWLY:
        return msgspec.structs.replace(
            state, state="share", share=RAMP[0], ramp_days=STEP_DAYS, stepped_at=now
        )
    if rule.launch.endswith("%"):
        return msgspec.structs.replace(state, state="share", share=round(float(rule.launch[:-1]) * 100))
    if rule.launch == "draft":
        return msgspec.structs.replace(state, state="draft")
    return msgspec.structs.replace(state, state="preview") if rule.launch == "preview" else state


def _store(house: House, files: Mapping[str, str], playbook: Playbook, turn: _Turn, *, based_on: str) -> None:
    now = house.clock()
    stored = StoredPlaybook(
        revision=playbook.revision,
        files=playbook_files(files),
        published_at=now,
        by=turn.by,
        based_on=based_on,
    )
    audit = AuditEntry(
        at=now, by=turn.by, act="published", what=playbook.revision, detail=" ".join(turn.notes)[:2_000]
    )

    def put(transaction: Transaction) -> None:
        transaction.put_playbook(stored)
        for state in turn.changed:
            transaction.put_run_state(state)
        for name, value in turn.settings.items():
            transaction.put_setting(name, value)
        transaction.add_audit(audit)

    house.storage.write(put).result()


def _waiting_notes(programme: Programme) -> Sequence[str]:
    return [
        f'"{waiting.rule}" waits until {_either(waiting.events)} was seen at least once; it starts then by itself.'
        for waiting in programme.waiting
    ]


def _either(names: Sequence[str]) -> str:
    return " and ".join(f'"{name}"' for name in names)


def _back_fill_notes(before: Playbook | None, after: Playbook, seen: Set[str]) -> Sequence[str]:
    """Of what ever came in."""
    changed = events_read_again(before, after, seen)
    names = [name for name in changed if not seen.isdisjoint(after.plan.names_of(name))]
    if not names:
        return ()
    return [f"What {_either(names)} carry changed: past events are read again in the background."]
