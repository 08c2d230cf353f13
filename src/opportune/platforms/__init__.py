"""Files to paste into a shop or a tag manager, with the server's address and a write key filled in."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec

from opportune.errors import NotFoundError

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

    @property
    def is_archive(self) -> bool:
        return self.path.endswith("/plugin")


class Filling(msgspec.Struct, frozen=True):
    """What files are filled with; `head` is the block that stands in a page's head."""

    url: str
    key: str
    head: str
    secret: str = ""
    """Proves who is signed in; stands in the theme where it was asked for."""


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


def files_of(platform: str) -> tuple[Pasted, ...]:
    """Those of the table, else whatever lies in the platform's folder."""
    if PLATFORMS[platform]:
        return PLATFORMS[platform]
    folder = _resource(platform.replace("-", "_"))
    if not folder.is_dir():
        return ()
    found = sorted((each for each in folder.iterdir() if each.is_file()), key=lambda each: each.name)
    return tuple(Pasted(each.name, f"{folder.name}/{each.name}", "") for each in found)


def text_of(pasted: Pasted, filling: Filling) -> str:
    customer = ""
    if filling.secret:
        customer = _text("shopify/customer.liquid").replace(TOKEN_SECRET, filling.secret)
    filled = _text(pasted.path).replace(HEAD, _theme_head(filling.head)).replace(CUSTOMER, customer)
    return filled.replace(URL, filling.url).replace(KEY, filling.key).rstrip()


def archive_of(filling: Filling) -> bytes:
    """The plugin as WordPress takes it: one folder with everything in it, the address and the key too.

    Raises NotFoundError.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        connection = msgspec.json.encode({"url": filling.url, "write_key": filling.key})
        made = {"opportune/connection.json": connection, "opportune/head.js": filling.head.encode()}
        found = {name: file.read_bytes() for name, file in _walk(_plugin(), "opportune")}
        for name, content in (found | made).items():
            info = zipfile.ZipInfo(name, EARLIEST_ZIP)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return packed.getvalue()


def _theme_head(block: str) -> str:
    """What fills places before they are seen, and the page script with what the theme knows of the page."""
    facts = " ".join(f'data-{name}="{{{{ {value} | escape }}}}"' for name, value in PAGE_FACTS)
    head = f"{{% raw %}}<script>{block}</script>{{% endraw %}}"
    return f'{head}\n<script async src="{URL}/o.js" data-key="{KEY}" {facts}></script>'


def _text(path: str) -> str:
    return _resource(path).read_text(encoding="utf-8")


def _resource(path: str) -> Traversable:
    return files("opportune").joinpath("platforms", *path.split("/"))


def _plugin() -> Traversable:
    packed = _resource("woocommerce/plugin")
    source = Path(__file__).parents[3] / SOURCE_FOLDER
    found = packed if packed.is_dir() else source
    if not found.is_dir():
        raise NotFoundError(what="The WordPress plugin of this installation")
    return found


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for each in sorted(folder.iterdir(), key=lambda one: one.name):
        name = f"{path}/{each.name}"
        if each.is_dir():
            yield from _walk(each, name)
        else:
            yield name, each
