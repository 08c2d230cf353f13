"""The house: what every use case is given, built once in `app/house.py`."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import RLock

from opportune.core.catalogue import EMPTY_CATALOGUE, Catalogue
from opportune.core.programme import Programme
from opportune.core.recommending.counters import Counters
from opportune.core.recommending.counting import Basis, Counted, Counting
from opportune.core.recommending.shelf import Shelf
from opportune.storage.base import Storage, Transaction

DEADLINE_SECONDS = 0.05


@dataclass(slots=True)
class Held:
    """What is to be recorded of a key minted just now, once it is seen again."""

    since_at: int
    job: Callable[[Transaction], None]
    about: frozenset[int]
    """The keys the job is about."""
    marks: tuple[tuple[object, ...], ...] = ()
    """What of `recorded` they stand for."""


Happened = tuple[int, int, str, int, bytes]
"""A stored event about products: its `seq`, key, name, moment (ms) and facts as JSON."""
CountAnew = Callable[[Mapping[str, Basis], int, int], Counted]
"""A recount from the names of events with what they count for, the last `seq`, and the moment now."""
MOST_HAPPENED = 100_000
"""More than wait between two rounds of counting, even during an import; what is pushed out, a rebuild counts."""


@dataclass(slots=True)
class House:
    """Storage, clock, secret, and the programme that decides at this moment.

    `clock` gives milliseconds. `programme` is replaced whole when a playbook is published or an operator
    acts. `secret` signs decision tokens and hashes API keys; it is made once and kept in the store.
    """

    storage: Storage
    clock: Callable[[], int]
    secret: bytes
    programme: Programme
    deadline_seconds: float = DEADLINE_SECONDS
    catalogue: Catalogue = EMPTY_CATALOGUE
    """What the shop sells, as this process last read it; see `services/catalogue/cataloguing.py`."""
    counters: Counters = field(default_factory=Counters)
    """What all visitors did with products; see `services/catalogue/recommending.py`."""
    product_events: deque[Happened] = field(default_factory=partial(deque, maxlen=MOST_HAPPENED))
    """Stored events about products that are not counted yet, oldest first."""
    consents: deque[tuple[str, str, bool, str]] = field(default_factory=partial(deque, maxlen=MOST_HAPPENED))
    """Visits not counted yet: day, banner, Global Privacy Control, answer; see `services/people/tallying.py`."""
    counting: Counting = field(default_factory=Counting)
    count_anew: CountAnew | None = None
    """Where a recount is done; None: here."""
    seen_events: set[str] = field(default_factory=set)
    """Names of events seen at least once; a rule waits until those it needs are in here."""
    has_consent_traits: bool | None = None
    """Whether anybody ever stated consent as a trait; None: not read yet. It never turns back."""
    held: OrderedDict[int, Held] = field(default_factory=OrderedDict)
    """By device key; bounded, see `services/recording.py`."""
    visits: OrderedDict[int, tuple[int, int]] = field(default_factory=OrderedDict)
    """By device key: the visit's id and when it last asked, as the store may lag by a commit."""
    recorded: OrderedDict[tuple[object, ...], None] = field(default_factory=OrderedDict)
    """What was handed to the writer lately, so that it is not handed over twice."""
    watched: deque[tuple[str, str, str, int]] = field(default_factory=partial(deque, maxlen=MOST_HAPPENED))
    """What became of rules' answers and is not counted in the store yet; see `services/guard/watching.py`.

    By run, place or event, what, and the hour (0: that in which it is counted).
    """
    erased_at: int = 0
    """When anybody was erased last, as far as this process has forgotten them."""
    fallbacks: dict[str, int] = field(default_factory=dict)
    """How many decisions fell back to normal content, by cause."""
    changes: RLock = field(default_factory=RLock)
    """Held by whoever replaces `programme`, so that no replacement is lost."""
    _shelf: Shelf = field(default_factory=Shelf)

    @property
    def shelf(self) -> Shelf:
        """What recommending reads, made anew once the catalogue was."""
        if self._shelf.catalogue is not self.catalogue or self._shelf.counters is not self.counters:
            self._shelf = Shelf(self.counters, self.catalogue)
        return self._shelf
