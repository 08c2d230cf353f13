"""`opportune demo`: a server, a shop in front of it, and sixty days of seeded traffic, in one command.

Everything lies in one folder that `--reset` empties. The shop runs in a process of its own and speaks to
the server over HTTP only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread

import click
import msgspec

import opportune
from opportune import server
from opportune.cli.demo_past import live_through
from opportune.cli.printing import fail
from opportune.cli.serve import publish_at_start, say_unreadable
from opportune.core.product import Product
from opportune.demo.catalogue import PRODUCTS
from opportune.demo.catalogue import Product as Sold
from opportune.errors import BadRequestError, NotFoundError, UnknownKeyError
from opportune.process.data_folder import DataFolder
from opportune.process.place import Place, check_database
from opportune.services.authorizing import KeyKind, authorize
from opportune.services.catalogue.cataloguing import put_products
from opportune.services.house import House
from opportune.services.operating import add_key, revoke_key
from opportune.settings import Settings, from_environment

PLAYBOOK = Path(opportune.__file__).parent / "demo" / "playbook"
STATE = "demo.json"
PORTS_TRIED = 20
SHOP_SECONDS = 120.0
READY_SECONDS = 10.0
NO_LIMIT = 0


class State(msgspec.Struct, kw_only=True):
    """What a demo folder remembers between starts."""

    write_key: str
    secret_key: str
    is_seeded: bool = False


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=".data/demo",
    show_default=True,
    help="Where the demo keeps everything.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8_500, show_default=True, help="The shop's port."
)
@click.option(
    "--api-port", type=click.IntRange(0, 65_535), default=8_400, show_default=True, help="The server's port."
)
@click.option(
    "--days", type=click.IntRange(0, 365), default=60, show_default=True, help="Days of past traffic."
)
@click.option(
    "--visitors", type=click.IntRange(1), default=1_000, show_default=True, help="Visitors a day in it."
)
@click.option(
    "--database",
    metavar="URL",
    default="",
    envvar="OPPORTUNE_DEMO_DATABASE",
    callback=lambda _context, _option, url: check_database(url) if url else "",
    help="Keep its events in this PostgreSQL database instead of the folder.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Server processes; with --database.",
)
@click.option("--reset", is_flag=True, help="Start over: forget everything the demo kept.")
@click.option(
    "--open/--no-open", "opens", default=None, help="Open the shop in a browser; on a terminal, yes."
)
def demo(
    *,
    folder: Path,
    host: str,
    port: int,
    api_port: int,
    days: int,
    visitors: int,
    database: str,
    workers: int,
    reset: bool,
    opens: bool | None,
) -> None:
    """Start the demo shop.

    Look around in it, and see why each place shows what it shows.
    """
    started = time.monotonic()
    folder = folder.absolute()
    if reset and database:
        fail("--reset forgets a folder, not a database. Make a new database for a demo that starts over.")
    if reset:
        forget(folder)
    place = Place(folder / "data", database)
    machine = from_environment(os.environ)
    settings = Settings(
        deadline_ms=machine.deadline_ms,
        reader_nice=machine.reader_nice,
        data=str(place.data),
        database=database,
        workers=workers if database else 1,
        host=host,
        port=free_port(host, api_port),
        key_rate=NO_LIMIT,
        address_rate=NO_LIMIT,
        id_rate=NO_LIMIT,
    )
    shop = ShopProcess(folder, host, free_port(host, port, but=settings.port), place)

    def prepare(house: House) -> None:
        state = prepare_folder(house, folder)
        put_products(house, [product_of(each) for each in PRODUCTS.values()])
        publish = partial(publish_at_start, house, folder / "playbook", place)
        if not state.is_seeded:
            seed(house, days=days, visitors=visitors, publish=publish)
            state.is_seeded = True
            keep(folder, state)
        publish()

    def announce(_house: House, url: str) -> None:
        click.echo(f"The server listens on {url}, everything lies in {place.name if database else folder}")
        shop.start(url, started, opens=sys.stdout.isatty() if opens is None else opens)

    try:
        server.serve(settings, prepare=prepare, announce=announce, on_unreadable=say_unreadable)
    finally:
        shop.stop()
    click.echo("Stopped. `opportune demo` goes on where you left; `opportune demo --reset` starts over.")


def forget(folder: Path) -> None:
    """Removes a demo's folder, and refuses to remove anything else."""
    if not folder.exists():
        return
    if not (folder / STATE).exists() and any(folder.iterdir()):
        fail(f"{folder} was not made by the demo; it is left alone. Name another with --folder.")
    with DataFolder(folder / "data").lock():
        shutil.rmtree(folder)


def prepare_folder(house: House, folder: Path) -> State:
    """Keys, and a playbook of its own to edit; made at the first start, and keys anew where the house has others."""
    if not (folder / "playbook").exists():
        shutil.copytree(PLAYBOOK, folder / "playbook")
    with contextlib.suppress(OSError, msgspec.DecodeError):
        state = msgspec.json.decode((folder / STATE).read_bytes(), type=State)
        if _knows(house, state):
            return state
    state = State(
        write_key=_make_key(house, "write", "demo site"), secret_key=_make_key(house, "secret", "demo shop")
    )
    keep(folder, state)
    return state


def _knows(house: House, state: State) -> bool:
    with contextlib.suppress(UnknownKeyError):
        return all(authorize(house, key) for key in (state.write_key, state.secret_key))
    return False


def _make_key(house: House, kind: KeyKind, name: str) -> str:
    """In place of another demo's on the same database."""
    with contextlib.suppress(NotFoundError):
        revoke_key(house, name, by="demo")
    return add_key(house, kind=kind, name=name, by="demo")[1]


def keep(folder: Path, state: State) -> None:
    path = folder / STATE
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=2))


def seed(house: House, *, days: int, visitors: int, publish: Callable[[], None]) -> None:
    """Past traffic into the history, decided for as on any other day."""
    if not days:
        return
    click.echo(f"Seeding {days} days of past traffic, {visitors:,} visitors a day; only the first time ...")
    count = live_through(house, days=days, visitors=visitors, publish=publish)
    click.echo(f"{count:,} events of past traffic are in.")


def product_of(sold: Sold) -> Product:
    """As the shop's feed would describe it."""
    return Product(
        id=sold.id,
        name=sold.name,
        url=sold.url,
        image=sold.picture,
        price=sold.was or sold.price,
        sale_price=sold.price if sold.was else None,
        category_path=(sold.category,),
        source="demo",
    )


def free_port(host: str, first: int, *, but: int | None = None) -> int:
    """The first port from `first` on that nobody listens on. Raises BadRequestError after a few."""
    for port in range(first, first + PORTS_TRIED) if first else (0,):
        if port == but:
            continue
        try:
            with server.listening_socket(host, port) as probe:
                found: int = probe.getsockname()[1]
        except BadRequestError:
            continue
        if first and found != first:
            click.echo(f"Port {first} is in use; taking {found}.", err=True)
        return found
    raise BadRequestError(wrong=f"Ports {first} to {first + PORTS_TRIED - 1} of {host} are all in use.")


class ShopProcess:
    """The storefront, in a process of its own that imports nothing of the house."""

    def __init__(self, folder: Path, host: str, port: int, place: Place) -> None:
        self._folder = folder
        self._place = place
        self._host = host
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    def start(self, api_url: str, started: float, *, opens: bool) -> None:
        state = msgspec.json.decode((self._folder / STATE).read_bytes(), type=State)
        given = {
            "DEMO_API_URL": api_url,
            "DEMO_HOST": self._host,
            "DEMO_PORT": str(self._port),
            "DEMO_SECRET_KEY": state.secret_key,
            "DEMO_WRITE_KEY": state.write_key,
            "DEMO_PLAYBOOK": str(self._folder / "playbook"),
            "DEMO_DATA": str(self._folder / "data"),
            "OPPORTUNE_DATABASE": self._place.database,
        }
        command = [sys.executable, "-m", "opportune.demo"]
        process = subprocess.Popen(command, env={**os.environ, **given})  # noqa: S603 - our own module
        self._process = process
        Thread(target=self._welcome, args=(process, started, opens), daemon=True).start()

    def _welcome(self, process: subprocess.Popen[bytes], started: float, opens: bool) -> None:
        until = time.monotonic() + SHOP_SECONDS
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(OSError, urllib.error.URLError):
                ready = f"{self.url}/ready"
                urllib.request.urlopen(ready, timeout=READY_SECONDS).close()  # noqa: S310 - our own address
                click.echo(
                    f"The shop is open at {self.url} ({time.monotonic() - started:.0f} s). Ctrl-C ends it."
                )
                click.echo(f"What its tests say: {self.url}/tests, or: opportune report {self._place.option}")
                if opens:
                    webbrowser.open(self.url)
                return
            time.sleep(0.1)
        click.echo("opportune: the shop did not start; see above.", err=True)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
