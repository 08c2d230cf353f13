"""What every test may ask for: Node, a browser, a free port; and how long property tests search."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tools.find import find_chromium, find_node

settings.register_profile("quick", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "soak", deadline=None, max_examples=5_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("quick")

NODE_FOLDER = Path(__file__).parent / "acceptance" / "node"


@pytest.fixture(scope="session")
def node() -> Path:
    """Node with the test clients beside it (`make test` installs both)."""
    found = find_node()
    if found is None or not (NODE_FOLDER / "node_modules").is_dir():
        pytest.fail("Node or its test clients are missing: run `make test` once, it installs them.")
    return found


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A Chromium for Playwright's `executable_path` (`make test` installs one)."""
    found = find_chromium()
    if found is None:
        pytest.fail("Chromium is missing: run `make test` once, it installs it.")
    return found


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 which nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def tracked_files() -> list[Path]:
    """Every file of the repository that git knows, or would take."""
    root = Path(__file__).parent.parent
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return [root / line for line in listed.splitlines() if (root / line).is_file()]
