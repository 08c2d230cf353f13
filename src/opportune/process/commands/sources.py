"""Where shops send their events from, each with its secret."""

from __future__ import annotations

from opportune.core.moment import to_iso
from opportune.process.commands.plain import Result
from opportune.services import connecting
from opportune.services.house import House


def add_source(house: House, *, platform: str, secret: str, name: str, prefix: str, by: str) -> Result:
    source = connecting.add_source(house, platform, secret=secret, name=name, prefix=prefix, by=by)
    return _source(source)


def list_sources(house: House) -> list[Result]:
    return [_source(source) for source in connecting.list_sources(house.storage)]


def remove_source(house: House, *, name: str, by: str) -> Result:
    return _source(connecting.remove_source(house, name, by=by))


def _source(source: connecting.Source) -> Result:
    """Everything but its secret."""
    return {
        "name": source.name,
        "platform": source.platform,
        "prefix": source.prefix,
        "path": f"/v1/sources/{source.platform}",
        "addedAt": to_iso(source.added_at),
    }
