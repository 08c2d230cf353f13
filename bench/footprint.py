"""What it takes to have it: memory when idle, time to the first answer, and the size of what is installed."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from statistics import median

from bench import shop
from bench.load import Connection
from bench.over_http import AFTER, BEFORE
from bench.serving import ROOT, serve_opportune
from bench.table import Section
from opportune.process.place import Place

STARTS = 5
SETTLE_SECONDS = 3
MB = 1_000_000


def measure() -> Section:
    section = Section("footprint", "Footprint", ("figure",))
    _measure_start(section)
    _measure_installed(section)
    return section


def _measure_start(section: Section) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        playbook = ROOT / "src" / "opportune" / "demo" / "playbook"
        data.mkdir()
        shop.add_keys(Place(data))
        seconds, memory = [], []
        for number in range(STARTS + 1):
            started = time.monotonic()
            with serve_opportune(data, playbook, is_pinned=False) as serving:
                asyncio.run(_first_answer(serving.port))
                if number:  # the first start publishes the playbook
                    seconds.append(time.monotonic() - started)
                if number in (1, STARTS):
                    time.sleep(SETTLE_SECONDS)
                    memory.append(serving.private_bytes())
    found = median(seconds)
    section.add("start to first answer", f"{found:.2f} s", target="< 1 s", is_met=found < 1)
    known = [each for each in memory if each is not None]
    if known:
        idle = max(known) / MB
        section.add("idle private memory (USS)", f"{idle:.0f} MB", target="< 80 MB", is_met=idle < 80)
    section.note(f"The demo's playbook, published before; median of {STARTS} starts of `opportune serve`.")


async def _first_answer(port: int) -> None:
    connection = await Connection(port, shop.SECRET_KEY).open()
    status, body = await connection.post("/v1/decide", f"{BEFORE}000000000001{AFTER}".encode())
    connection.close()
    assert status == 200, body


def _measure_installed(section: Section) -> None:
    sizes = _fresh_sizes() or _sizes_here()
    total = sum(sizes.values()) / MB
    section.add("installed packages, all of the base", f"{total:.1f} MB", target="< 40 MB", is_met=total < 40)
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        section.add(f"  {name}", f"{size / MB:.2f} MB")


def _fresh_sizes() -> dict[str, int]:
    """Sizes in a new environment with nothing but the base; empty when packages cannot be had."""
    uv = shutil.which("uv")
    with tempfile.TemporaryDirectory() as folder:
        if uv is not None:
            make = [uv, "venv", "--quiet", "--python", sys.executable, folder]
            fill = [uv, "pip", "install", "--quiet", "--no-compile", "--python", f"{folder}/bin/python"]
        else:
            make = [sys.executable, "-m", "venv", folder]
            fill = [f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "--no-compile"]
        if subprocess.run(make, check=False, capture_output=True).returncode:
            return {}
        site = next(Path(folder).glob("lib/python*/site-packages"))
        before = {path.name for path in site.iterdir()}
        if subprocess.run([*fill, *_base_requirements()], check=False, capture_output=True).returncode:
            return {}
        sizes = {"opportune itself": _size(ROOT / "src" / "opportune")}
        for path in site.glob("*.dist-info"):
            if path.name not in before:
                found = Distribution.at(path)
                sizes[found.metadata["Name"]] = _size_of(found)
        return sizes


def _base_requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return list(project["dependencies"])


def _sizes_here() -> dict[str, int]:
    """The same from this environment: the base's packages and those they need."""
    wanted = [_name(requirement) for requirement in _base_requirements()]
    sizes = {"opportune itself": _size(ROOT / "src" / "opportune")}
    while wanted:
        name = wanted.pop()
        if name in sizes:
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        sizes[name] = _size_of(found)
        wanted += [_name(each) for each in found.requires or () if "extra ==" not in each]
    return sizes


def _name(requirement: str) -> str:
    return re.split(r"[ <>=!~;\[(]", requirement, maxsplit=1)[0]


def _size_of(found: Distribution) -> int:
    """All its files without byte code, which every machine makes for itself."""
    files = (Path(str(found.locate_file(file))) for file in found.files or ())
    return sum(path.stat().st_size for path in files if path.exists() and "__pycache__" not in path.parts)


def _size(folder: Path) -> int:
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
