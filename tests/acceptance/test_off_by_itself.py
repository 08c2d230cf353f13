"""A version that costs orders, on a real server: off at the next decision, told, and off until somebody says why."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from tests.serving import ServerProcess, done, run_command, viewed, write_playbook

from opportune.core.moment import from_iso
from opportune.core.report.plain import moment_words

RULE = "Viewed something"
VISITORS = [f"visitor-{number}" for number in range(240)]
TEST = "test: half and half, on orders within 3 days, for 4 weeks\n"


def playbook(folder: Path, *, headline: str = "Welcome") -> Path:
    written = write_playbook(folder, headline=headline)
    rule = written / "rules" / "viewed.yaml"
    rule.write_text(rule.read_text().replace("at least 2 times", "at least 1 time") + TEST)
    return written


def batch(server: ServerProcess, *messages: dict[str, object]) -> None:
    status, answer, _ = server.post("/v1/batch", {"batch": messages})
    assert status == 200, answer


def bought(visitor: str) -> dict[str, object]:
    properties = {"order_id": f"order of {visitor}", "revenue": 50, "currency": "EUR"}
    return {"type": "track", "event": "Order Completed", "anonymousId": visitor, "properties": properties}


def headline(server: ServerProcess, visitor: str) -> str:
    return str(server.hero(visitor)["value"]["headline"])


def test_a_version_that_costs_orders_is_off_until_somebody_says_why(tmp_path: Path) -> None:
    folder = playbook(tmp_path / "playbook")
    with ServerProcess(tmp_path / "data") as server:
        batch(server, *(viewed(visitor, f"view of {visitor}") for visitor in VISITORS))
        done("publish", folder, *server.place)
        saw = {visitor: headline(server, visitor) for visitor in VISITORS}
        without = [visitor for visitor in VISITORS if saw[visitor] == "Welcome"]
        treated = [visitor for visitor in VISITORS if saw[visitor] == "Shoes for you"]
        assert min(len(without), len(treated)) > 80
        assert "nothing was switched off" in done("notes", "--now", *server.place)

        batch(server, *(bought(visitor) for visitor in [*without[: len(without) * 2 // 3], *treated[:3]]))
        told = done("notes", "--now", *server.place)
        assert f'switched off  "{RULE}" was switched off: orders within 3 days:' in told
        assert {headline(server, visitor) for visitor in treated[:20]} == {"Welcome"}

        _, page, _ = server.get("/v1/notes")
        [note] = [each for each in page["notes"] if each["kind"] == "switched off"]
        assert told.startswith(f"{moment_words(from_iso(note['at']), ZoneInfo('UTC'))}  switched off")
        assert note["rules"] == [RULE]
        assert "opportune rule" in note["did"]
        assert "rolled back" in done("rules", *server.place)

        done("publish", playbook(folder, headline="Hello"), *server.place)
        assert headline(server, treated[0]) == "Hello"
        refused = run_command("rule", RULE, "live", *server.place)
        assert refused.returncode == 1
        assert "Say with --reason what was put right" in refused.stderr
        done("rule", RULE, "live", "--reason", "the price is right now", *server.place)
        again = {headline(server, visitor) for visitor in VISITORS[:40]}
        assert again == {"Hello", "Shoes for you"}
