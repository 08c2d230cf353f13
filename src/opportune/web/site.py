"""What a site says once about its Opportune, and what one browser's request tells, whatever the framework."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote

from opportune.web.client import DECIDE_MS

THIRTEEN_MONTHS = 34_128_000
"""Seconds. Set once and never lengthened: where consent rules count, they count from the first visit."""
AHEAD_HEADERS = ("sec-purpose", "purpose", "x-purpose", "x-moz")
AHEAD = ("prefetch", "prerender", "preview")
PASSED_ON = ("user-agent", "accept-language", "sec-gpc", "sec-purpose", "purpose")
"""Headers of the browser that Opportune reads itself when it is asked with a write key."""
LONGEST_ID = 100
PERSONALIZE = "personalize"
_WITH_ADDRESS = re.compile(r"([?&][^=&]*=)[^&]*(?:@|%40)[^&]*", re.IGNORECASE)

Purposes = Iterable[str] | Mapping[str, bool] | None


@dataclass(frozen=True, kw_only=True)
class Site:
    """The settings of a helper. `key` is best a secret key with the scopes `decide` and `capture`.

    `user` tells the id of the customer who is logged in, as events name them; `consent` what a visitor agreed to
    (`["measure", "personalize"]`), or None where nobody asks. Both are given the framework's own request.
    """

    url: str
    key: str
    write_key: str = ""
    """The public key, for the page script."""
    user_token_secret: str = ""
    """Proves users where `key` is a write key; `opportune keys user-token-secret` prints it."""
    deadline_ms: float = DECIDE_MS
    id_cookie: str = "o_id"
    path: str = ""
    """Where this site serves Opportune's script and events itself, such as `/o/`; empty: nowhere."""
    country_header: str = ""
    """The header in which a proxy of yours states the visitor's country."""
    user: Callable[[Any], str | int | None] | None = None
    consent: Callable[[Any], Purposes] | None = None

    def __post_init__(self) -> None:
        if self.path and not (self.path.startswith("/") and self.path.endswith("/") and len(self.path) > 2):
            raise ValueError(f"path={self.path!r}: write a folder like /o/")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Site:
        """Raises ValueError that names what is missing or unknown."""
        known = {each.name for each in fields(cls)}
        for name in settings:
            if name not in known:
                near = get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
                raise ValueError(f"Opportune has no setting {name!r}; {hint}")
        missing = [name for name in ("url", "key") if not settings.get(name)]
        if missing:
            raise ValueError(f"Opportune's settings lack {' and '.join(missing)}")
        return cls(**settings)

    def user_token(self, user_id: str) -> str:
        """Proof of a user for whoever asks with the write key; empty without the secret."""
        if not self.user_token_secret or not user_id:
            return ""
        return hmac.new(self.user_token_secret.encode(), user_id.encode(), "sha256").hexdigest()


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    """What a browser asked this site for. Header names are lower-case."""

    url: str
    path: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_secure(self) -> bool:
        return self.url.startswith("https:")

    @property
    def is_ahead(self) -> bool:
        """Whether the browser loads the page before anybody asked for it."""
        said = (self.headers.get(name, "").lower() for name in AHEAD_HEADERS)
        return any(word in value for value in said for word in AHEAD)

    @property
    def refuses_measuring(self) -> bool:
        """Global Privacy Control: whatever was agreed to, this visit serves itself alone, as the page script has it."""
        return self.headers.get("sec-gpc", "") == "1"

    def passed_on(self) -> dict[str, str]:
        return {name: self.headers[name] for name in PASSED_ON if self.headers.get(name)}

    def id_in(self, cookie: str) -> str:
        """The visitor's id, if the browser brought one; what cannot be read is none, as the page script has it."""
        try:
            found = unquote(self.cookies.get(cookie, ""), errors="strict").strip()
        except UnicodeDecodeError:
            return ""
        return found if len(found) <= LONGEST_ID and found.isprintable() else ""


def without_addresses(url: str) -> str:
    """The address without values that hold somebody's e-mail address, and without its fragment."""
    return _WITH_ADDRESS.sub(r"\1", url.partition("#")[0])


def limited(agreed: Iterable[str] | None) -> list[str]:
    """What Global Privacy Control leaves of what was agreed to, or of all where nobody asks."""
    return [PERSONALIZE] if agreed is None or PERSONALIZE in agreed else []


def purposes_in(said: Purposes) -> list[str] | None:
    """What was agreed to as a list of purposes; None when nobody asks."""
    if said is None:
        return None
    if isinstance(said, Mapping):
        return [purpose for purpose, is_agreed in said.items() if is_agreed]
    return list(said.replace(",", " ").split() if isinstance(said, str) else said)
