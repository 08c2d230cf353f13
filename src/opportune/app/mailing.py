"""The team's mails, and the mail server that settings name."""

from __future__ import annotations

from hashlib import sha256

from opportune.console import mail_page
from opportune.core.learnings.plain_mail import plain_of, plain_switched_off
from opportune.core.learnings.switched_off import SwitchedOff
from opportune.core.learnings.weekly import Weekly
from opportune.process.posting import Mail, MailServer, mail_server
from opportune.settings import Settings


def weekly_mail(weekly: Weekly, identifier: str = "") -> Mail:
    """The weekly mail in both forms. Without an identifier it is that of its week, a second one is the same mail."""
    return Mail(
        subject=weekly.subject,
        html=mail_page.weekly_html(weekly),
        text=plain_of(weekly),
        identifier=f"opportune-{identifier or weekly.number}",
    )


def switched_off_mail(told: SwitchedOff) -> Mail:
    """The mail that tells of it at once."""
    return Mail(
        subject=told.subject,
        html=mail_page.switched_off_html(told),
        text=plain_switched_off(told),
        identifier=f"opportune-off-{sha256(repr(told).encode()).hexdigest()[:24]}",
    )


def mail_server_of(settings: Settings) -> MailServer | None:
    """None where no mail is wanted. Raises BadRequestError that names the setting to mend."""
    return mail_server(
        host=settings.mail_host,
        port=settings.mail_port,
        encryption=settings.mail_encryption,
        user=settings.mail_user,
        password=settings.mail_password,
        password_file=settings.mail_password_file,
        sender=settings.mail_from,
        recipients=settings.mail_to,
        authorities=settings.mail_authorities,
    )
