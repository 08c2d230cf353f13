"""`opportune platform`: files to paste into a shop or a tag manager, with the address and the key filled in."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click
import msgspec

from opportune.app import head_block
from opportune.cli.installation import ask, find_write_key
from opportune.cli.options import place_option
from opportune.cli.printing import print_table
from opportune.errors import NotFoundError
from opportune.process.place import Place
from opportune.settings import DEFAULTS

URL, KEY, HEAD, CUSTOMER, TOKEN_SECRET = (
    "OPPORTUNE_URL",
    "OPPORTUNE_WRITE_KEY",
    "OPPORTUNE_HEAD",
    "OPPORTUNE_CUSTOMER",
    "OPPORTUNE_USER_TOKEN_SECRET",
)
SOURCE_FOLDER = Path("integrations") / "wordpress" / "opportune"
"""Where the plugin lies when this runs from its source; a wheel brings it along."""
PAGE_FACTS = (
    ("page-type", "opportune_page"),
    ("category", "opportune_category"),
    ("product", "product.id"),
)
EARLIEST_ZIP = (1980, 1, 1, 0, 0, 0)


class Pasted(msgspec.Struct, frozen=True):
    """A file of a platform, what it is called here, and where it goes."""

    name: str
    path: str
    where: str


PLATFORMS: dict[str, tuple[Pasted, ...]] = {
    "shopify": (
        Pasted("theme", "shopify/theme.liquid", "Edit code > layout/theme.liquid, right after <head>"),
        Pasted("pixel", "shopify/pixel.js", "Settings > Customer events > Add custom pixel"),
        Pasted("slot", "shopify/slot.liquid", "Theme editor > Add block or section > Custom Liquid"),
    ),
    "woocommerce": (
        Pasted("plugin", "woocommerce/plugin", "> opportune.zip; Plugins > Add New > Upload Plugin"),
        Pasted("settings", "woocommerce/settings.txt", "Settings > Opportune"),
    ),
    "tag-manager": (),
}


@click.command("platform")
@place_option
@click.argument("platform", type=click.Choice(list(PLATFORMS)))
@click.argument("file", required=False)
@click.option(
    "--url",
    default=DEFAULTS.url,
    envvar="OPPORTUNE_URL",
    show_default=True,
    help="Where pages find Opportune.",
)
@click.option("--key", default="", help="The write key to fill in; left out, the first one in force.")
@click.option(
    "--customers",
    is_flag=True,
    help="Also prove who is signed in: puts a secret into the theme (shopify theme).",
)
def platform(*, place: Place, platform: str, file: str | None, url: str, key: str, customers: bool) -> None:
    """Print a file to paste into a shop; without FILE, which there are."""
    known = {each.name: each for each in _files_of(platform)}
    if file is None and not known:
        click.echo(f"There is nothing to paste into {platform} yet.")
        return
    if file is None:
        print_table(("file", "where it goes"), [(each.name, each.where) for each in known.values()])
        return
    pasted = known.get(file)
    if pasted is None:
        raise NotFoundError(
            what=f"A file {file!r} for {platform} (there are: {', '.join(known) or 'none yet'})"
        )
    url = url.strip().rstrip("/")
    if pasted.path.endswith("/plugin"):
        click.echo(_zipped(_plugin(), url, key or find_write_key(place)), nl=False)
        return
    text = _resource(pasted.path).read_text(encoding="utf-8")
    customer = _customer(place) if customers else ""
    key = key or find_write_key(place)
    filled = text.replace(HEAD, _head()).replace(CUSTOMER, customer).replace(URL, url).replace(KEY, key)
    click.echo(filled.rstrip())
    if url == DEFAULTS.url:
        click.echo(f"No visitor can reach {url}: give your server's address with --url.", err=True)


def _files_of(platform: str) -> tuple[Pasted, ...]:
    """Those of the table, else whatever lies in the platform's folder."""
    if PLATFORMS[platform]:
        return PLATFORMS[platform]
    folder = _resource(platform.replace("-", "_"))
    if not folder.is_dir():
        return ()
    found = sorted((each for each in folder.iterdir() if each.is_file()), key=lambda each: each.name)
    return tuple(Pasted(each.name, f"{folder.name}/{each.name}", "") for each in found)


def _head() -> str:
    """What fills places before they are seen, and the page script with what the theme knows of the page."""
    facts = " ".join(f'data-{name}="{{{{ {value} | escape }}}}"' for name, value in PAGE_FACTS)
    block = f"{{% raw %}}<script>{head_block()}</script>{{% endraw %}}"
    return f'{block}\n<script async src="{URL}/o.js" data-key="{KEY}" {facts}></script>'


def _customer(place: Place) -> str:
    secret = ask(place, "keys user-token-secret")["secret"]
    return _resource("shopify/customer.liquid").read_text(encoding="utf-8").replace(TOKEN_SECRET, secret)


def _resource(path: str) -> Traversable:
    return files("opportune").joinpath("platforms", *path.split("/"))


def _plugin() -> Traversable:
    """Raises NotFoundError."""
    packed = _resource("woocommerce/plugin")
    source = Path(__file__).parents[3] / SOURCE_FOLDER
    found = packed if packed.is_dir() else source
    if not found.is_dir():
        raise NotFoundError(what="The WordPress plugin of this installation")
    return found


def _zipped(folder: Traversable, url: str, key: str) -> bytes:
    """As WordPress takes it: one folder with everything in it, the address and the key too."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        connection = msgspec.json.encode({"url": url, "write_key": key})
        made = {"opportune/connection.json": connection, "opportune/head.js": head_block().encode()}
        found = {name: file.read_bytes() for name, file in _walk(folder, "opportune")}
        for name, content in (found | made).items():
            info = zipfile.ZipInfo(name, EARLIEST_ZIP)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return packed.getvalue()


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for each in sorted(folder.iterdir(), key=lambda one: one.name):
        name = f"{path}/{each.name}"
        if each.is_dir():
            yield from _walk(each, name)
        else:
            yield name, each
