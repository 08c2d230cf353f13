"""`opportune publish` says aloud what may single people out, and publishes all the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.serving import done, run_command, write_playbook

from opportune.app.clock import now_ms
from opportune.app.house import opened_house
from opportune.core.moment import HOUR, to_iso
from opportune.process.place import Place
from opportune.services.capturing import CaptureSource, capture

VISITORS, COLLECTORS = 60, 7
RARE = (
    "rule: Collectors\nwhen: a visitor added to cart at least 3 times in 7 days\nshow:\n  home hero: Shoes\n"
)


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    folder = write_playbook(tmp_path / "playbook")
    (folder / "plan.yaml").write_text("customer details:\n  - religion\n  - shoe size\n")
    return folder


def seed(data: Path) -> None:
    """Sixty visitors looked at something, and seven of them filled their carts."""
    at = now_ms() - HOUR
    messages = [
        {"type": "track", "event": name, "anonymousId": f"v-{number}", "timestamp": to_iso(at + each)}
        | {"properties": {"path": "/", "product_id": "p-1"}, "messageId": f"{name}-{number}-{each}"}
        for number in range(VISITORS)
        for each, name in enumerate((*(["Product Added"] * 3 if number < COLLECTORS else []), "Page Viewed"))
    ]
    with opened_house(Place(data)) as house:
        capture(house, CaptureSource(name="site"), messages).result()


def test_a_sensitive_name_is_told_loudly_where_it_is_published(tmp_path: Path, playbook: Path) -> None:
    data = tmp_path / "data"
    published = run_command("publish", playbook, "--data", data)
    assert published.returncode == 0
    assert "Published revision" in published.stdout
    assert "ATTENTION: 1 thing that may single people out. Nothing was held back." in published.stderr
    assert "plan.yaml:2: “religion” looks like religion or belief." in published.stderr
    assert f"things to look at: opportune check {playbook} --data {data}" in published.stderr
    again = run_command("publish", playbook, "--data", data)
    assert "ATTENTION" not in again.stderr


def test_a_rule_for_very_few_people_is_told_with_how_many(tmp_path: Path) -> None:
    data, playbook = tmp_path / "data", write_playbook(tmp_path / "playbook")
    seed(data)
    (playbook / "rules" / "rare.yaml").write_text(RARE)
    slot = playbook / "slots" / "home-hero.yaml"
    slot.write_text(f"{slot.read_text()}  - Collectors\n")
    published = json.loads(done("publish", playbook, "--data", data, "--json"))
    assert published["is_new"] is True
    [told] = published["attention"]
    assert (told["kind"], told["where"], told["count"]) == ("few people", "rules/rare.yaml:1", COLLECTORS)


def test_a_playbook_with_nothing_of_that_kind_is_published_quietly(tmp_path: Path) -> None:
    folder = write_playbook(tmp_path / "playbook")
    assert "ATTENTION" not in run_command("publish", folder, "--data", tmp_path / "data").stderr
    assert json.loads(done("publish", folder, "--data", tmp_path / "data", "--json"))["attention"] == []
