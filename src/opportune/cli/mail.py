"""`opportune mail`: the weekly mail to the team, looked at or sent now."""

from __future__ import annotations

import os
from pathlib import Path

import click

from opportune.app.clock import now_ms
from opportune.app.mailing import mail_server_of, weekly_mail
from opportune.cli.options import place_option
from opportune.cli.reading_at import read_at
from opportune.core.learnings.weekly import Weekly
from opportune.core.report.plain import moment_words
from opportune.errors import BadRequestError
from opportune.process.place import Place
from opportune.process.posting import Mail, post
from opportune.services.learnings.mailing import find_state
from opportune.services.learnings.telling import weekly
from opportune.services.standing import reading_house
from opportune.settings import from_environment


@click.command()
@place_option
@click.option(
    "--preview",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the mail into FILE as HTML, and its plain twin beside it as .txt.",
)
@click.option("--send", is_flag=True, help="Send it now; Monday's still comes.")
def mail(*, place: Place, file: Path | None, send: bool) -> None:
    """Say when the weekly mail to the team was sent, look at it, or send it now.

    A running server sends it every Monday at 7 in the team's time zone, once OPPORTUNE_MAIL_HOST,
    OPPORTUNE_MAIL_TO and what your mail server asks for are set.
    """
    if file is None and not send:
        _say(place)
        return
    now = now_ms()
    with read_at(place, must_exist=True) as storage:
        found = weekly(storage, now)
    if file is not None:
        _write(file, weekly_mail(found))
    if send:
        _send(found, now)


def _write(file: Path, made: Mail) -> None:
    plain = file.with_suffix(".txt")
    if plain == file:
        plain = file.with_name(f"{file.name}.txt")
    try:
        file.write_text(made.html, encoding="utf-8")
        plain.write_text(made.text, encoding="utf-8")
    except OSError as error:
        raise BadRequestError(wrong=f"Cannot write {error.filename}: {error.strerror}.") from None
    click.echo(f"Subject: {made.subject}")
    click.echo(f"Wrote {file} and {plain}")


def _send(found: Weekly, now: int) -> None:
    """As a mail of its own, beside Monday's."""
    server = mail_server_of(from_environment(os.environ))
    if server is None:
        wrong = "No mail server is named: set OPPORTUNE_MAIL_HOST, OPPORTUNE_MAIL_TO and what it asks for."
        raise BadRequestError(wrong=wrong)
    refused = post(weekly_mail(found, identifier=f"now-{now}"), server, now)
    taken = [address for address in server.recipients if address not in refused]
    click.echo(f"Sent to {', '.join(taken)}: {found.subject}")
    if refused:
        click.echo(f"{server.host} takes no mail for {', '.join(refused)}.", err=True)


def _say(place: Place) -> None:
    server = mail_server_of(from_environment(os.environ))
    with read_at(place, must_exist=True) as storage:
        state = find_state(storage)
        zone = reading_house(storage, now_ms()).programme.playbook.vocabulary.zone
    if server is None:
        click.echo("No mail server is named here: no weekly mail is sent. See OPPORTUNE_MAIL_HOST.")
    else:
        click.echo(
            f"Every Monday at 7, through {server.host}:{server.port}, to {', '.join(server.recipients)}."
        )
    click.echo(f"Last sent {moment_words(state.sent_at, zone)}." if state.sent_at else "None was sent yet.")
    if state.error:
        click.echo(f"Failing since the last one ({state.failures} times): {state.error}")
        click.echo(f"Tried again on {moment_words(state.next_at, zone)}.")
