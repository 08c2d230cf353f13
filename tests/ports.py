"""Ports for servers that must be told theirs before they start: free, and nobody else's until they listen."""

from __future__ import annotations

import random
import socket

OURS = range(10_000, 20_000)
"""Below those that systems give to clients and to whoever asks for any: one of these is not given away meanwhile."""


def find_free_port() -> int:
    """A port of 127.0.0.1 which nobody listens on. Where a server can take port 0 itself, let it."""
    dice = random.SystemRandom()
    while True:
        port = dice.choice(OURS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
