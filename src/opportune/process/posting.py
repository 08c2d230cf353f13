"""Posting a mail: one message with HTML and its plain twin, handed to a mail server over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Literal, NamedTuple

from opportune.errors import BadRequestError, MailError

SECONDS = 30.0
MOST_RECIPIENTS = 50
Encryption = Literal["starttls", "tls", "none"]


class MailServer(NamedTuple):
    """Where mails go out. `encryption`: `starttls` (usual, port 587), `tls` from the first byte (465), or `none`."""

    host: str
    port: int
    encryption: Encryption
    user: str
    password: str
    sender: str
    recipients: tuple[str, ...]
    authorities: str = ""
    """A file of certificates that are trusted beside the system's, for a mail server of one's own."""


class Mail(NamedTuple):
    """What a mail says, in both forms. `identifier` makes a second one recognizable as the same."""

    subject: str
    html: str
    text: str
    identifier: str


def mail_server(
    *,
    host: str, port: int, encryption: Encryption, user: str, password: str, password_file: str,
    sender: str, recipients: str, authorities: str = "",
) -> MailServer | None:  # fmt: skip
    """From settings; None where no mail is wanted. Raises BadRequestError that says what is missing or wrong."""
    if not host:
        return None
    to = tuple(address.strip() for address in recipients.split(",") if address.strip())
    sender = sender or (user if "@" in user else "")
    if not to:
        raise BadRequestError(wrong="The mail has nobody to go to: set OPPORTUNE_MAIL_TO=mia@shop.example.")
    if len(to) > MOST_RECIPIENTS:
        raise BadRequestError(
            wrong=f"OPPORTUNE_MAIL_TO names {len(to)} addresses; at most {MOST_RECIPIENTS}."
        )
    if not sender:
        raise BadRequestError(wrong="The mail has no sender: set OPPORTUNE_MAIL_FROM=opportune@shop.example.")
    for address in (sender, *to):
        _checked(address)
    if user and encryption == "none" and host not in {"localhost", "127.0.0.1", "::1"}:
        raise BadRequestError(
            wrong="A password is not sent over a connection that anybody can read: "
            "set OPPORTUNE_MAIL_ENCRYPTION to starttls or tls."
        )
    secret = password or (_read(password_file) if password_file else "")
    return MailServer(host, port, encryption, user, secret, sender, to, authorities)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        wrong = f"The mail password cannot be read from {path}: {error.strerror}."
        raise BadRequestError(wrong=wrong) from None


def _checked(text: str) -> Address:
    """Raises BadRequestError for what is no address."""
    name, address = parseaddr(text)
    user, _, domain = address.rpartition("@")
    if not (user and domain) or any(sign in text for sign in "\r\n"):
        raise BadRequestError(wrong=f"{text!r} is no mail address, such as mia@shop.example.")
    return Address(display_name=name, username=user, domain=domain)


def message_of(mail: Mail, server: MailServer, now: int) -> EmailMessage:
    """Plain first, then HTML, as readers take the last one they understand."""
    message = EmailMessage(policy=SMTP_POLICY)
    message["Subject"] = " ".join(mail.subject.split())
    message["From"] = _checked(server.sender)
    message["To"] = tuple(_checked(address) for address in server.recipients)
    message["Date"] = format_datetime(datetime.fromtimestamp(now / 1_000, UTC))
    message["Message-ID"] = f"<{mail.identifier}@{_checked(server.sender).domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def post(mail: Mail, server: MailServer, now: int) -> tuple[str, ...]:
    """Hands the mail over; who was refused although others were not. Raises MailError that says what to do."""
    message = message_of(mail, server, now)
    with _in_words(server), _connected(server) as connection:
        if server.encryption == "starttls":
            connection.starttls(context=_context(server))
        if server.user:
            connection.login(server.user, server.password)
        refused = connection.send_message(message)
    return tuple(refused)


@contextmanager
def _connected(server: MailServer) -> Iterator[smtplib.SMTP]:
    if server.encryption == "tls":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=SECONDS, context=_context(server)
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    try:
        connection.quit()
    except (smtplib.SMTPException, OSError):  # it has the mail
        connection.close()


def _context(server: MailServer) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if server.authorities:
        context.load_verify_locations(server.authorities)
    return context


@contextmanager
def _in_words(server: MailServer) -> Iterator[None]:
    """What a mail server or the way to it may refuse, as a sentence about what to mend."""
    where = f"{server.host}:{server.port}"
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        wrong = f"{where} refused the user or the password of {server.user!r} ({_said(error)})."
        raise MailError(wrong=wrong) from None
    except smtplib.SMTPRecipientsRefused as error:
        named = ", ".join(sorted(error.recipients))
        raise MailError(wrong=f"{where} takes no mail for {named}.") from None
    except smtplib.SMTPNotSupportedError:
        wrong = f"{where} does not offer what was asked for; look at OPPORTUNE_MAIL_ENCRYPTION and OPPORTUNE_MAIL_PORT."
        raise MailError(wrong=wrong) from None
    except smtplib.SMTPResponseException as error:
        raise MailError(wrong=f"{where} refused it ({_said(error)}).") from None
    except smtplib.SMTPException as error:
        raise MailError(wrong=f"{where} broke off: {error}.") from None
    except ssl.SSLError as error:
        wrong = f"the connection to {where} cannot be trusted or encrypted: {error.reason or error}."
        raise MailError(wrong=wrong) from None
    except OSError as error:
        raise MailError(wrong=f"{where} cannot be reached: {error.strerror or error}.") from None


def _said(error: smtplib.SMTPResponseException) -> str:
    words = error.smtp_error
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    return f"{error.smtp_code} {' '.join(text.split())[:200]}"
