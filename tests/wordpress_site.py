"""A real WordPress on a real MariaDB, both from Debian's packages, behind PHP's own web server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from tests.ports import find_free_port
from tools.find import find_mariadb, find_php, find_wordpress

FILES = Path(__file__).parent / "acceptance" / "wordpress"
START_SECONDS = 120.0
CONFIGURATION = """<?php
define( 'DB_NAME', 'wordpress' );
define( 'DB_USER', 'root' );
define( 'DB_PASSWORD', '' );
define( 'DB_HOST', 'localhost:{socket}' );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'WP_HOME', '{url}' );
define( 'WP_SITEURL', '{url}' );
define( 'DISABLE_WP_CRON', true );
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'WP_DEBUG', true );
define( 'WP_DEBUG_DISPLAY', false );
define( 'WP_DEBUG_LOG', __DIR__ . '/debug.log' );
$table_prefix = 'wp_';
defined( 'ABSPATH' ) || define( 'ABSPATH', __DIR__ . '/' );
require_once ABSPATH . 'wp-settings.php';
"""


def missing() -> list[str]:
    """What a WordPress needs and this machine does not have."""
    needed = {
        "PHP with mysqli and curl": find_php(),
        "MariaDB": find_mariadb(),
        "WordPress": find_wordpress(),
    }
    return [name for name, found in needed.items() if found is None]


class WordPress:
    """Made by its making, with the plugin as `opportune platform woocommerce plugin` prints it."""

    def __init__(self, folder: Path, plugin: bytes, option: dict[str, str]) -> None:
        self.folder = folder
        self.site = folder / "site"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.url = f"http://127.0.0.1:{find_free_port()}"
        try:
            self._start_database()
            self._lay_out(plugin)
            self._install(option)
            self._start_server()
        except BaseException:
            self.close()
            raise

    def _start_database(self) -> None:
        data, self.socket = self.folder / "db", self.folder / "db.sock"
        mine = ["--no-defaults", f"--datadir={data}", "--user=root"]
        install = ["mariadb-install-db", *mine, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(install, check=True, capture_output=True)
        light = ["--skip-networking", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"]
        self._start([str(find_mariadb()), *mine, *light, f"--socket={self.socket}"])
        create = [
            "mariadb",
            "--no-defaults",
            f"--socket={self.socket}",
            "-uroot",
            "-e",
            "create database wordpress",
        ]
        _until(lambda: subprocess.run(create, check=False, capture_output=True).returncode == 0)

    def _lay_out(self, plugin: bytes) -> None:
        found = find_wordpress()
        assert found is not None
        shutil.copytree(
            found, self.site, ignore_dangling_symlinks=True, ignore=shutil.ignore_patterns("wp-includes")
        )
        (self.site / "wp-includes").symlink_to(found / "wp-includes")
        text = CONFIGURATION.format(socket=self.socket, url=self.url)
        (self.site / "wp-config.php").write_text(text)
        content = self.site / "wp-content"
        shutil.rmtree(content, ignore_errors=True)
        (content / "plugins" / "small-shop").mkdir(parents=True)
        shutil.copytree(FILES / "theme", content / "themes" / "plain")
        shutil.copy(FILES / "small-shop.php", content / "plugins" / "small-shop")
        (content / "mu-plugins").mkdir()
        shutil.copy(FILES / "patience.php", content / "mu-plugins")
        for name in ("install.php", "router.php"):
            shutil.copy(FILES / name, self.site)
        zipfile.ZipFile(BytesIO(plugin)).extractall(content / "plugins")

    def _install(self, option: dict[str, str]) -> None:
        done = subprocess.run(
            [str(find_php()), "install.php"],
            cwd=self.site,
            env={**os.environ, "OPPORTUNE_OPTION": json.dumps(option)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.stdout.endswith("made"), done.stdout + done.stderr

    def _start_server(self) -> None:
        address = self.url.removeprefix("http://")
        workers = {"PHP_CLI_SERVER_WORKERS": "3"}
        self._start(
            [str(find_php()), "-S", address, "-t", str(self.site), str(self.site / "router.php")], **workers
        )
        _until(lambda: self.get("/welcome/")[0] == 200)

    def _start(self, command: list[str], **more: str) -> None:
        with (self.folder / "processes.log").open("ab") as log:
            environment = {**os.environ, **more}
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))

    def get(self, path: str, *, cookie: str = "", **more: str) -> tuple[int, str, dict[str, Any]]:
        """`more` are headers."""
        headers = {"Cookie": cookie, "User-Agent": "Firefox"} | {
            name.replace("_", "-"): value for name, value in more.items()
        }
        request = urllib.request.Request(f"{self.url}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
                return answer.status, answer.read().decode(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), dict(error.headers)
        except OSError:
            return 0, "", {}

    def complaints(self) -> list[str]:
        """What PHP or WordPress said against the plugin."""
        log = self.site / "debug.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return [line for line in lines if "opportune" in line.lower()]

    def close(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(START_SECONDS)


def _until(is_there: Any) -> None:
    until = time.monotonic() + START_SECONDS
    while not is_there():
        assert time.monotonic() < until, "it did not start"
        time.sleep(0.1)
