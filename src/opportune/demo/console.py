"""The way from the shop into Opportune's own pages: a session there, opened for whoever looks at the demo.

A team opens one with the link that `opportune doctor --link` prints; here the shop does both, as everybody may look.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Sequence
from threading import Lock
from urllib.parse import urlsplit

from opportune.demo.rulebook import Rulebook

OPEN_SECONDS = 30
KEPT_SECONDS = 3_600
"""A session lasts longer; after so long the next visitor's is opened anew."""


class Console:
    """Opens a session, and gives its cookies to every visitor who goes there: they hold on every port."""

    def __init__(self, api_url: str, rulebook: Rulebook) -> None:
        self._address = api_url
        self._rulebook = rulebook
        self._cookies: Sequence[str] = ()
        self._until = 0.0
        self._lock = Lock()

    def find_cookies(self) -> Sequence[str]:
        """Whole `Set-Cookie` lines; none where no session could be opened."""
        with self._lock:
            if not self._cookies or time.monotonic() > self._until:
                self._cookies, self._until = self._open(), time.monotonic() + KEPT_SECONDS
            return self._cookies

    def _open(self) -> Sequence[str]:
        link = urlsplit(self._rulebook.make_link(self._address))
        if not link.query:
            return ()
        connection = http.client.HTTPConnection(link.netloc, timeout=OPEN_SECONDS)
        try:
            connection.request("POST", f"{link.path}?{link.query}")
            return connection.getresponse().headers.get_all("Set-Cookie") or ()
        except (OSError, http.client.HTTPException):
            return ()
        finally:
            connection.close()
