"""The command line as a contract: every command has help and a place in the reference; errors are one clear line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner
from tests.serving import done, run_command, write_playbook

from opportune.cli import COMMANDS, opportune
from opportune.cli.reference import commands_page
from opportune.core.moment import from_iso
from opportune.core.report.plain import moment_words

ISO = re.compile(r"20\d\d-\d\d-\d\d")
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
PROMISED = {
    "serve",
    "keys",
    "check",
    "publish",
    "explain",
    "replay",
    "import",
    "off",
    "on",
    "demo",
    "rules",
    "rule",
    "set-aside",
}


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for member in command.commands.values():
            yield from leaves(member, f"{name} {member.name}")
    else:
        yield name, command


ALL = [leaf for command in COMMANDS.values() for leaf in leaves(command, str(command.name))]


def run(data: Path, *arguments: str, **environment: str) -> str:
    """A command in this process that must succeed; what it printed to standard output."""
    result = CliRunner().invoke(
        opportune, [*arguments, "--data", str(data)], env=environment, catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_promised_commands_are_there() -> None:
    assert set(COMMANDS) >= PROMISED
    assert [command.name for command in COMMANDS.values()] == list(COMMANDS)


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_every_command_and_option_has_help(name: str, command: click.Command) -> None:
    assert command.help, f"{name} has no help"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]} has no help"


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_every_command_shows_its_help(name: str, command: click.Command) -> None:
    result = CliRunner().invoke(opportune, [*name.split(), "--help"])
    assert result.exit_code == 0
    assert "Usage: " in result.output


def test_the_page_of_commands_is_up_to_date() -> None:
    assert PAGE.read_text() == commands_page(), "run `python tools/write_reference.py`"
    assert all(f"opportune {name}" in PAGE.read_text() for name, _ in ALL)


def test_a_made_key_is_printed_alone_so_that_scripts_can_take_it(tmp_path: Path) -> None:
    value = run(tmp_path / "data", "keys", "add", "--kind", "write", "--name", "site")
    assert value.startswith("owk_")
    assert len(value.splitlines()) == 1


def test_keys_are_listed_without_the_secret_ones_values(tmp_path: Path) -> None:
    value = run(tmp_path, "keys", "add", "--kind", "secret", "--name", "shop", "--scope", "read").strip()
    listed = run(tmp_path, "keys", "list")
    assert "shop" in listed
    assert "read" in listed
    assert value not in listed
    (key,) = json.loads(run(tmp_path, "keys", "list", "--json"))
    assert (key["name"], key["kind"], key["value"], key["revokedAt"]) == ("shop", "secret", "", None)


def test_a_given_value_is_taken(tmp_path: Path) -> None:
    assert run(
        tmp_path, "keys", "add", "--kind", "write", "--name", "a", "--value", "hello-world"
    ).strip() == ("hello-world")


def test_the_data_folder_may_be_named_by_the_environment(tmp_path: Path) -> None:
    done("keys", "add", "--kind", "write", "--name", "site", OPPORTUNE_DATA=str(tmp_path / "here"))
    assert (tmp_path / "here" / "opportune.sqlite").exists()


def test_any_option_may_be_given_by_the_environment(tmp_path: Path) -> None:
    printed = CliRunner().invoke(
        opportune,
        ["keys", "add", "--data", str(tmp_path)],
        env={"OPPORTUNE_KEYS_ADD_KIND": "write", "OPPORTUNE_KEYS_ADD_NAME": "site"},
    )
    assert printed.stdout.startswith("owk_")


def test_switches_work_without_a_server_and_status_tells(tmp_path: Path) -> None:
    run(tmp_path, "keys", "add", "--kind", "write", "--name", "site")
    run(tmp_path, "off", "--reason", "strange prices")
    assert "strange prices" in run(tmp_path, "status")
    run(tmp_path, "on")
    run(tmp_path, "freeze")
    found = json.loads(run(tmp_path, "status", "--json"))
    assert found["off"] is None
    assert found["frozen"]["by"]
    run(tmp_path, "unfreeze")
    assert json.loads(run(tmp_path, "status", "--json"))["frozen"] is None


def test_people_read_moments_in_words_and_programs_in_iso(tmp_path: Path) -> None:
    """The team's own time zone; a machine at its desk may have another."""
    folder, data = write_playbook(tmp_path / "playbook"), tmp_path / "data"
    team = folder / "team.yaml"
    team.write_text(f"{team.read_text() if team.exists() else ''}\ntime zone: Asia/Tokyo\n")
    run(data, "publish", str(folder))
    run(data, "off", "--reason", "strange prices")
    run(data, "on")
    run(data, "rule", "Viewed something", "slowly", "--unseen")
    run(data, "off")
    run(data, "freeze", "--from", "24 November 2096", "--until", "30 November 2096")
    run(data, "keys", "add", "--kind", "write", "--name", "site")
    run(data, "keys", "revoke", "--name", "site")
    run(data, "sources", "add", "shopify", "--secret", "hush-hush-hush-hush-hush")
    moments = {
        ("status",): lambda found: [found["off"]["at"]],
        ("keys", "list"): lambda found: [found[0]["revokedAt"]],
        ("sources", "list"): lambda found: [found[0]["addedAt"]],
    }
    for command, moments_in in moments.items():
        told = run(data, *command)
        assert not ISO.search(told)
        listed = moments_in(json.loads(run(data, *command, "--json")))
        assert listed
        for moment in listed:
            assert ISO.match(moment)
            assert moment_words(from_iso(moment), ZoneInfo("Asia/Tokyo")) in told
    assert "from 24 November 2096, 00:00 until 1 December 2096, 00:00" in run(data, "status")
    assert re.search(r"next step \d+ [A-Z][a-z]+ 20\d\d", run(data, "rules"))


def test_a_folder_without_an_installation_is_not_made_by_looking(tmp_path: Path) -> None:
    refused = run_command("status", "--data", tmp_path / "nothing")
    assert refused.returncode == 1
    assert refused.stderr.startswith("opportune: There is no installation in")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["keys", "add", "--kind", "write", "--name", "a", "--value", "x y"], 1, "no `:` and no spaces"),
        (["keys", "add", "--kind", "other", "--name", "a"], 2, "'other' is not one of"),
        (["keys", "revoke", "--name", "nobody"], 1, "'nobody' was not found"),
        (["explain"], 2, "--person and --slot"),
        (["explain", "nonsense"], 1, "not a decision token"),
        (["rule", "Nothing", "live"], 1, "'Nothing' was not found"),
        (["fly"], 2, "No such command"),
    ],
)
def test_a_mistake_is_one_clear_line_and_a_status(
    tmp_path: Path, arguments: list[str], status: int, said: str
) -> None:
    data = [] if arguments == ["fly"] else ["--data", str(tmp_path)]
    run(tmp_path, "keys", "add", "--kind", "write", "--name", "site")
    refused = run_command(*arguments, *data)
    assert refused.returncode == status
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_was_set_aside_is_listed_replayed_and_dropped(tmp_path: Path) -> None:
    stream = tmp_path / "stream.jsonl"
    stream.write_text(
        '{"type":"track","anonymousId":"a","messageId":"m1"}\n{"event":"Signed Up","messageId":"m2"}\n'
    )
    data = tmp_path / "data"
    counts = json.loads(run(data, "import", str(stream), "--format", "segment-jsonl", "--json"))
    assert (counts["accepted"], counts["setAside"]) == (0, 2)
    rows = json.loads(run(data, "set-aside", "list", "--json"))
    numbers = {row["messageId"]: str(row["id"]) for row in rows}
    replayed = run(data, "set-aside", "replay", numbers["m1"], "--fix", '{"event": "Signed Up"}')
    assert replayed.startswith("accepted 1")
    run(data, "set-aside", "drop", numbers["m2"])
    assert json.loads(run(data, "set-aside", "list", "--json")) == []


def test_an_import_is_in_the_history_once(tmp_path: Path) -> None:
    stream = tmp_path / "stream.csv"
    row = "v1,Product Viewed,2026-01-01T10:00:00Z,5\n"
    stream.write_text("visitor_id,event,time,price\n" + row + row)
    data = tmp_path / "data"
    first = json.loads(run(data, "import", str(stream), "--format", "csv", "--json"))
    again = json.loads(run(data, "import", str(stream), "--format", "csv", "--json"))
    assert (first["accepted"], again["accepted"]) == (1, 0)


def test_a_file_of_the_wrong_format_is_said_before_anything_is_taken(tmp_path: Path) -> None:
    (tmp_path / "stream.csv").write_text("a,b\n1,2\n")
    refused = run_command(
        "import", tmp_path / "stream.csv", "--format", "rees46", "--data", tmp_path / "data"
    )
    assert refused.returncode == 1
    assert "is no rees46 file" in refused.stderr


def test_rules_that_look_back_further_than_ids_live_say_so_where_they_are_listed(tmp_path: Path) -> None:
    playbook = write_playbook(tmp_path / "playbook")
    (rule, team) = (playbook / "rules" / "viewed.yaml", playbook / "team.yaml")
    rule.write_text(rule.read_text().replace("7 days", "30 days"))
    team.write_text(team.read_text() + "visitor id: set by script\n")
    run(tmp_path / "data", "publish", str(playbook))
    printed = run(tmp_path / "data", "rules")
    assert (
        "Viewed something: it looks back 30 days, and an id set by a script lives 7 days in Safari."
        in printed
    )
