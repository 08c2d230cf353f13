"""The demo's own care: it takes a free port, and never removes what it did not make."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from opportune.app.house import opened_house
from opportune.cli.demo import STATE, demo, forget, free_port, keep, prepare_folder
from opportune.core.playbook_files.folder import check_files
from opportune.errors import BadRequestError, UnknownKeyError
from opportune.process.place import Place
from opportune.services.authorizing import authorize
from opportune.services.publishing import read_folder


def test_a_free_port_is_taken_as_asked() -> None:
    port = free_port("127.0.0.1", 0)
    assert free_port("127.0.0.1", port) == port


def test_a_port_in_use_gives_way_to_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert port < free_port("127.0.0.1", port) <= port + 20
    assert f"Port {port} is in use; taking" in capsys.readouterr().err


def test_two_ports_of_one_demo_differ() -> None:
    first = free_port("127.0.0.1", 0)
    assert free_port("127.0.0.1", first, but=first) != first


def test_an_address_that_is_not_ours_is_said() -> None:
    with pytest.raises(BadRequestError, match=r"of 192\.0\.2\.1"):
        free_port("192.0.2.1", 8_400)


def test_the_folder_gets_keys_and_a_playbook_once(tmp_path: Path) -> None:
    with opened_house(Place(tmp_path / "data")) as house:
        state = prepare_folder(house, tmp_path)
        assert authorize(house, state.secret_key).is_secret
        assert not authorize(house, state.write_key).is_secret
        state.is_seeded = True
        keep(tmp_path, state)
        (tmp_path / "playbook" / "team.yaml").write_text("team: Mine\n")
        assert prepare_folder(house, tmp_path) == state
    assert (tmp_path / "playbook" / "team.yaml").read_text() == "team: Mine\n"
    assert (tmp_path / STATE).stat().st_mode & 0o077 == 0


def test_the_demos_playbook_checks(tmp_path: Path) -> None:
    with opened_house(Place(tmp_path / "data")) as house:
        prepare_folder(house, tmp_path)
    files, problems = read_folder(tmp_path / "playbook")
    assert not problems
    assert check_files(files).problems == ()


def test_reset_forgets_a_demo_and_nothing_else(tmp_path: Path) -> None:
    with opened_house(Place(tmp_path / "demo" / "data")) as house:
        prepare_folder(house, tmp_path / "demo")
    forget(tmp_path / "demo")
    assert not (tmp_path / "demo").exists()
    forget(tmp_path / "demo")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_text("")
    with pytest.raises(SystemExit):
        forget(tmp_path / "photos")
    assert (tmp_path / "photos" / "one.jpg").exists()


def test_a_folder_and_a_database_that_do_not_belong_together_get_new_keys(
    tmp_path: Path, postgres_store: str
) -> None:
    with opened_house(Place(tmp_path / "data")) as house:
        before = prepare_folder(house, tmp_path)
        before.is_seeded = True
        keep(tmp_path, before)
    with opened_house(Place(tmp_path, postgres_store)) as house:
        first = prepare_folder(house, tmp_path)
        assert (first.write_key != before.write_key, first.is_seeded) == (True, False)
        second = prepare_folder(house, tmp_path / "other")
        assert authorize(house, second.secret_key).is_secret
        with pytest.raises(UnknownKeyError):
            authorize(house, first.secret_key)


def test_reset_leaves_a_database_alone(tmp_path: Path, postgres_url: str) -> None:
    asked = ["--folder", str(tmp_path), "--database", postgres_url, "--reset"]
    refused = CliRunner().invoke(demo, asked)
    assert refused.exit_code == 1
    assert "Make a new database" in refused.stderr
