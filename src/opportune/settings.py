"""Every setting of an installation with its default, on one screen.

Read by the command line and `app/` only. Each is also an environment variable: its name in capitals
after `OPPORTUNE_`. What the team decides about personalization stands in the playbook, not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from opportune.errors import BadRequestError

PREFIX = "OPPORTUNE_"

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Workers = Annotated[int, msgspec.Meta(ge=1, le=64)]
Rate = Annotated[float, msgspec.Meta(ge=0)]
Milliseconds = Annotated[int, msgspec.Meta(ge=1)]
Niceness = Annotated[int, msgspec.Meta(ge=0, le=19)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Hours = Annotated[float, msgspec.Meta(gt=0, le=8_760)]
Months = Annotated[int, msgspec.Meta(ge=0, le=1_200)]
Encryption = Literal["starttls", "tls", "none"]

FEWEST_MONTHS = 4
"""More than the 90 days of behaviour that decisions read; three months may be 89."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults as a small shop wants them."""

    data: str = ".data/opportune"
    database: str = ""
    workers: Workers = 1
    playbook: str = ""
    host: str = "127.0.0.1"
    port: Port = 8_400
    url: str = "http://127.0.0.1:8400"
    write_key: str = ""
    deadline_ms: Milliseconds = 50
    trusts_proxy: bool = False
    country_header: str = "cf-ipcountry"
    wants_metrics_key: bool = False
    key_rate: Rate = 5_000
    address_rate: Rate = 200
    id_rate: Rate = 50
    reader_nice: Niceness = 10
    watch_ms: Milliseconds = 500
    measure_seconds: Seconds = 60
    keep_months: Months = 13
    feed_url: str = ""
    feed_hours: Hours = 6
    mail_host: str = ""
    mail_port: Port = 587
    mail_encryption: Encryption = "starttls"
    mail_authorities: str = ""
    mail_user: str = ""
    mail_password: str = ""
    mail_password_file: str = ""
    mail_from: str = ""
    mail_to: str = ""

    def __post_init__(self) -> None:
        if 0 < self.keep_months < FEWEST_MONTHS:
            raise ValueError(
                f"0 (for ever) or at least {FEWEST_MONTHS}, as decisions read 90 days of behaviour"
            )


MEANINGS: Mapping[str, str] = {
    "data": "Folder with everything Opportune keeps, unless a database does",
    "database": "URL of the PostgreSQL database that keeps everything instead",
    "workers": "Processes that share the port; more than one needs a database",
    "playbook": "Folder with the playbook to publish at the start",
    "host": "Address to listen on",
    "port": "Port to listen on; 0 takes a free one",
    "url": "Where `replay` finds the server",
    "write_key": "Key with which `replay` sends",
    "deadline_ms": "Milliseconds after which a decision answers normal content",
    "trusts_proxy": "A proxy of ours writes X-Forwarded-For and the country header",
    "country_header": "Header in which that proxy states the visitor's country",
    "wants_metrics_key": "/metrics asks for a secret key with the scope `read`",
    "key_rate": "Requests a second through one write key; 0: no limit",
    "address_rate": "Requests a second from one public address; 0: no limit",
    "id_rate": "Requests a second for one visitor's id; 0: no limit",
    "reader_nice": "How far the reading process steps back behind deciding",
    "watch_ms": "Milliseconds between two looks for changes made elsewhere",
    "measure_seconds": "Seconds between two rounds of measuring tests; more where a round takes long",
    "keep_months": "Months after which behaviour and telemetry leave the store; 0: never",
    "feed_url": "Address of the shop's product feed, as it is made for shopping sites",
    "feed_hours": "Hours between two looks at the product feed",
    "mail_host": "Mail server (SMTP) that takes the weekly mail to the team; none: no mail is sent",
    "mail_port": "Its port: 587 with `starttls`, 465 with `tls`",
    "mail_encryption": "`starttls`, `tls` from the first byte, or `none` (this machine only, with a password)",
    "mail_authorities": "File with certificates to trust beside the system's, for a mail server of your own",
    "mail_user": "User at the mail server; none: it asks for none",
    "mail_password": "Password at the mail server",
    "mail_password_file": "File with that password, for what keeps secrets in files",
    "mail_from": "Who the mail is from; the user where that is an address",
    "mail_to": "Whom it goes to, addresses with commas between",
}
DEFAULTS = Settings()

_IN_WORDS = {"`int`": "a whole number", "`float`": "a number", "`bool`": "true or false", "`str`": "text"}


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Defaults overridden by `OPPORTUNE_...` variables; empty ones count as absent.

    Raises BadRequestError that names the variable.
    """
    given = {
        name: value
        for name in Settings.__struct_fields__
        if (value := environment.get(variable_of(name), "").strip())
    }
    for name, value in given.items():
        try:
            msgspec.convert({name: value}, Settings, strict=False)
        except msgspec.ValidationError as error:
            wrong = f"{variable_of(name)}={value!r}: {_in_words(str(error))}"
            raise BadRequestError(wrong=wrong) from None
    return msgspec.convert(given, Settings, strict=False)


def variable_of(name: str) -> str:
    return PREFIX + name.upper()


def _in_words(error: str) -> str:
    text = error.partition(" - at")[0]
    for technical, words in _IN_WORDS.items():
        text = text.replace(technical, words)
    return text


def reference_page() -> str:
    """`docs/reference/settings.md`, whole."""
    rows = [
        f"| `{variable_of(name)}` | {_shown(getattr(DEFAULTS, name))} | {meaning} |"
        for name, meaning in MEANINGS.items()
    ]
    return _PAGE.format(rows="\n".join(rows))


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "`true`" if default else "`false`"
    return f"`{default}`" if default != "" else "-"


_PAGE = """# Settings

Each is an environment variable; a command offers the ones it uses as options too, and an option wins.
What is decided about visitors (rules, control group, consent) stands in the playbook instead.

| variable | default | meaning |
|---|---|---|
{rows}

Yes and no are written `true` and `false`. Every other option of a command is a variable too, named
after command and option: `OPPORTUNE_REPLAY_SPEED`. `opportune COMMAND --help` shows all names.
"""
