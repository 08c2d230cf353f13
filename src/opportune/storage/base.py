"""The storage port: what services may ask of a store, and nothing about how it keeps things.

Reads are plain calls. Every write is a job handed to the one door, `Storage.write`; jobs run one
after another, several to a durable commit, and their futures resolve after that commit only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import ClassVar, TypeVar

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Cell, CellSums, Measured
from opportune.core.history.event import SetAside
from opportune.core.history.link import Link
from opportune.core.history.plan import EventClass
from opportune.core.history.timeline import TimelineEvent
from opportune.core.learnings.learning import Draft, Kept, Said
from opportune.core.note import Note
from opportune.core.product import Product
from opportune.core.recommending.counting import Counted
from opportune.core.rule import RunState
from opportune.core.situation import Assignment, PastExposure, Trait
from opportune.storage.measurements import Exposed, ExposedQuery, LanesAsked
from opportune.storage.personal import (
    ErasedUnits,
    Erasure,
    KeptAssignment,
    KeptEvent,
    KeptTrait,
    Share,
)

T = TypeVar("T")

EXPOSURE_BOUND = 500
"""How many exposures of a key `recall` reads: those of the newest sessions."""

OPPORTUNITY_BOUND = 200
"""How many opportunities of the device `recall` reads: those of the newest sessions."""

KEYS_BOUND = 11
"""How many keys of a person `recall` reads: those asked with, the person's own, and those linked last."""

TRAITS_BOUND = 200
"""How many traits a key may have, as every decision reads them all; names beyond that are not taken."""

RECENT_BOUND = 6_001
"""How many events `find_recent` looks at; one more than a key that is no machine has in three days."""


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """An event ready to be stored. `message` is a 63-bit hash of its message id.

    `facts` is a JSON object of fact values, `body` the whole event as JSON with its message id in it.
    """

    key: int
    event_class: EventClass
    occurred_at: int
    name: str
    source: str
    message: int
    facts: bytes
    body: bytes
    value: int = 0
    """Money it carries, in minor units, for totals."""


class Recent(msgspec.Struct, frozen=True):
    """What of a key lies within a day around some moments: message hashes, and how many events there are."""

    messages: frozenset[int]
    count: int


Span = tuple[int, int, int]
"""Events of a key with `second <= occurred_at < third`."""


class BusinessKey(msgspec.Struct, frozen=True, kw_only=True):
    """Which stored event carries a business key (`Order Completed`, `order_id` 1001)."""

    event: str
    value: str
    key: int
    event_class: EventClass
    occurred_at: int
    seq: int
    is_verified: bool


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A whole event as the inspector and `GET /v1/events` show it; `body` is its JSON."""

    seq: int
    key: int
    name: str
    source: str
    occurred_at: int
    body: bytes


class StoredSetAside(SetAside, frozen=True, kw_only=True):
    """An event set aside, with its number and what became of it (`open`, `replayed`, `dropped`)."""

    id: int
    state: str = "open"


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """A new exposure to record; `receipt` is the receipt's JSON."""

    subject: str
    unit: int
    slot: str
    rule: str
    rule_hash: str
    arm: str
    session: int
    at: int
    receipt: bytes = b""


class StoredExposure(Exposure, frozen=True, kw_only=True):
    """An exposure with what became of it."""

    shown_at: int | None = None
    count: int = 0


class Opportunity(msgspec.Struct, frozen=True, kw_only=True):
    """First time a slot was asked for in a session, its outcome, and what is needed to derive it again."""

    key: int
    slot: str
    session: int
    seq: int
    at: int
    outcome: str
    context: bytes
    revision: str


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the API. Write keys are public and kept readable; of a secret only a keyed hash is kept."""

    name: str
    kind: str
    digest: str
    public_value: str = ""
    scopes: tuple[str, ...] = ()
    created_at: int = 0
    revoked_at: int | None = None


class StoredPlaybook(msgspec.Struct, frozen=True, kw_only=True):
    """One published revision with its files' texts, by path inside the folder."""

    revision: str
    files: Mapping[str, str]
    published_at: int
    by: str = ""
    based_on: str = ""


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One act of an operator."""

    at: int
    by: str
    act: str
    what: str = ""
    detail: str = ""


class ConsentCount(msgspec.Struct, frozen=True):
    """How many visits of a day, which nobody can be found by.

    `answer` is how they began, `yes` or `no` to being measured, or what they changed to, `later yes` or `later no`.
    `banner` is one that the page script knows, `none` or `unknown`.
    """

    day: str
    banner: str
    has_gpc: bool
    answer: str
    visits: int


class RuleCount(msgspec.Struct, frozen=True, order=True):
    """How often something became of a rule's answers in a place, within an hour that begins at a moment (ms).

    `rule` is the seed of its run, and empty for what is said of the place alone.
    """

    hour: int
    rule: str
    slot: str
    what: str
    count: int


class Recollection(msgspec.Struct, frozen=True, kw_only=True):
    """All a decision needs of the past, from one call.

    `person` is whom the last asked key belongs to (the proven user, if one was asked). `keys` are the
    asked keys, then the person's others, within KEYS_BOUND. `events` by key are newest first, within the
    bounds of their class, cut to the stretches that belong to the person; traits likewise. `assignments`
    by experiment are the first one given to any key, in whatever phase, also beyond KEYS_BOUND.
    `exposures` are of all those keys, newest session first; `opportunities` are (session, slot, at) of the
    first asked key, newest session first. `seq` is the newest commit these reads can have seen. As of an
    earlier `seq` an exposure counts one view once it was shown.
    """

    seq: int
    person: int
    keys: tuple[int, ...]
    events: Mapping[int, Sequence[TimelineEvent]]
    traits: Mapping[str, Trait]
    assignments: Mapping[str, Assignment]
    exposures: Sequence[PastExposure]
    opportunities: Sequence[tuple[int, str, int]]
    is_met: bool = False
    """Some process was asked for this device before, and holds back what it would have recorded."""

    @property
    def is_known(self) -> bool:
        """Whether this store has seen any of the keys before."""
        is_recorded = self.traits or self.opportunities or self.exposures
        return self.is_met or bool(is_recorded) or any(self.events.values())


class Belongings(msgspec.Struct, frozen=True, kw_only=True):
    """All that a store keeps of one share of a key, oldest first; set-aside events lie apart."""

    events: Sequence[KeptEvent] = ()
    traits: Sequence[KeptTrait] = ()
    assignments: Sequence[KeptAssignment] = ()
    exposures: Sequence[StoredExposure] = ()
    opportunities: Sequence[Opportunity] = ()
    business_keys: Sequence[BusinessKey] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__struct_fields__)


class EventQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of the event list: `since_at <= occurred_at < until_at`; `before_seq` is the cursor."""

    name: str | None = None
    keys: tuple[int, ...] | None = None
    source: str | None = None
    message_id: str | None = None
    since_at: int | None = None
    until_at: int | None = None
    before_seq: int | None = None
    limit: int = 100


class Recount(msgspec.Struct, frozen=True):
    """How far counting products is: the newest version, and when everything was counted anew, up to which `seq`.

    `held_until` is when others may add again, should whoever counts anew never finish.
    """

    version: int = 0
    made_at: int = 0
    counted_seq: int = 0
    held_until: int = 0

    def is_held(self, now: int) -> bool:
        return now < self.held_until


def recount_of(rows: Iterable[tuple[str, int]]) -> Recount:
    """From its rows in any store."""
    values = dict(rows)
    return Recount(values["version"], values["made"], values["counted"], values["held"])


LanePlace = tuple[int, int, int, int]
"""key, class, moment and `seq` of an event."""
FIRST_OF_LANE: LanePlace = (-(2**62), -1, -(2**62), -1)
LaneEvent = tuple[int, int, TimelineEvent]
"""An event with its key and class."""
AskedPlace = tuple[int, int, str]
"""key, session and slot of an opportunity."""
FIRST_ASKED: AskedPlace = (-1, -1, "")


class Transaction(ABC):
    """The writes of one job. It sees its own writes and those of the jobs before it.

    Every record (event, trait, opportunity, exposure, assignment) takes the next `seq` when it is written,
    so that "as of" means the same for all of them; an event's follows the newest one by at least 1.
    """

    @property
    @abstractmethod
    def head_seq(self) -> int:
        """The newest `seq` given out so far, 0 in an empty store."""

    @abstractmethod
    def find_recent(self, spans: Sequence[Span]) -> list[Recent]:
        """For each span its message hashes, to find duplicates and machines.

        Looks at RECENT_BOUND rows of each, superseded ones included.
        """

    @abstractmethod
    def append_event(self, row: EventRow) -> int:
        """Stores row and body under the next `seq`, which it returns."""

    @abstractmethod
    def supersede_event(self, known: BusinessKey) -> None:
        """The event of that business key was replaced by a better version: from now on it is not read."""

    @abstractmethod
    def find_business_key(self, event: str, value: str) -> BusinessKey | None: ...

    @abstractmethod
    def find_stored(self, known: BusinessKey) -> StoredEvent | None:
        """The event of that business key, whole; None when a better version replaced it."""

    @abstractmethod
    def put_business_key(self, known: BusinessKey) -> None: ...

    @abstractmethod
    def put_key(self, key: int, namespace: str, identifier: str) -> None:
        """Remembers the id behind a key; a second id under the same key raises ValueError."""

    @abstractmethod
    def list_links(self, key: int) -> list[Link]:
        """Every link of a key ever made, oldest first, closed ones included."""

    @abstractmethod
    def list_person_links(self, person: int) -> list[Link]:
        """Every link ever made to a person, by key and oldest first, closed ones included."""

    @abstractmethod
    def add_link(self, link: Link) -> None: ...

    @abstractmethod
    def close_link(self, link: Link, until_seq: int) -> None:
        """Not known any more from `until_seq` on; found by its key, person, from_seq and since_seq."""

    @abstractmethod
    def put_traits(self, key: int, traits: Mapping[str, Trait]) -> None:
        """Later assertions (by `at`) win, name by name, up to TRAITS_BOUND names.

        A trait whose value is None is removed; its name still counts.
        """

    @abstractmethod
    def set_aside(self, events: Iterable[SetAside]) -> None: ...

    @abstractmethod
    def close_set_aside(self, identifier: int, state: str) -> None: ...

    @abstractmethod
    def add_opportunities(self, opportunities: Iterable[Opportunity]) -> None:
        """Duplicates by (key, slot, session) are ignored."""

    @abstractmethod
    def add_exposures(self, exposures: Iterable[Exposure]) -> None:
        """Duplicates by (subject, unit, slot, rule, rule_hash, arm, session) are ignored."""

    @abstractmethod
    def mark_shown(self, exposure: Exposure, at: int) -> None:
        """Counts one verified view; `shown_at` keeps the first. Nothing happens to one never recorded."""

    @abstractmethod
    def add_assignments(self, unit: int, assignments: Iterable[Assignment]) -> None:
        """The first one for (unit, experiment, phase) stands."""

    @abstractmethod
    def put_playbook(self, playbook: StoredPlaybook) -> None:
        """Becomes the head; a revision published once more is the head again."""

    @abstractmethod
    def put_run_state(self, state: RunState) -> None: ...

    @abstractmethod
    def put_experiment(self, experiment: Experiment) -> None:
        """Replaces the one of its id."""

    @abstractmethod
    def put_draft(self, draft: Draft) -> None:
        """A learning as it is drafted; what people said of the one of its id stays."""

    @abstractmethod
    def put_said(self, learning: str, said: Said) -> None:
        """What people say of a learning replaces what they said before. Nothing happens where there is none."""

    @abstractmethod
    def put_setting(self, name: str, value: str) -> None:
        """Small operator state (`off`, `frozen`, the installation's secret); empty text removes it."""

    @abstractmethod
    def put_api_key(self, key: ApiKey) -> None:
        """Keys are told apart by digest; putting one again replaces it."""

    @abstractmethod
    def put_products(self, products: Iterable[Product]) -> None:
        """Each replaces the one of its id; all together are the catalogue's next version."""

    @abstractmethod
    def add_consents(self, counts: Iterable[ConsentCount]) -> None:
        """Visits added to those of their day; of each day, banner and answer at most one."""

    @abstractmethod
    def retire_consents(self, before_day: str) -> None:
        """Those of earlier days leave."""

    @abstractmethod
    def add_audit(self, entry: AuditEntry) -> None: ...

    @abstractmethod
    def add_note(self, note: Note) -> bool:
        """False, and nothing is kept, where there is one about the same already."""

    @abstractmethod
    def add_rule_counts(self, counts: Iterable[RuleCount]) -> None:
        """Added to those of their hour; of each hour, rule, place and kind at most one."""

    @abstractmethod
    def retire_rule_counts(self, before_hour: int) -> None:
        """Those of earlier hours leave."""

    @property
    @abstractmethod
    def newest_erasure_at(self) -> int:
        """When anybody was erased last, 0 when nobody was: who writes what is newer need not look whom it is about."""

    @abstractmethod
    def find_erasures(self, marks: Iterable[tuple[int, str]]) -> dict[str, Erasure]:
        """By mark those there are, of (lane, mark)."""

    @abstractmethod
    def put_erasures(self, erasures: Sequence[Erasure]) -> None:
        """The newer date stands, and whoever once unsubscribed stays so. A file keeps the list beside itself, too."""

    @abstractmethod
    def count_dropped(self, erasure: Erasure) -> None:
        """An event of somebody erased came late."""

    def let_go(self, keys: Iterable[int]) -> None:  # noqa: B027 - most stores write nobody down by holding them
        """Of keys a job was about, and of which nothing is kept, nothing stays."""

    @abstractmethod
    def erase_records(self, share: Share, most: int) -> dict[str, int]:
        """A bounded step: by table how many rows left, at most `most` of each; nothing more is left where none did.

        Events with bodies, past traits, opportunities, exposures with receipts, assignments, business keys. What
        they had added to totals and tests is noted as sums.
        """

    @abstractmethod
    def erase_assignments(self, share: Share) -> int:
        """All arms of a share at once, noted as `erase_records` does; how many left."""

    @abstractmethod
    def erase_traits(self, share: Share) -> int:
        """Those in force; how many left."""

    @abstractmethod
    def remove_link(self, link: Link) -> None: ...

    @abstractmethod
    def remove_key(self, key: int) -> None:
        """The id behind it, and that anything was ever written about it."""

    @abstractmethod
    def remove_set_aside(self, identifiers: Iterable[int]) -> int:
        """How many there were."""

    @abstractmethod
    def erase_audit(self, act: str, has_name: Callable[[str], bool], instead: str) -> int:
        """In acts of that kind whose `what` names somebody it is replaced; in how many."""

    @abstractmethod
    def put_measured(self, measured: Measured) -> None:
        """An experiment's sums, instead of those that were there."""

    @abstractmethod
    def add_erased_sums(self, experiment: str, cells: Mapping[Cell, CellSums]) -> None:
        """What visitors had added to an experiment who are being erased; sums that name nobody."""

    def meet(self, key: int, at: int) -> None:  # noqa: B027 - nobody else there
        """A device nobody knew was asked for; the other processes know by it when they are asked for it again."""

    def tell_change(self) -> None:  # noqa: B027 - nobody else there
        """Other processes look at what changed once this is committed; where there are none, nothing happens."""

    @abstractmethod
    def update_facts(
        self, seq: int, key: int, event_class: EventClass, occurred_at: int, facts: bytes
    ) -> None:
        """Back-fill: new facts for a stored row, derived again from its body."""


class Storage(ABC):
    """A store. `recall` is the hot read; `write` the only door for changes.

    Reads may be called from any thread and see only what was committed.
    """

    is_shared: ClassVar[bool] = False
    """Whether other processes may write to it at the same time."""

    is_remote: ClassVar[bool] = False
    """Whether it is behind a network, so that a read may take seconds: an event loop has it done in a thread."""

    @abstractmethod
    def recall(self, keys: Sequence[int], *, now: int, as_of: int | None = None) -> Recollection:
        """What is known of the person behind these keys (first: the device's), now or as of a `seq`."""

    def remember(self, keys: Sequence[int], *, now: int) -> Recollection | Awaitable[Recollection]:
        """The same for an event loop, which must not wait for a network: at once, or to be awaited."""
        return self.recall(keys, now=now)

    @abstractmethod
    def write(self, job: Callable[[Transaction], T], about: Iterable[int] = ()) -> Future[T]:
        """Queues a job. The future gives its result after the durable commit, or its error.

        `about`: the keys whose persons it reads and changes. Where several processes write, they are locked
        before it begins, in their order, so that nobody else changes them meanwhile; a job may be run again
        from its beginning. A job that raises changes nothing and does not disturb the others of its group.
        Raises nothing itself: a full disk comes through the future as StorageFullError, a full queue or a
        closed store as StorageBusyError.
        """

    @abstractmethod
    def list_events(self, query: EventQuery) -> list[StoredEvent]:
        """Newest commit first, without superseded versions. A message id without keys costs a scan."""

    @abstractmethod
    def list_key_events(
        self, name: str, *, after: tuple[int, int], until_at: int, limit: int
    ) -> list[StoredEvent]:
        """Key events of a name as they happened, after (moment, seq) and before a moment, without superseded ones."""

    @abstractmethod
    def list_versions(self, name: str, since_at: int, limit: int) -> list[tuple[StoredEvent, bool]]:
        """Key events (class 0) of a name since a moment, newest first, with whether each is still read.

        Those that a better version of the same event replaced are among them.
        """

    @abstractmethod
    def get_body(self, seq: int) -> bytes | None: ...

    @abstractmethod
    def find_key_id(self, key: int) -> tuple[str, str] | None:
        """(namespace, id) behind a key."""

    @abstractmethod
    def list_person_keys(self, key: int, as_of: int | None = None) -> tuple[int, tuple[int, ...]]:
        """(person, all its keys) for any key of it; the person's own key first, then as they were linked."""

    @abstractmethod
    def list_exposures(self, keys: Sequence[int], limit: int = 100) -> list[StoredExposure]:
        """Newest first, with receipts."""

    @abstractmethod
    def list_hidden(self, since_at: int) -> list[tuple[str, str, int, int]]:
        """(rule, slot, visitors, visits) of what rules hid since a moment, ordered; costs a walk through all exposures.

        A visitor of a control group, from whom nothing was hidden, does not count.
        """

    @abstractmethod
    def list_decided(self, lane: int, since_at: int) -> list[tuple[str, int]]:
        """(rule, unit) of one lane that rules, hiding ones too, were decided for since a moment, ordered.

        Control groups are among them: they would have been reached.
        """

    @abstractmethod
    def list_acted(
        self, rules: Sequence[str], since_at: int, lanes: LanesAsked
    ) -> list[tuple[str, int, int]]:
        """(rule, unit, first moment) of every visit of some lanes since a moment in which rules acted, ordered.

        What a control group did not get is not among them.
        """

    @abstractmethod
    def list_opportunities(self, keys: Sequence[int], limit: int = 100) -> list[Opportunity]: ...

    @abstractmethod
    def list_set_aside(
        self, *, state: str = "open", before_id: int | None = None, limit: int = 100
    ) -> list[StoredSetAside]: ...

    @abstractmethod
    def list_links_of(self, keys: Sequence[int]) -> list[Link]:
        """Every link ever made of these keys, closed ones included."""

    @abstractmethod
    def list_belongings(self, share: Share) -> Belongings: ...

    @abstractmethod
    def has_trait(self, name: str) -> bool:
        """Whether anybody has a trait of that name in force. Costs a walk through all traits where nobody has."""

    @abstractmethod
    def list_addressed(self, trait: str, address: str) -> list[tuple[int, int]]:
        """(key, seq) where that trait is in force with that value, however it is capitalized.

        Costs a walk through all traits.
        """

    @abstractmethod
    def list_keys_of_lane(self, lane: int) -> list[int]:
        """Every key that anything is kept about."""

    @abstractmethod
    def find_newest_erasure(self) -> int:
        """When anybody was erased last, 0 when nobody was."""

    @abstractmethod
    def list_erasures(self, after: tuple[int, str] = (-1, ""), limit: int = 1_000) -> list[Erasure]:
        """By lane and mark."""

    @abstractmethod
    def list_erased_units(self) -> list[ErasedUnits]:
        """By test, phase and arm."""

    def rewrite(self) -> bool:
        """Writes everything anew, so that nothing of what left can be read from free room; whether that was needed.

        May take as long as copying it, and writers wait.
        """
        return False

    @abstractmethod
    def list_seen_events(self) -> dict[str, tuple[int, int, int]]:
        """By name: the earliest and the latest moment of one that was taken, and how many were."""

    @abstractmethod
    def find_playbook(self, revision: str | None = None) -> StoredPlaybook | None:
        """That revision, or the head."""

    @abstractmethod
    def list_playbooks(self, limit: int = 50) -> list[StoredPlaybook]: ...

    @abstractmethod
    def list_run_states(self) -> dict[str, RunState]: ...

    @abstractmethod
    def list_experiments(self, *, open_only: bool = False) -> list[Experiment]:
        """As they were started, then by id."""

    @abstractmethod
    def list_learnings(self) -> list[Kept]:
        """By id."""

    @abstractmethod
    def find_setting(self, name: str) -> str | None: ...

    @abstractmethod
    def list_settings(self, prefix: str) -> dict[str, str]:
        """Those whose names begin with it, by name."""

    @abstractmethod
    def list_api_keys(self) -> list[ApiKey]: ...

    @abstractmethod
    def find_products(self, identifiers: Sequence[str]) -> list[Product]:
        """Those there are, by id."""

    @abstractmethod
    def list_products(
        self, after: tuple[int, str] = (0, ""), limit: int = 1_000
    ) -> list[tuple[int, Product]]:
        """(version, product) of those changed after a version and an id, as they were changed."""

    @abstractmethod
    def list_consents(self, since_day: str, until_day: str) -> list[ConsentCount]:
        """Of these days, both ends included, ordered."""

    @abstractmethod
    def list_audit(self, limit: int = 100) -> list[AuditEntry]: ...

    @abstractmethod
    def list_notes(self, since_at: int = 0, before_at: int = 2**62, limit: int = 100) -> list[Note]:
        """The newest first, of those from one moment to before another."""

    @abstractmethod
    def list_rule_counts(self, since_hour: int, until_hour: int) -> list[tuple[str, str, str, int]]:
        """(rule, slot, what, count) over the hours that begin from one moment to before another, ordered."""

    @abstractmethod
    def list_hours(self, slot: str, what: str, since_hour: int, until_hour: int) -> list[tuple[int, int]]:
        """(hour, count) of what is said of a place or an event alone; no `what`: of everything counted, in order."""

    @abstractmethod
    def changed_at(self) -> str:
        """A token that differs once playbook, run states, settings, API keys or products changed, in any process."""

    def wait_for_change(self, seconds: float) -> None:  # noqa: B027 - where nothing tells, nobody waits
        """Returns when somebody changed what `changed_at` is about, or after so long; at once where nothing tells."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Operators' acts take turns: what one has read stays true until it has written. Not to be nested.

        Raises StorageBusyError when another one's turn does not end. Where one process owns the store there is
        nobody else.
        """
        yield

    def take_lease(self, work: str, *, holder: str, now: int, until_at: int) -> bool:  # noqa: ARG002 - no rival
        """Whether background work is this holder's until a moment (ms); asked again in time, it stays so.

        A store that one process owns has nobody to share with.
        """
        return True

    def count_waiting(self) -> int:
        """Jobs handed to `write` whose turn has not come yet."""
        return 0

    @abstractmethod
    def fold_totals(self) -> int:
        """Folds a bounded step of the change feed into totals; how many rows it took."""

    @abstractmethod
    def list_totals(self, since_day: str, until_day: str) -> list[tuple[str, str, int, int]]:
        """(day, event name, count, value in minor units), days in UTC, both ends included, ordered.

        What waits in the change feed is counted too, so the answer does not depend on when it is folded.
        """

    @abstractmethod
    def rebuild_totals(self) -> None:
        """From the events alone; gives the same numbers as folding.

        Days of which events have left, by `retire_events`, keep the totals they have.
        """

    @abstractmethod
    def find_recount(self) -> Recount:
        """How far counting products is."""

    @abstractmethod
    def list_counts(self, after_version: int, until_version: int) -> Counted:
        """All there is of pairs and products that changed after a version, up to another."""

    @abstractmethod
    def add_counts(self, counted: Counted, *, made_at: int, now: int) -> bool:
        """Adds a step of counting. False, and nothing is added, while everything is counted anew or once it was.

        `made_at` is that of the recount after which these were counted.
        """

    @abstractmethod
    def begin_recount(self, now: int, until_at: int) -> Recount | None:
        """Holds others back until a moment, and says up to which `seq` to count. None: somebody is at it already."""

    @abstractmethod
    def put_counts(self, counted: Counted) -> None:
        """A step of counting anew, instead of what was there."""

    @abstractmethod
    def end_recount(self, before: Recount, now: int) -> None:
        """Everything that was not counted again since `before` leaves; others may go on."""

    @abstractmethod
    def list_lane(
        self,
        lane: int,
        names: Sequence[str],
        since_at: int,
        after: LanePlace = FIRST_OF_LANE,
        limit: int = 1_000,
    ) -> list[LaneEvent]:
        """Events of one lane (key % 256) by key, class and time, without superseded versions.

        Key events of all times, others since a moment.
        """

    @abstractmethod
    def find_seq(self) -> int:
        """The newest number that a committed record can have."""

    @abstractmethod
    def find_whole_since(self) -> int:
        """The moment from which on every event taken is still there; 0 while none has left by `retire_events`."""

    @abstractmethod
    def list_exposed(self, query: ExposedQuery, lanes: LanesAsked, apart: Collection[int] | None) -> Exposed:
        """Units exposed to a rule, of some lanes, as of one commit: those of `apart` and odd ones one by one.

        None: everybody one by one. Odd is who has no assignment, or was exposed to another arm than the one
        assigned in the first phase.
        """

    @abstractmethod
    def list_key_facts(
        self, name: str, *, after: tuple[int, int], until_at: int, limit: int
    ) -> list[LaneEvent]:
        """Key events (class 0) of a name with their facts, as they happened, after (moment, seq), before a moment."""

    @abstractmethod
    def list_facts_of(self, keys: Collection[int], names: Collection[str]) -> list[LaneEvent]:
        """Events of some names of a few keys, by key, class and time, without superseded versions."""

    @abstractmethod
    def list_first_contexts(self, keys: Collection[int], since_at: int) -> dict[int, bytes]:
        """By key the context of the first opportunity since a moment, where there is one."""

    @abstractmethod
    def list_links_in_force(self, lanes: LanesAsked) -> list[Link]:
        """Of every key of some lanes that is or was somebody's, its stretches as they are known today."""

    @abstractmethod
    def find_measured(self, experiment: str) -> Measured | None:
        """What an experiment came to when it was measured last."""

    @abstractmethod
    def find_erased_sums(self, experiment: str) -> dict[Cell, CellSums]:
        """What visitors had added to it who were erased while it was open."""

    @abstractmethod
    def list_lane_opportunities(
        self,
        lane: int,
        slots: Sequence[str],
        since_at: int,
        after: AskedPlace = FIRST_ASKED,
        limit: int = 1_000,
    ) -> list[Opportunity]:
        """Those of one lane (key % 256) for some slots, asked since a moment, by key, session and slot."""

    @abstractmethod
    def retire_events(self, before_at: int, most: int) -> int:
        """A bounded step of letting behaviour and telemetry (classes 1 and 2) from before a moment leave for good.

        How many events left: at most `most`, or 0 when none is left. Superseded versions go with them, and what
        remembers which event carried a business key; key events, records and totals stay. A store that keeps
        events by quarters of a year lets a quarter go at once, as soon as all of it is from before. Raises
        StorageBusyError when others stood in its way; asked again, it goes on.
        """

    def make_room(self, now: int) -> None:  # noqa: B027 - most stores have room as it is
        """Prepares where events of the months to come will lie, and forgets who was met once and never came again."""

    @abstractmethod
    def close(self) -> None: ...
