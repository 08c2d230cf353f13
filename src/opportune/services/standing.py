"""Standing: the installation as it stands now, put together for reading only."""

from __future__ import annotations

from opportune.core.programme import empty_programme
from opportune.services.catalogue.cataloguing import refresh_catalogue
from opportune.services.catalogue.recommending import refresh_counters
from opportune.services.house import House
from opportune.services.operating import refresh
from opportune.services.publishing import load_running
from opportune.storage.base import Storage


def reading_house(storage: Storage, now: int) -> House:
    """The installation as it is now, for reading only: its programme, run states, catalogue and counters."""
    house = House(storage=storage, clock=lambda: now, secret=b"", programme=empty_programme())
    load_running(house)
    refresh(house)
    refresh_catalogue(house)
    refresh_counters(house)
    return house
