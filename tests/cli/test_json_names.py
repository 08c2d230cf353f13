"""What `--json` of installation commands and reports prints is named as in the HTTP API: in camel case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.serving import write_playbook

from opportune.cli import opportune

COMMANDS = (
    "keys list",
    "sources list",
    "rules",
    "status",
    "notes",
    "set-aside list",
    "report",
    "keys user-token-secret",
    "plan",
    "next",
    "recipes",
    "review",
    "learnings",
    "doctor --url http://127.0.0.1:9",
)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(opportune, [*arguments], catch_exceptions=False)
    assert result.exit_code == 0 or "doctor" in arguments, result.output
    return result.stdout


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An installation in which every list has something in it."""
    folder = tmp_path_factory.mktemp("named")
    at = ("--data", str(folder / "data"))
    events = folder / "events.jsonl"
    nameless = {"type": "track", "anonymousId": "visitor-1"}
    viewed = {**nameless, "event": "Product Viewed", "properties": {"category": "shoes"}}
    events.write_text("\n".join(map(json.dumps, (nameless, viewed))))
    run("publish", str(write_playbook(folder / "playbook")), *at)
    run("import", str(events), "--format", "segment-jsonl", *at)
    run("keys", "add", "--kind", "write", "--name", "site", *at)
    run("keys", "revoke", "--name", "site", *at)
    run("sources", "add", "shopify", "--secret", "hush-hush-hush-hush-hush", *at)
    run("rule", "Viewed something", "slowly", "--unseen", *at)
    run("off", *at)
    run("freeze", "--until", "30 November 2096", *at)
    return str(folder / "data")


def names_in(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        yield from found
    for each in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from names_in(each)


def test_a_backtest_is_named_alike(data: str) -> None:
    found = json.loads(run("backtest", "Viewed something", "--json", "--data", data))
    assert "peopleADay" in found
    assert sorted(name for name in names_in(found) if "_" in name) == []


def test_an_import_is_named_alike(data: str, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_text('{"type": "track", "anonymousId": "visitor-1"}')
    found = json.loads(run("import", str(events), "--format", "segment-jsonl", "--json", "--data", data))
    assert found["setAside"] == 1
    assert sorted(name for name in found if "_" in name) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_names_are_in_camel_case(data: str, command: str) -> None:
    found = json.loads(run(*command.split(), "--json", "--data", data))
    names = set(names_in(found))
    assert names or command in ("notes", "learnings")
    assert sorted(name for name in names if "_" in name) == []
