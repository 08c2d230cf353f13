"""`opportune mail` and the server's Monday mail: looked at in a file, sent to a real mail server, once a week."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from tests.cli.test_report_command import FILES, Seed, seed
from tests.mail_server import MailBox, mail_server, part
from tests.serving import ServerProcess, done, run_command

from opportune.app.clock import now_ms
from opportune.app.house import opened_house
from opportune.core.note import Note
from opportune.process.place import Place
from opportune.services.learnings.mailing import STATE, MailState, is_weekly_due
from opportune.services.publishing import publish

__all__ = ["seed"]
FULL = {"sums": {"people": (1000, 1000), "bought": (20, 30), "is_frozen": True}}
ZONES = ("Pacific/Kiritimati", "Etc/GMT+12", "UTC")


class Html(HTMLParser):
    """What mail programs care about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name in {"src", "href", "onclick"}]

    def handle_data(self, data: str) -> None:
        self.words += data


def through(box: MailBox) -> dict[str, str]:
    return {
        "OPPORTUNE_MAIL_HOST": "127.0.0.1",
        "OPPORTUNE_MAIL_PORT": str(box.port),
        "OPPORTUNE_MAIL_ENCRYPTION": "none",
        "OPPORTUNE_MAIL_FROM": "opportune@shop.example",
        "OPPORTUNE_MAIL_TO": "mia@shop.example",
    }


def words_of(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_a_preview_is_a_mail_any_program_shows_and_says_the_same_as_its_plain_twin(seed: Seed) -> None:
    folder = seed(**FULL)
    printed = done("mail", "--data", folder, "--preview", folder / "mail.html")
    assert "Subject: Test shop: is it earning? No control group tells; 1 test to keep" in printed
    html, text = (folder / "mail.html").read_text(), (folder / "mail.txt").read_text()
    read = Html(html)
    assert not {"svg", "img", "script", "link", "form"} & set(read.tags)
    assert len(html) < 90_000, "Gmail cuts a mail off at 102 kB"
    for words in (
        "Is it earning? Cannot be told, there is no control group.",
        "Keep it: 50% more orders within 7 days",
        "What to do next",
        'opportune report "Viewed something"',
    ):
        assert words in words_of(read.words)
        assert words in words_of(text)
    assert max(map(len, text.splitlines())) <= 78
    for state in read.tags, html:
        assert "None" not in state
        assert "nan" not in state


def test_a_preview_of_nothing_says_where_to_begin(tmp_path: Path) -> None:
    with opened_house(Place(tmp_path)):
        pass
    done("mail", "--data", tmp_path, "--preview", tmp_path / "mail.txt")
    assert "opportune recipes" in (tmp_path / "mail.txt.txt").read_text()


def test_a_mail_is_sent_when_asked_for(seed: Seed, tmp_path: Path) -> None:
    folder = seed(**FULL)
    with mail_server(tmp_path) as box:
        printed = done("mail", "--data", folder, "--send", **through(box))
        assert "Every Monday at 7" in done("mail", "--data", folder, **through(box))
    assert printed.startswith("Sent to mia@shop.example: Test shop: ")
    (mail,) = box.mails
    assert "Keep it: 50% more orders within 7 days" in words_of(part(mail, "plain"))
    assert "Keep it: 50% more orders within 7 days" in words_of(Html(part(mail, "html")).words)


def test_what_is_missing_or_refused_is_one_line(seed: Seed, tmp_path: Path) -> None:
    folder = seed(**FULL)
    refused = run_command("mail", "--data", folder, "--send")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "OPPORTUNE_MAIL_HOST" in refused.stderr
    with mail_server(tmp_path) as box:
        box.refuses = "552 the mailbox is full"
        refused = run_command("mail", "--data", folder, "--send", **through(box))
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "The mail was not sent" in refused.stderr
    assert "552 the mailbox is full" in refused.stderr


def test_a_server_sends_mondays_mail_once_also_over_a_restart_and_a_failure(
    seed: Seed, tmp_path: Path, free_port: int
) -> None:
    folder = seed(**FULL)
    make_due(folder)
    with mail_server(tmp_path) as box:
        with ServerProcess(folder, **{**through(box), "OPPORTUNE_MAIL_PORT": str(free_port)}) as server:
            wait_until(server, "mail_failed")
            assert server.get("/health/ready")[0] == 200
            assert "cannot be reached" in done("mail", "--data", folder)
        make_due(folder)
        with ServerProcess(folder, **through(box)):
            (mail,) = box.wait_for(1)
            until_noted(folder)
    with opened_house(Place(folder)) as house:
        assert not is_weekly_due(house)
    assert len(box.mails) == 1
    assert mail["Subject"] == "Test shop: is it earning? No control group tells; 1 test to keep"
    assert re.fullmatch(r"<opportune-\d{4}-\d\d-\d\d-[0-9a-f]{12}@shop.example>", mail["Message-ID"])


def wait_until(server: ServerProcess, words: str) -> None:
    until = time.monotonic() + 60
    while words not in server.printed():
        assert time.monotonic() < until, server.printed()
        time.sleep(0.1)


def make_due(folder: Path) -> None:
    """As if the last mail had gone out weeks ago, in a zone where it is not Monday before seven now."""
    now = datetime.now(UTC)
    local = {zone: now.astimezone(ZoneInfo(zone)) for zone in ZONES}
    zone = next(name for name, at in local.items() if at.weekday() != 0 or at.hour >= 7)
    text = msgspec.json.encode(MailState(week="2026-01-05")).decode()
    with opened_house(Place(folder)) as house:
        publish(house, {**FILES, "team.yaml": f"{FILES['team.yaml']}time zone: {zone}\n"})
        house.storage.write(lambda transaction: transaction.put_setting(STATE, text)).result()


def until_noted(folder: Path) -> None:
    until = time.monotonic() + 60
    while "Last sent" not in done("mail", "--data", folder):
        assert time.monotonic() < until


def test_a_rule_that_was_switched_off_is_mailed_at_once(seed: Seed, tmp_path: Path) -> None:
    folder = seed(**FULL)
    words = "“Viewed something” was switched off: its product is sold out."
    note = Note(
        at=now_ms(),
        kind="switched off",
        words=words,
        once="x",
        rules=("Viewed something",),
        did="It shows nothing.",
    )
    with opened_house(Place(folder)) as house:
        text = msgspec.json.encode(MailState(notes_since_at=1)).decode()
        house.storage.write(lambda transaction: transaction.put_setting(STATE, text)).result()
        house.storage.write(lambda transaction: transaction.add_note(note)).result()
    with mail_server(tmp_path) as box, ServerProcess(folder, **through(box)):
        mails = box.wait_for(1)
    off = next(mail for mail in mails if "switched itself off" in mail["Subject"])
    assert off["Subject"] == "Test shop: “Viewed something” switched itself off"
    for kind in ("plain", "html"):
        assert f"{words} It shows nothing." in words_of(Html(part(off, kind)).words)
        assert 'opportune report "Viewed something"' in words_of(Html(part(off, kind)).words)
    previewed = done("mail", "--data", folder, "--preview", folder / "mail.html")
    assert "Subject: Test shop: 1 rule switched off; " in previewed
    assert words in words_of((folder / "mail.txt").read_text())
