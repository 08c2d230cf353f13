"""The endpoint to compare with on PostgreSQL: Starlette, one psycopg read of the same timeline, an answer as JSON."""

from __future__ import annotations

import gc
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import uvicorn
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.bare import DAYS_90_MS, Asked, Shown, Value
from opportune.core.history.key import key_of, lane_of

TIMELINE = """SELECT occurred_at, seq, name, source, line FROM events
WHERE lane = %s AND key = %s AND class IN (0, 1) AND occurred_at >= %s LIMIT 500"""
CONNECTIONS = 8


def application(url: str) -> Starlette:
    decoder, encode = msgspec.json.Decoder(Asked), msgspec.json.Encoder().encode
    options = {"autocommit": True, "prepare_threshold": 0}
    pool = AsyncConnectionPool(url, kwargs=options, min_size=CONNECTIONS, max_size=CONNECTIONS, open=False)

    async def answer(request: Request) -> Response:
        asked = decoder.decode(await request.body())
        key = key_of("anonymous", asked.anonymous_id)
        since = time.time_ns() // 1_000_000 - DAYS_90_MS
        async with pool.connection() as connection:
            rows = await (await connection.execute(TIMELINE, (lane_of(key), key, since))).fetchall()
        token = "x" * 180
        shown = {
            place: Shown(
                Value(), "Promise", "SPLIT", rows[0][2] if rows else "", token, "2026-11-29T10:00:00Z"
            )
            for place in asked.slots
        }
        body = encode({"revision": "0123456789ab", "decisions": shown})
        return Response(body, media_type="application/json")

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await pool.open(wait=True)
        yield
        await pool.close()

    return Starlette(routes=[Route("/read", answer, methods=["POST"])], lifespan=lifespan)


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=2_048)
    config = uvicorn.Config(
        application(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)  # as the real server: the comparison is about what they do
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
