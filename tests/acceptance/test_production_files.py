"""What production runs on: the page shows the files as they are; systemd and the command line know what they say."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from opportune.cli import opportune
from opportune.settings import Settings, variable_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how" / "production.md").read_text()
UNITS = sorted((ROOT / "deploy").glob("opportune*"))
FILES = [*UNITS, ROOT / "deploy" / "Caddyfile", ROOT / "Dockerfile"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_page_shows_the_file_as_it_is(path: Path) -> None:
    assert f"\n{path.read_text().rstrip()}\n```" in PAGE


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_understands_the_unit(path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing: the units are only read")
    command = ["systemd-analyze", "verify", "--man=no", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stderr
    installed_later = re.compile(r"Command /opt/opportune/\S+ is not executable: No such file or directory")
    assert [line for line in said.splitlines() if not installed_later.search(line)] == []


@pytest.mark.parametrize("path", [*UNITS, ROOT / "Dockerfile"], ids=lambda path: path.name)
def test_every_setting_and_command_named_exists(path: Path) -> None:
    text = path.read_text()
    known = {variable_of(name) for name in Settings.__struct_fields__}
    assert set(re.findall(r"OPPORTUNE_[A-Z_]+", text)) <= known
    assert isinstance(opportune, click.Group)
    started = set(re.findall(r"bin/opportune (\w+)|CMD \[\"(\w+)\"", text))
    assert {name for pair in started for name in pair if name and name != "python"} <= set(opportune.commands)


def test_the_server_is_reached_through_the_proxy_only() -> None:
    unit = (ROOT / "deploy" / "opportune.service").read_text()
    assert "OPPORTUNE_HOST" not in unit  # 127.0.0.1, the default, as the proxy's word is trusted
    assert "reverse_proxy 127.0.0.1:8400" in (ROOT / "deploy" / "Caddyfile").read_text()
