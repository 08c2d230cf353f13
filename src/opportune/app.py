"""The composition root: the only file that names adapters and puts the house together from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import lru_cache, partial
from hashlib import sha256
from html import escape
from pathlib import Path
from threading import Event
from typing import NamedTuple

from starlette.types import Receive, Scope, Send

from opportune.console import mail_page, report_page
from opportune.console.pages import ConsoleApp, ConsoleOptions, File
from opportune.console.setting_up import create_console_app
from opportune.core.learnings.weekly import SwitchedOff, Weekly, plain_of, plain_switched_off
from opportune.core.programme import empty_programme
from opportune.errors import BadRequestError, PlaybookError
from opportune.http import script
from opportune.http.edge import EdgeOptions
from opportune.http.routes import HttpApp, create_http_app
from opportune.platforms import PLATFORMS, Filling, archive_of, files_of, text_of
from opportune.process.apart import Apart, ApartInTurn
from opportune.process.data_folder import DataFolder
from opportune.process.place import Place
from opportune.process.posting import Mail, MailServer, mail_server
from opportune.process.reader import ReadingProcess
from opportune.services.catalogue.cataloguing import refresh_catalogue
from opportune.services.house import House
from opportune.services.limiting import Rate, Rates
from opportune.services.moving import Store, check_whole
from opportune.services.operating import load_secret
from opportune.services.people.erasing import apply_erasures
from opportune.services.publishing import load_running
from opportune.settings import DEFAULTS, Settings
from opportune.storage.base import Storage
from opportune.storage.moving import TableRows, is_empty
from opportune.storage.personal import Erasure
from opportune.storage.sqlite import SqliteStorage
from opportune.storage.sqlite.erasing import read_beside
from opportune.storage.sqlite.moving import SqliteTables
from opportune.storage.sqlite.restoring import Contents
from opportune.storage.sqlite.restoring import restore as restore_store

head_block = script.head_block
"""What stands in a page's head, for commands that print it."""
script_hash = script.head_hash
BANNERS = script.BANNERS
report_html = report_page.report_html
"""A report as one self-contained page, for the command that writes it into a file."""
overview_html = report_page.overview_html

BURST_SECONDS = 20
"""A limit of so many requests a second may be used up for this long at once."""


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


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def open_storage(place: Place) -> Storage:
    """The place's store. That of a folder is for the one process that holds its lock."""
    return _open_database(place.database) if place.database else SqliteStorage(place.folder.store)


def open_reading(place: Place) -> Storage:
    """The same store for reading only, from any process."""
    if place.database:
        return _open_database(place.database, read_only=True)
    return SqliteStorage(place.folder.store, read_only=True)


def _open_database(url: str, *, read_only: bool = False) -> Storage:
    """Raises BadRequestError where the extra for it is not installed."""
    with _extra():
        from opportune.storage.postgres import PostgresStorage  # noqa: PLC0415 - an extra, and slow to load
    return PostgresStorage(url, read_only=read_only)


def _open_tables(place: Place) -> TableRows:
    """The rows of a place's store, for a move."""
    if not place.database:
        return SqliteTables(place.folder.store)
    with _extra():
        from opportune.storage.postgres.moving import PostgresTables  # noqa: PLC0415 - as above
    return PostgresTables(place.database)


def distribute_database(url: str) -> Iterator[str]:
    """Spreads a database's tables over a cluster's machines; names each as it is done."""
    with _extra():
        from opportune.storage.postgres.distribution import distribute  # noqa: PLC0415 - as above
    return distribute(url)


@contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ImportError:
        wrong = "PostgreSQL needs an extra: pip install 'opportune[postgres]'."
        raise BadRequestError(wrong=wrong) from None


def back_up(folder: DataFolder, target: Path) -> None:
    """A copy of the whole store as of one moment, beside a server that goes on working; only its owner reads it."""
    storage = SqliteStorage(folder.store, read_only=True)
    partial_copy = target.with_name(f"{target.name}.partial")
    partial_copy.unlink(missing_ok=True)
    partial_copy.touch(mode=0o600)
    try:
        storage.backup(partial_copy)
    finally:
        storage.close()
    partial_copy.rename(target)


class Restored(NamedTuple):
    """What a backup held, and how many ids of people erased since have left again; None where no list was found."""

    contents: Contents
    erased: int | None


def restore(file: Path, folder: DataFolder, erasures: Sequence[Erasure] = ()) -> Restored:
    """The folder's store becomes a copy of a backup. Raises BadRequestError where it holds something already.

    Whoever was erased since is erased again, by the list that lies in the folder and by `erasures`.
    """
    with folder.lock():
        if folder.exists:
            with closing(SqliteTables(folder.store)) as tables, closing(SqliteStorage(folder.store)):
                if not is_empty(tables):
                    raise BadRequestError(wrong=f"There is an installation in {folder.path} already.")
        listed = [*read_beside(folder.store), *erasures]
        contents = restore_store(file, folder.store)
        if not listed:
            return Restored(contents, None)
        with closing(SqliteStorage(folder.store)) as storage:
            return Restored(contents, apply_erasures(build_house(storage), listed))


@contextmanager
def opened_for_moving(place: Place) -> Iterator[Store]:
    """A place's store with its rows. Raises DataFolderBusyError or BadRequestError while somebody works there."""
    with (
        nullcontext() if place.database else place.folder.lock(),
        closing(_open_tables(place)) as tables,
        opened_store(place) as storage,
    ):
        yield Store(storage, tables)


def build_house(
    storage: Storage,
    *,
    clock: Callable[[], int] = now_ms,
    settings: Settings = DEFAULTS,
    on_unreadable: Callable[[PlaybookError], None] = lambda _error: None,
) -> House:
    """A house over an open store: its secret, and the programme that runs there."""
    check_whole(storage)
    house = House(
        storage=storage,
        clock=clock,
        secret=load_secret(storage),
        programme=empty_programme(),
        deadline_seconds=settings.deadline_ms / 1_000,
    )
    refresh_catalogue(house)
    try:
        load_running(house)
    except PlaybookError as error:  # written for an engine of another version; the house works without
        on_unreadable(error)
    return house


@contextmanager
def opened_store(place: Place) -> Iterator[Storage]:
    storage = open_storage(place)
    try:
        yield storage
    finally:
        storage.close()


@contextmanager
def opened_house(place: Place, *, settings: Settings = DEFAULTS) -> Iterator[House]:
    """The house for a command that works on the place itself: no server runs on the folder, or any may."""
    with (
        nullcontext() if place.database else place.folder.lock(wait_seconds=5.0),
        opened_store(place) as storage,
    ):
        yield build_house(storage, settings=settings)


def build_reader(place: Place, settings: Settings) -> ReadingProcess:
    return ReadingProcess(partial(open_reading, place), nice=settings.reader_nice)


def build_apart(place: Place, settings: Settings, ends: Event) -> Apart:
    return Apart(partial(open_reading, place), nice=settings.reader_nice, ends=ends)


def build_http_app(house: House, reader: ReadingProcess, apart: Apart, settings: Settings) -> HttpApp:
    return create_http_app(house, reader, ApartInTurn(apart), edge_options(settings))


def build_console_app(house: House, reader: ReadingProcess, settings: Settings) -> ConsoleApp:
    options = ConsoleOptions(
        url=settings.url.rstrip("/"),
        is_default_url=settings.url == DEFAULTS.url,
        trusts_proxy=settings.trusts_proxy,
        snippet=snippet_of,
        files=files_to_paste,
    )
    return create_console_app(house, reader, options)


class Edges:
    """Both edges on one port: the console below its own path, the JSON edge everywhere else."""

    def __init__(self, http: HttpApp, console: ConsoleApp) -> None:
        self.http = http
        self.console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_console = scope["type"] == "http" and self.console.knows(scope["path"])
        await (self.console if is_console else self.http)(scope, receive, send)


@lru_cache(maxsize=4)
def files_to_paste(url: str, key: str) -> tuple[File, ...]:
    """What a shop or a tag manager is given, ready to paste or to upload."""
    filling = Filling(url, key, head_block())
    return tuple(
        File("woocommerce", "opportune.zip", "Plugins > Add New > Upload Plugin", archive_of(filling), True)
        if pasted.is_archive
        else File(
            platform,
            pasted.name,
            pasted.where or "Templates > New > Import",
            text_of(pasted, filling).encode(),
            platform == "tag-manager",
        )
        for platform in PLATFORMS
        for pasted in files_of(platform)
    )


def snippet_of(url: str, key: str, consent: str = "", hold: str = "", *, forms: bool = False) -> str:
    """What a site pastes into its head; `consent` names its banner, `hold` the places that keep their room."""
    more = {"consent": consent, "hold": hold}
    said = "".join(f' data-{name}="{escape(value)}"' for name, value in more.items() if value)
    beside = f'\n<script async src="{escape(url)}/forms.js"></script>' if forms else ""
    return (
        f"<script>{head_block()}</script>\n"
        f'<script async src="{escape(url)}/o.js" data-key="{escape(key)}"{said}></script>{beside}'
    )


def edge_options(settings: Settings) -> EdgeOptions:
    return EdgeOptions(
        rates=Rates(
            key=_rate(settings.key_rate, settings.workers),
            address=_rate(settings.address_rate, settings.workers),
            id=_rate(settings.id_rate, settings.workers),
        ),
        trusts_proxy=settings.trusts_proxy,
        country_header=settings.country_header,
        wants_metrics_key=settings.wants_metrics_key,
        data_folder="" if settings.database else settings.data,
    )


def _rate(per_second: float, workers: int) -> Rate:
    """What one of several processes lets pass, as each gets its share of the requests."""
    share = per_second / workers
    return Rate(share, round(share * BURST_SECONDS))
