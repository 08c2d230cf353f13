"""A real mail server on the loopback for tests: over TLS or not, with a password, and refusing on demand."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "opportune@shop.example", "correct horse"


class MailBox:
    """What came in. `refuses` answers instead of taking a mail; `strangers` are addresses it takes nothing for."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refuses = ""
        self.strangers: set[str] = set()
        self.port = 0
        self.authorities = ""
        self._came = threading.Condition()

    async def handle_RCPT(  # the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.strangers:
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuses:
            return self.refuses
        with self._came:
            self.mails.append(parsed(envelope.content or b""))
            self.recipients.append(envelope.rcpt_tos)
            self._came.notify_all()
        return "250 taken"

    def wait_for(self, count: int, seconds: float = 60.0) -> list[EmailMessage]:
        with self._came:
            assert self._came.wait_for(lambda: len(self.mails) >= count, seconds), "no mail came"
        return self.mails


def parsed(content: bytes | str) -> EmailMessage:
    raw = content if isinstance(content, bytes) else content.encode()
    message = BytesParser(policy=default).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    text: str = found.get_content()
    return text


@contextmanager
def mail_server(
    folder: Path, *, encryption: str = "none", password: str = "", port: int = 0
) -> Iterator[MailBox]:
    box = MailBox()
    context = _context(box, folder) if encryption != "none" else None
    options: dict[str, Any] = {}
    if password:
        options = {
            "authenticator": lambda _server, _session, _envelope, _mechanism, given: AuthResult(
                success=isinstance(given, LoginPassword)
                and (given.login, given.password) == (USER.encode(), password.encode()),
                handled=False,
            ),
            "auth_required": True,
            "auth_require_tls": encryption == "starttls",
        }
    if encryption == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    controller = _Controller(
        box, hostname="127.0.0.1", port=port, ssl_context=context if encryption == "tls" else None, **options
    )
    controller.start()
    try:
        assert controller.server is not None
        box.port = controller.server.sockets[0].getsockname()[1]
        yield box
    finally:
        controller.stop()


class _Controller(Controller):
    """With port 0 the one it got is known only after it listens."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def _context(box: MailBox, folder: Path) -> ssl.SSLContext:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    box.authorities = str(folder / "authority.pem")
    authority.cert_pem.write_to_path(box.authorities)
    return context
