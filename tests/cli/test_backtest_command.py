"""`opportune backtest`, `plan` and `check --data`, beside a running server, through the real command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.serving import ServerProcess, done, run_command, write_playbook


def test_past_traffic_is_asked_beside_a_running_server(tmp_path: Path) -> None:
    folder = write_playbook(tmp_path / "playbook")
    with ServerProcess(tmp_path / "data") as server:
        done("publish", folder, *server.place)
        for visitor, times in (("a", 1), ("b", 2), ("c", 3)):
            for number in range(times):
                server.view(visitor, number)
            server.hero(visitor)
        found = json.loads(done("backtest", "viewed something", "--full", "--json", *server.place))
        said = done("backtest", "Viewed something", "--full", *server.place)
        draft = write_playbook(tmp_path / "draft", times=3)
        tried = json.loads(
            done("backtest", "Viewed something", "--folder", draft, "--full", "--json", *server.place)
        )
        planned = json.loads(done("plan", "--json", *server.place))
        read = done("plan", *server.place)
        status, same, _ = server.get("/v1/plan")
        checked = done("check", folder, "--quiet", *server.place)
        held = json.loads(done("check", folder, "--json", *server.place))
        _, over_http, _ = server.get("/v1/check")
        ranked = json.loads(done("next", "--json", *server.place))
        advised = done("next", *server.place)
        _, next_over_http, _ = server.get("/v1/next")
        unknown = run_command("backtest", "Viewd something", *server.place)
    assert (found["people"]["value"], found["visits"], found["isDraft"]) == (2, 3, False)
    assert said.startswith("Viewed something: a visitor viewed at least 2 times in 7 days")
    assert "66.7%  Viewed something" in said
    assert (tried["people"]["value"], tried["isDraft"]) == (1, True)
    assert planned["offers"][0]["kind"] == "same against same"
    assert "1. The same against the same" in read
    assert (status, [offer["kind"] for offer in same["offers"]]) == (
        200,
        [each["kind"] for each in planned["offers"]],
    )
    assert "Held against 3 visitors" in checked
    assert set(held) == {"problems", "data"}
    assert over_http["lookedAt"] == held["data"]["lookedAt"] == 3
    assert [each["name"] for each in next_over_http["candidates"]] == [
        each["name"] for each in ranked["candidates"]
    ]
    assert "welcome waits for Order Completed, never seen here." in advised
    assert unknown.returncode == 1
    assert 'did you mean "Viewed something"?' in unknown.stderr


def test_where_nothing_is_installed_the_command_says_so(tmp_path: Path) -> None:
    failed = run_command("backtest", "Anything", "--data", tmp_path / "none")
    assert failed.returncode == 1
    assert "There is no installation in" in failed.stderr
