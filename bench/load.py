"""Load on a server: `wrk` where it is installed, else a small generator of our own; always bounded by seconds.

Both hold their connections open and send the next request when the answer is there. For half the saturating
load every connection thinks for a random while before it asks again.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bench.machine import LOAD_CORE, pinned

SCRIPT = """
local number = {first}
local function body()
  local visitor
  if {is_sequential} then visitor = number; number = number + 1
  else visitor = {first} + math.random(0, {visitors} - 1) end
  return string.format([[{before}%012d{after}]], visitor)
end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-API-Key"] = "{key}"
request = function() return wrk.format(nil, "{path}", nil, body()) end
{delay}
done = function(summary, latency, requests)
  io.write(string.format('\\n{{"requests":%d,"us":%d,"p50":%d,"p99":%d,"max":%d,"errors":%d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status
    + summary.errors.timeout))
end
"""
THINK = "delay = function() return math.random(0, {twice_ms}) end"


@dataclass(frozen=True)
class Load:
    """Whom to ask for and how; `template` is the body with `%` where the visitor's number stands."""

    path: str
    key: str
    before: str
    after: str
    first: int
    visitors: int
    is_sequential: bool = False


@dataclass(frozen=True)
class Felt:
    """What the load felt: requests a second and latencies in milliseconds; and the server's time for a request."""

    rate: float
    p50: float
    p99: float
    longest: float
    errors: int
    requests: int = 0
    cpu_us: float = 0.0


def tool() -> str:
    return "wrk" if shutil.which("wrk") else "bench/load.py (install `wrk` for steadier figures)"


def put_load(port: int, load: Load, *, seconds: float, connections: int, rate: float | None = None) -> Felt:
    """Saturates, or with `rate` keeps to about that many requests a second by thinking in between."""
    if shutil.which("wrk"):
        return _wrk(port, load, seconds, connections, rate)
    return _own(port, load, seconds, connections, rate)


def _wrk(port: int, load: Load, seconds: float, connections: int, rate: float | None) -> Felt:
    delay = "" if rate is None else THINK.format(twice_ms=round(2_000 * connections / rate))
    script = SCRIPT.format(
        first=load.first,
        visitors=load.visitors,
        is_sequential=str(load.is_sequential).lower(),
        before=load.before,
        after=load.after,
        key=load.key,
        path=load.path,
        delay=delay,
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", file.name]
        command.append(f"http://127.0.0.1:{port}")
        finished = subprocess.run(pinned(LOAD_CORE, command), capture_output=True, text=True, check=True)
    found = json.loads(finished.stdout.strip().splitlines()[-1])
    return Felt(
        rate=found["requests"] / found["us"] * 1e6,
        p50=found["p50"] / 1_000,
        p99=found["p99"] / 1_000,
        longest=found["max"] / 1_000,
        errors=found["errors"],
        requests=found["requests"],
    )


def _own(port: int, load: Load, seconds: float, connections: int, rate: float | None) -> Felt:
    """In a process of its own, so that it can be held to its core."""
    order = {**load.__dict__, "port": port, "seconds": seconds, "connections": connections, "rate": rate}
    command = [sys.executable, "-m", "bench.load", json.dumps(order)]
    root = Path(__file__).resolve().parents[1]
    finished = subprocess.run(
        pinned(LOAD_CORE, command), capture_output=True, text=True, check=True, cwd=root
    )
    return Felt(**json.loads(finished.stdout))


class Connection:
    """One kept connection to the server, for requests one after another."""

    def __init__(self, port: int, key: str) -> None:
        self.port, self.key = port, key
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def open(self) -> Connection:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        lines = answer.split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line[:15].lower() == b"content-length:")
        return int(lines[0].split()[1]), await self.reader.readexactly(length)

    def close(self) -> None:
        self.writer.close()


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


async def _generate(order: dict[str, object]) -> Felt:
    import random  # noqa: PLC0415 - only where this generator stands in for wrk

    load = Load(**{name: order[name] for name in Load.__dataclass_fields__})  # type: ignore[arg-type]
    rate, count = order["rate"], int(str(order["connections"]))
    until = perf_counter() + float(str(order["seconds"]))
    waits: list[float] = []
    errors = 0
    numbers: Iterator[int] = iter(range(load.first, 2**40))

    async def ask() -> None:
        nonlocal errors
        connection = await Connection(int(str(order["port"])), load.key).open()
        while perf_counter() < until:
            if rate is not None:
                await asyncio.sleep(random.random() * 2 * count / float(str(rate)))
            visitor = next(numbers) if load.is_sequential else load.first + random.randrange(load.visitors)
            started = perf_counter()
            status, _ = await connection.post(load.path, f"{load.before}{visitor:012d}{load.after}".encode())
            waits.append((perf_counter() - started) * 1_000)
            errors += status != 200
        connection.close()

    started = perf_counter()
    await asyncio.gather(*(ask() for _ in range(count)))
    taken = perf_counter() - started
    return Felt(
        len(waits) / taken, percentile(waits, 0.5), percentile(waits, 0.99), max(waits), errors, len(waits)
    )


if __name__ == "__main__":
    import uvloop

    felt = uvloop.run(_generate(json.loads(sys.argv[1])))
    print(json.dumps(felt.__dict__))
