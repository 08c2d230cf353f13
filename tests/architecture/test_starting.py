"""What a process loads as it starts: what its work needs, so that commands and rounds of measuring begin at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.serving import ROOT, environment

from opportune.app.storing import open_storage
from opportune.process.place import Place

EDGES = (
    "opportune.http",
    "opportune.console",
    "opportune.server",
    "starlette",
    "uvicorn",
    "jinja2",
    "prometheus_client",
)
COMMANDS = ("opportune.cli", "click")
THE_SHOP = ("opportune.demo",)
STORES = ("opportune.storage", "opportune.services", "lark", "yaml")

IN_A_CHILD = """
if __name__ == "__main__":
    from pathlib import Path
    from threading import Event

    from tests.loaded import list_loaded

    from opportune.app.serving import build_apart
    from opportune.process.place import Place
    from opportune.settings import Settings

    print(*build_apart(Place(Path({data!r})), Settings(), Event())(list_loaded), sep="\\n")
"""


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a Python with these arguments imports until it ends."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment(), cwd=ROOT, timeout=60
    )
    return {
        line.rpartition("|")[2].strip()
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }


def of(parts: tuple[str, ...], modules: set[str]) -> list[str]:
    return sorted(
        name for name in modules if any(name == part or name.startswith(f"{part}.") for part in parts)
    )


def test_a_command_that_only_answers_loads_nothing_of_the_house() -> None:
    found = loaded_by("-m", "opportune", "--version")
    assert "opportune.cli" in found
    assert not of((*EDGES, *STORES, *THE_SHOP, "asyncio"), found)


@pytest.mark.parametrize("command", ["rules", "keys", "status", "person", "check", "publish", "notes"])
def test_a_command_loads_no_edge_and_no_other_command(command: str) -> None:
    found = loaded_by("-m", "opportune", command, "--help")
    assert not of((*EDGES, *THE_SHOP, "opportune.cli.serve", "opportune.cli.backtest"), found)


def test_a_process_that_a_server_starts_loads_nothing_of_the_command_line() -> None:
    found = loaded_by("-c", "import opportune.__main__")
    assert of(("opportune",), found) == ["opportune", "opportune.__main__"]


def test_a_process_that_reads_loads_a_store_and_neither_edge_nor_command(tmp_path: Path) -> None:
    open_storage(Place(tmp_path)).close()
    script = tmp_path / "start.py"
    script.write_text(IN_A_CHILD.format(data=str(tmp_path)))
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=ROOT,
        env=environment(PYTHONPATH=f"{ROOT / 'src'}:{ROOT}"),
    )
    found = set(done.stdout.split())
    assert "opportune.storage.sqlite.store" in found
    assert not of((*EDGES, *COMMANDS, *THE_SHOP, "lark", "yaml", "asyncio"), found)
