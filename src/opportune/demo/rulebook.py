"""The demo's rules page: its own copy of the playbook's folder, edited a sentence at a time and published.

A stand-in until there is a console. It uses what any team could use: the folder and `opportune` commands.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

READY = ("Paid search match", "Shipping reassurance", "Bought: no discount", "Letter pop-up")
"""Rules that come switched off, to be switched on here."""
COMMAND_SECONDS = 60
_WHEN = re.compile(r"^when:.*(?:\n[ \t]+.*)*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule as the page shows it. `state` is its run state in words, empty when it could not be asked."""

    stem: str
    name: str
    when: str
    does: tuple[str, ...]
    test: str
    purpose: str
    state: str
    is_on: bool
    waits_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of publishing or switching: lines for people, and whether it worked."""

    is_done: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The working copy of the playbook and the data folder it is published to."""

    folder: Path
    data_dir: Path

    def list_rules(self) -> list[RuleView]:
        states = self._states()
        found = [self._view(path, states) for path in sorted((self.folder / "rules").glob("*.yaml"))]
        return sorted(found, key=lambda rule: (rule.name in READY, rule.name))

    def publish(self, stem: str, sentence: str) -> Outcome:
        """Puts the sentence into the rule's file and publishes the folder; what does not check is taken back."""
        path = self._path(stem)
        if path is None:
            return Outcome(is_done=False, lines=("This rule is not in the playbook's folder.",))
        before = path.read_text(encoding="utf-8")
        path.write_text(_with_sentence(before, sentence), encoding="utf-8")
        status, printed = self._run("publish", str(self.folder), "--new-test", "--json")
        if status == 0:
            return Outcome(is_done=True, lines=_published(printed))
        problems = self._problems() or tuple(printed.strip().splitlines()[-3:])
        path.write_text(before, encoding="utf-8")
        return Outcome(is_done=False, lines=problems)

    def switch(self, stem: str, *, is_on: bool) -> Outcome:
        """Launches or pauses a rule."""
        path = self._path(stem)
        if path is None:
            return Outcome(is_done=False, lines=("This rule is not in the playbook's folder.",))
        name = _read(path)["rule"]
        status, printed = self._run("rule", name, "live" if is_on else "paused")
        return Outcome(is_done=status == 0, lines=tuple(printed.strip().splitlines()[-3:]))

    def find_name(self, stem: str) -> str | None:
        """What the rule in a file is called; None where there is no such file."""
        path = self._path(stem)
        return str(_read(path)["rule"]) if path is not None else None

    def make_link(self, api_url: str) -> str:
        """An address that opens Opportune's own pages once; empty where none could be made."""
        status, printed = self._run("doctor", "--link", "--url", api_url)
        return printed.strip() if status == 0 else ""

    def _path(self, stem: str) -> Path | None:
        """The file of a rule that is there; anything else a form may say is none."""
        return next((path for path in (self.folder / "rules").glob("*.yaml") if path.stem == stem), None)

    def _view(self, path: Path, states: dict[str, dict[str, Any]]) -> RuleView:
        rule = _read(path)
        state = states.get(rule["rule"], {})
        return RuleView(
            stem=path.stem,
            name=rule["rule"],
            when=str(rule["when"]),
            does=tuple(_does(rule)),
            test=str(rule.get("test", "")),
            purpose=str(rule.get("purpose", "")),
            state=str(state.get("state", "")),
            is_on=state.get("state") in ("live", "share"),
            waits_for=tuple(state.get("waitsFor") or ()),
        )

    def _states(self) -> dict[str, dict[str, Any]]:
        status, printed = self._run("rules", "--json")
        return {row["rule"]: row for row in json.loads(printed)} if status == 0 else {}

    def _problems(self) -> tuple[str, ...]:
        """What `check` finds wrong, each in one line with what would be right."""
        status, printed = self._run("check", str(self.folder), "--json", has_data=False)
        if status == 0:
            return ()
        try:
            found = json.JSONDecoder().raw_decode(printed.lstrip())[0]
        except ValueError:
            return ()
        return tuple(_problem(each) for each in found if not each.get("is_warning"))

    def _run(self, *arguments: str, has_data: bool = True) -> tuple[int, str]:
        """One `opportune` command: its exit status and what it printed."""
        data = ("--data", str(self.data_dir)) if has_data else ()
        command: Sequence[str] = (sys.executable, "-m", "opportune", *arguments, *data)
        try:
            done = subprocess.run(  # noqa: S603  our own program, and no shell reads the arguments
                command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return 1, "The command took too long."
        return done.returncode, done.stdout if done.returncode == 0 else done.stdout + done.stderr


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def _with_sentence(text: str, sentence: str) -> str:
    """The file with another `when:`; every other line, and every remark, stays as it is."""
    written = yaml.safe_dump({"when": " ".join(sentence.split())}, width=10_000, allow_unicode=True).rstrip()
    return _WHEN.sub(lambda _: written, text, count=1)


def _does(rule: dict[str, Any]) -> list[str]:
    shows = rule.get("show") or {}
    lines = [f"shows “{version}” in {place}" for place, version in shows.items()]
    hide = str(rule.get("hide") or "")
    if hide:
        lines.append(f"hides {hide}" if " " in hide else f"hides everything marked {hide}")
    if rule.get("lasts"):
        lines.append(f"lasts {rule['lasts']}")
    return lines


def _published(printed: str) -> tuple[str, ...]:
    answer = json.loads(printed)
    notes = tuple(answer.get("notes") or ())
    return (f"Published revision {answer['revision']}.", *notes) if answer.get("is_new", True) else notes


def _problem(each: dict[str, Any]) -> str:
    return f"{each['wrong']} ({each['right']})" if each.get("right") else str(each["wrong"])
