"""A circuit breaker: after several failures in a row nobody waits for Opportune for some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

FAILURES = 5
REST_SECONDS = 5.0


class Breaker:
    """Closed while things go well. Once it opened, one question every few seconds finds out whether they do again."""

    def __init__(
        self,
        failures: int = FAILURES,
        rest_seconds: float = REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._rest_seconds, self._clock = failures, rest_seconds, clock
        self._lock = Lock()
        self._failed = 0
        self._rests_until = 0.0

    def allows(self) -> bool:
        """Whether this question may be asked; the one that is let through after a rest starts the next rest."""
        if self._failed < self._most:
            return True
        with self._lock:
            now = self._clock()
            if now < self._rests_until:
                return False
            self._rests_until = now + self._rest_seconds
            return True

    def succeed(self) -> None:
        self._failed = 0

    def fail(self) -> bool:
        """One more failure; whether it opened the breaker."""
        with self._lock:
            self._failed += 1
            if self._failed < self._most:
                return False
            self._rests_until = self._clock() + self._rest_seconds
            return self._failed == self._most
