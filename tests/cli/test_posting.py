"""Mails handed to a real mail server: over TLS or not, with a password or a wrong one, and what refusals say."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.mail_server import PASSWORD, USER, mail_server, part

from opportune.app.mailing import mail_server_of
from opportune.errors import BadRequestError, MailError
from opportune.process.posting import Mail, MailServer, post
from opportune.settings import Settings

NOW = 1_795_355_000_000
MAIL = Mail("Größe 44: it earns\n(8% more)", "<p>It earns: 8&nbsp;%</p>", "It earns: 8%", "week-1")
TO = "Mia <mia@shop.example>, tom@shop.example"


def to(port: int, **other: object) -> MailServer:
    made = Settings(
        mail_host="127.0.0.1",
        mail_port=port,
        mail_to=TO,
        **{"mail_encryption": "none", "mail_from": USER, **other},
    )
    found = mail_server_of(made)
    assert found is not None
    return found


def test_a_mail_arrives_with_both_forms_and_its_words_whole(tmp_path: Path) -> None:
    with mail_server(tmp_path) as box:
        assert post(MAIL, to(box.port), NOW) == ()
    (mail,) = box.mails
    assert mail["Subject"] == "Größe 44: it earns (8% more)"
    assert (mail["From"], mail["To"]) == (USER, TO)
    assert mail["Message-ID"] == "<week-1@shop.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"
    assert [each.get_content_type() for each in mail.iter_parts()] == ["text/plain", "text/html"]
    assert (part(mail, "plain").strip(), part(mail, "html").strip()) == (MAIL.text, MAIL.html)
    assert box.recipients == [["mia@shop.example", "tom@shop.example"]]


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # where TLS comes first, aiosmtpd does not see it
@pytest.mark.parametrize("encryption", ["starttls", "tls"])
def test_a_mail_and_its_password_go_over_a_connection_nobody_reads(tmp_path: Path, encryption: str) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    with mail_server(tmp_path, encryption=encryption, password=PASSWORD) as box:
        post(
            MAIL,
            to(
                box.port,
                mail_encryption=encryption,
                mail_authorities=box.authorities,
                mail_user=USER,
                mail_password_file=str(secret),
            ),
            NOW,
        )
    assert len(box.mails) == 1


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    with (
        mail_server(tmp_path, encryption="starttls") as box,
        pytest.raises(MailError, match="cannot be trusted"),
    ):
        post(MAIL, to(box.port, mail_encryption="starttls"), NOW)
    assert box.mails == []


def test_a_server_without_encryption_gets_nothing_that_wants_it(tmp_path: Path) -> None:
    with mail_server(tmp_path) as box, pytest.raises(MailError, match="OPPORTUNE_MAIL_ENCRYPTION"):
        post(MAIL, to(box.port, mail_encryption="starttls"), NOW)


def test_a_refused_password_is_said_without_the_password(tmp_path: Path) -> None:
    with mail_server(tmp_path, encryption="starttls", password=PASSWORD) as box:
        server = to(
            box.port,
            mail_encryption="starttls",
            mail_authorities=box.authorities,
            mail_user=USER,
            mail_password="wrong horse",
        )
        with pytest.raises(MailError, match="refused the user or the password") as refused:
            post(MAIL, server, NOW)
    assert "wrong horse" not in str(refused.value)
    assert box.mails == []


def test_who_is_refused_is_named_and_the_others_get_it(tmp_path: Path) -> None:
    with mail_server(tmp_path) as box:
        box.strangers = {"tom@shop.example"}
        assert post(MAIL, to(box.port), NOW) == ("tom@shop.example",)
        box.strangers |= {"mia@shop.example"}
        with pytest.raises(MailError, match=r"takes no mail for mia@shop.example, tom@shop.example"):
            post(MAIL, to(box.port), NOW)


def test_a_refusal_and_silence_are_said_in_words(tmp_path: Path, free_port: int) -> None:
    with mail_server(tmp_path) as box:
        box.refuses = "552 the mailbox is full"
        with pytest.raises(MailError, match="552 the mailbox is full"):
            post(MAIL, to(box.port), NOW)
    with pytest.raises(MailError, match="cannot be reached"):
        post(MAIL, to(free_port), NOW)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"mail_to": ""}, "nobody to go to"),
        ({"mail_from": ""}, "no sender"),
        ({"mail_to": "mia"}, "'mia' is no mail address"),
        ({"mail_from": "a@b\r\nBcc: x@y"}, "is no mail address"),
        ({"mail_host": "mail.example", "mail_user": USER}, "anybody can read"),
        ({"mail_password_file": "/nowhere/at/all"}, "cannot be read from /nowhere/at/all"),
        ({"mail_to": ",".join(["a@b.example"] * 51)}, "names 51 addresses; at most 50"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(other: dict[str, str], words: str) -> None:
    made = {"mail_host": "127.0.0.1", "mail_to": TO, "mail_from": USER, "mail_encryption": "none", **other}
    with pytest.raises(BadRequestError, match=words):
        mail_server_of(Settings(**made))


def test_without_a_mail_server_no_mail_is_wanted() -> None:
    assert mail_server_of(Settings()) is None
