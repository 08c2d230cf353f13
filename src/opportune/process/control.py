"""The control socket: how the server that runs on a data folder takes commands.

One JSON object a line each way: `{"command", "args"}` in, `{"ok": true, "result"}` or `{"ok": false,
"code", "error", "problems"}` out. Commands run one after another, in a thread beside the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import msgspec

from opportune.errors import OpportuneError, PlaybookError
from opportune.process.connection import Answer, Execute, Request

MAX_LINE_BYTES = 64 * 1024 * 1024


def answer(execute: Execute, line: bytes) -> bytes:
    """Runs one line; whatever goes wrong becomes an answer."""
    try:
        request = msgspec.json.decode(line, type=Request)
        given = Answer(ok=True, result=execute(request.command, request.args))
    except PlaybookError as error:
        given = Answer(ok=False, code=error.code, error=str(error), problems=error.problems)
    except OpportuneError as error:
        given = Answer(ok=False, code=error.code, error=str(error))
    except msgspec.DecodeError as error:
        given = Answer(ok=False, code="bad_request", error=f"The command cannot be read: {error}")
    except Exception as error:  # noqa: BLE001 - the server lives on whatever a command does
        given = Answer(ok=False, error=f"{type(error).__name__}: {error}")
    return msgspec.json.encode(given) + b"\n"


class ControlServer:
    """Listens while the server runs. Only the folder's owner can connect."""

    def __init__(self, execute: Execute, path: Path) -> None:
        self._execute = execute
        self._path = path
        self._turn = asyncio.Lock()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._talk, self._path, limit=MAX_LINE_BYTES)
        self._path.chmod(0o600)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ValueError, asyncio.CancelledError):
            while line := await reader.readline():
                async with self._turn:
                    given = await asyncio.to_thread(answer, self._execute, line)
                writer.write(given)
                await writer.drain()
        writer.close()
