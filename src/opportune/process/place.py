"""Where an installation keeps everything: a data folder, or a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from opportune.errors import BadRequestError
from opportune.process.data_folder import DataFolder

SCHEMES = ("postgresql", "postgres")


class Place(msgspec.Struct, frozen=True):
    """`database` is a URL, and empty where everything lies in the folder."""

    data: Path
    database: str = ""

    @property
    def folder(self) -> DataFolder:
        return DataFolder(self.data)

    @property
    def option(self) -> str:
        """How a command is told of it, to be copied from a hint."""
        return f"--database {self.name}" if self.database else f"--data {self.data}"

    @property
    def name(self) -> str:
        """For people and logs: without the password."""
        if not self.database:
            return str(self.data)
        parts = urlsplit(self.database)
        user = f"{parts.username}@" if parts.username else ""
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}"


def place_from(text: str) -> Place:
    """A database where the text is a URL, else a folder. Raises BadRequestError for a URL of something else."""
    return Place(Path(), check_database(text)) if "://" in text else Place(Path(text))


def check_database(url: str) -> str:
    """The URL. Raises BadRequestError where it is none of a PostgreSQL database."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in SCHEMES and bool(parts.path.strip("/")) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        wrong = "A database is named by its URL, such as postgresql://user:password@host:5432/opportune."
        raise BadRequestError(wrong=wrong)
    return url
