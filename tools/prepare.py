"""Prepares .venv for a step of the Makefile: `run`, `dev`, `bench`, or `clients` (what the tests run against).

Needs only the standard library of Python 3.11; takes uv when there is one, else venv and pip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
NODE_FOLDER = ROOT / "tests" / "acceptance" / "node"
GROUPS: dict[str, tuple[str, ...]] = {"run": (), "dev": ("dev",), "bench": ("bench",)}
EXTRAS = {"run": "", "dev": "[postgres]", "bench": "[postgres]"}
WITHOUT_DEPENDENCIES: dict[str, tuple[str, ...]] = {"dev": ("gbstats==0.8.0",)}
"""It pins numpy 1 and pandas 1, and runs with what tea-tasting brings."""
STAMPS = {
    "run": ".installed",
    "dev": ".installed-dev",
    "clients": ".installed-clients",
    "bench": ".installed-bench",
}


def main(step: str) -> None:
    if step == "clients":
        install_node_clients()
        install_chromium()
        install_nginx()
        install_wordpress()
    elif not (step == "bench" and _is_fresh(VENV / STAMPS[step])):
        make_venv()
        install_packages(step)
    (VENV / STAMPS[step]).touch()


def make_venv() -> None:
    if VENV_PYTHON.exists() and _succeeds(
        [str(VENV_PYTHON), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    ):
        return
    say("Making .venv ...")
    shutil.rmtree(VENV, ignore_errors=True)
    uv = shutil.which("uv")
    if uv is not None:
        run([uv, "venv", "--quiet", "--python", sys.executable, str(VENV)])
        return
    if not _has_module("ensurepip"):
        _install_debian_venv()
    run([sys.executable, "-m", "venv", str(VENV)])


def install_packages(step: str) -> None:
    """Installs this package editable, with the extras and dependency groups of the step, in one go."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    wanted = [requirement for group in GROUPS[step] for requirement in groups[group]]
    package = f"{ROOT}{EXTRAS[step]}"
    say(f"Installing Opportune and its packages ({step}); the first time takes a minute ...")
    uv = shutil.which("uv")
    if uv is not None:
        install = [uv, "pip", "install", "--python", str(VENV_PYTHON)]
        run([*install, "--editable", package, *wanted])
        _install_alone(install, step)
        return
    if not _succeeds([str(VENV_PYTHON), "-m", "pip", "--version"]):
        run([str(VENV_PYTHON), "-m", "ensurepip", "--upgrade"])
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    run([*pip, "--quiet", "--upgrade", "pip"])
    run([*pip, "--progress-bar", "off", "--editable", package, *wanted])
    _install_alone([*pip, "--quiet"], step)


def _install_alone(install: list[str], step: str) -> None:
    """What the step takes without the packages it asks for, because it pins old ones."""
    if step in WITHOUT_DEPENDENCIES:
        run([*install, "--no-deps", *WITHOUT_DEPENDENCIES[step]])


def install_node_clients() -> None:
    """The JavaScript clients which the acceptance tests run against the server."""
    from find import find_node, find_npm_command  # noqa: PLC0415 (only this step needs what it finds)

    node = find_node()
    npm = find_npm_command(node) if node else None
    if node is None or npm is None:
        fail("Node 18 or newer with npm is needed for the tests, and none was found.")
    say(f"Installing the JavaScript test clients with {node} ...")
    options = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    search_path = os.pathsep.join((str(node.parent), os.environ.get("PATH", "")))
    run([*npm, "install", *options], folder=NODE_FOLDER, environment={**os.environ, "PATH": search_path})


def install_chromium() -> None:
    """The system's Chromium, else by apt-get as root, else the one Playwright offers."""
    from find import find_chromium  # noqa: PLC0415 (only this step needs it)

    if find_chromium() is not None:
        return
    say("Installing Chromium for the browser tests ...")
    if shutil.which("apt-get") and os.geteuid() == 0 and _install_debian("chromium"):
        return
    run([str(VENV_PYTHON), "-m", "playwright", "install", "chromium"])


def install_nginx() -> None:
    """For the tests of what its examples say; they are skipped, and say so, where only root could install it."""
    from find import find_nginx  # noqa: PLC0415 (only this step needs it)

    if find_nginx() is None and shutil.which("apt-get") and os.geteuid() == 0:
        say("Installing nginx for the tests of its examples ...")
        _install_debian("nginx-light")


def install_wordpress() -> None:
    """PHP, MariaDB and WordPress from Debian's packages, as root; without them the tests of the plugin say so."""
    from find import UNPACKED, find_mariadb, find_php, find_wordpress  # noqa: PLC0415 (only this step needs it)

    if not (shutil.which("apt-get") and os.geteuid() == 0):
        return
    if find_php() is None or find_mariadb() is None:
        say("Installing PHP and MariaDB for the tests of the WordPress plugin ...")
        _install_debian("php-cli", "php-mysql", "php-curl", "mariadb-server-core", "mariadb-client-core")
    if find_wordpress() is None:
        say("Fetching WordPress ...")
        UNPACKED.mkdir(parents=True, exist_ok=True)
        _quietly(["apt-get", "download", "-qq", "wordpress"], UNPACKED)
        for package in UNPACKED.glob("wordpress_*.deb"):
            _quietly(["dpkg", "-x", str(package), str(UNPACKED)], UNPACKED)


def _quietly(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, capture_output=True, check=False)


def _install_debian_venv() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if shutil.which("apt-get") and os.geteuid() == 0:
        say(f"This Python has no `ensurepip`; installing python{version}-venv ...")
        if _install_debian(f"python{version}-venv"):
            return
    fail(
        f"This Python cannot make a virtual environment: its module `ensurepip` is missing.\n"
        f"Install it (Debian, Ubuntu: apt-get install python{version}-venv), or uv, then run this again."
    )


def _install_debian(*packages: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    if subprocess.run(install, env=environment, stdout=subprocess.DEVNULL, check=False).returncode == 0:
        return True
    subprocess.run(["apt-get", "update", "-qq"], env=environment, stdout=subprocess.DEVNULL, check=False)
    return subprocess.run(install, env=environment, stdout=subprocess.DEVNULL, check=False).returncode == 0


def _is_fresh(stamp: Path) -> bool:
    return stamp.exists() and stamp.stat().st_mtime > (ROOT / "pyproject.toml").stat().st_mtime


def _has_module(name: str) -> bool:
    return _succeeds([sys.executable, "-c", f"import {name}"])


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run(command: list[str], *, folder: Path = ROOT, environment: dict[str, str] | None = None) -> None:
    if subprocess.run(command, cwd=folder, env=environment, check=False).returncode != 0:
        fail(f"This step failed: {' '.join(command)}")


def say(text: str) -> None:
    print(text, flush=True)


def fail(text: str) -> None:
    print(text, file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1])
