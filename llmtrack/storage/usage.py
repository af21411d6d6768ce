"""The write path: a batch of priced events into the file, all inside one transaction.

For each event, in this order: a known idempotency key is a duplicate; a known response id
completes the event that it names; the plan may refuse; else a row is added. Rollups and
quota counters change in the same transaction.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from llmtrack.domain.events import DEFAULT_ENVIRONMENT, UNKNOWN_FEATURE
from llmtrack.domain.identifiers import new_event_ids
from llmtrack.domain.periods import month_of
from llmtrack.domain.plans import Refusal, refusal
from llmtrack.storage.catalog import Catalog
from llmtrack.storage.counting import Countings
from llmtrack.storage.digest_levels import Key
from llmtrack.storage.digests import digest_of
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.event_digests import KEYS, RESPONSES, EventDigests
from llmtrack.storage.event_rows import (
    EventRow,
    completed,
    find_event,
    insert_events,
    replace_event,
)
from llmtrack.storage.pending_sums import PendingSums, settle
from llmtrack.storage.priced_events import PricedEvent, event_row
from llmtrack.storage.rollups import Rollups

__all__ = ["Outcome", "PricedEvent", "UsageWriter"]

COUNT_MONTH = """
-- usage.count_month
select events from quota_month where workspace_id = ? and month = ?
"""
ADD_MONTH = """
-- usage.add_month
insert into quota_month (workspace_id, month, events) values (?, ?, ?)
on conflict do update set events = events + excluded.events
"""


class Outcome(NamedTuple):
    """What became of one event: a duplicate, a refusal, or a row (new or completed)."""

    timestamp_ms: int = 0
    event_id: int = 0
    duplicate: bool = False
    merged: bool = False
    refusal: Refusal | None = None
    cost_pico: int | None = None
    cost_status: int = 0


class UsageWriter:
    """Adds batches. Lives on the writer's thread.

    With `pending`, the sums of new events are left to it; else they are written at once.
    """

    def __init__(self, pending: PendingSums | None = None) -> None:
        self._pending = pending
        self._catalog = Catalog()
        self._generation = -1

    def forget(self) -> None:
        """Drop what is known; needed after a transaction that failed."""
        self._catalog.forget()
        if self._pending is not None:
            self._pending.forget()

    def add(
        self, connection: sqlite3.Connection, batch: Sequence[PricedEvent], generation: int
    ) -> list[Outcome]:
        """Store a batch inside the caller's transaction; `generation` is the database's."""
        if generation != self._generation:  # something else has written
            self._catalog.forget()
            self._generation = generation
        if self._pending is None:
            settle(connection)
        else:
            self._pending.follow(connection)
        return _Batch(self._catalog, connection, self._pending).add(batch)


class _Batch:
    """One transaction's worth of events."""

    def __init__(
        self, catalog: Catalog, connection: sqlite3.Connection, pending: PendingSums | None
    ) -> None:
        self._catalog = catalog
        self._connection = connection
        self._pending = pending
        self._rollups = Rollups(Countings(connection).of)
        self._digests = EventDigests.none()
        self._noted = pending.digests if pending is not None else EventDigests.none()
        self._rows: list[EventRow] = []
        self._places: dict[tuple[int, int, int], int] = {}  # keys of rows with a response id
        self._months: Counter[tuple[int, int]] = Counter()
        self._months_before: dict[tuple[int, int], int] = {}

    def add(self, batch: Sequence[PricedEvent]) -> list[Outcome]:
        outcomes = self._add_new(batch)
        if outcomes is None:
            outcomes = [self._add(item) for item in batch]
        insert_events(self._connection, self._rows)
        if self._pending is None:
            for row in self._rows:
                self._rollups.add(row)
            self._digests.write(self._connection)
        elif self._rows or self._digests.keys:
            self._pending.note(self._connection, self._rows, self._digests)
        self._rollups.write(self._connection)
        self._connection.executemany(
            ADD_MONTH, [(*month, events) for month, events in self._months.items()]
        )
        return outcomes

    def _add_new(self, batch: Sequence[PricedEvent]) -> list[Outcome] | None:
        """The usual batch: all of it is new and within the plans, so one statement each will do.

        None if it is another one; then nothing was stored of it but names.
        """
        months = Counter((item.workspace_id, month_of(item.event.received_ms)) for item in batch)
        for (workspace_id, month), count in months.items():
            if self._refusal(workspace_id, month, count - 1) is not None:
                return None
        ids = new_event_ids(len(batch))
        rows = [self._row(item, event_id) for item, event_id in zip(batch, ids, strict=True)]
        digests = EventDigests.none()
        key_count, response_count = 0, 0
        for item, row in zip(batch, rows, strict=True):
            if key := self._known_by(row.workspace_id, item.event.idempotency_key):
                key_count += 1
                digests.keys.add(key)
            if response := self._known_by(row.workspace_id, item.event.response_id):
                response_count += 1
                digests.responses[response] = row.timestamp_ms, row.id
        is_each_once = (len(digests.keys), len(digests.responses)) == (key_count, response_count)
        if not is_each_once or not digests.are_new(self._connection, self._noted):
            return None
        self._digests = digests
        self._rows = rows
        self._months = months
        return [_stored(row) for row in rows]

    def _add(self, item: PricedEvent) -> Outcome:
        event, workspace_id = item.event, item.workspace_id
        key = self._known_by(workspace_id, event.idempotency_key)
        if key is not None and self._is_known(key):
            return Outcome(duplicate=True)
        response = self._known_by(workspace_id, event.response_id)
        first = self._first_report(response) if response else None
        month = month_of(event.received_ms)
        refused = self._refusal(workspace_id, month, self._months[workspace_id, month])
        if first is None and refused is not None:
            return Outcome(refusal=refused)  # its key is not remembered: it may be sent again
        if key is not None:
            self._digests.keys.add(key)
        if first is not None:
            return self._complete(first, item)
        row = self._row(item, *new_event_ids(1))
        if response is not None:
            self._places[row[:3]] = len(self._rows)
            self._digests.responses[response] = row.timestamp_ms, row.id
        self._rows.append(row)
        self._months[workspace_id, month] += 1
        return _stored(row)

    def _known_by(self, workspace_id: int, text: str | None) -> Key | None:
        if not text:
            return None
        facts = self._catalog.workspace(self._connection, workspace_id)
        return workspace_id, digest_of(text, facts.digest_bytes)

    def _is_known(self, key: Key) -> bool:
        return (
            key in self._digests.keys
            or key in self._noted.keys
            or KEYS.find(self._connection, key) is not None
        )

    def _refusal(self, workspace_id: int, month: int, more: int) -> Refusal | None:
        """Why an event is refused when `more` of its month were added in this transaction."""
        plan = self._catalog.workspace(self._connection, workspace_id).plan
        used = 0
        if plan.monthly_events is not None:
            key = (workspace_id, month)
            if key not in self._months_before:
                row = self._connection.execute(COUNT_MONTH, key).fetchone()
                self._months_before[key] = row[0] if row else 0
            used = self._months_before[key] + more
        return refusal(plan, used)

    def _first_report(self, response: Key) -> EventRow | None:
        """The event that already tells of this response; None if new, or purged since."""
        workspace_id = response[0]
        found = self._digests.responses.get(response) or self._noted.responses.get(response)
        if found is None:
            row = RESPONSES.find(self._connection, response)
            if row is None:
                return None
            found = row[2], row[3]
        place = self._places.get((workspace_id, *found))
        if place is not None:
            return self._rows[place]
        return find_event(self._connection, workspace_id, *found)

    def _complete(self, first: EventRow, item: PricedEvent) -> Outcome:
        workspace_id = first.workspace_id
        after = completed(
            first,
            self._row(item, first.id),
            unknown_feature_id=self._name(workspace_id, Kind.FEATURE, UNKNOWN_FEATURE),
            default_environment_id=self._name(workspace_id, Kind.ENVIRONMENT, DEFAULT_ENVIRONMENT),
        )
        place = self._places.get(first[:3])
        if place is not None:  # not inserted yet: counted when it is
            self._rows[place] = after
        elif after != first:
            if self._pending is not None:  # `first` may not be in the sums that it leaves
                self._pending.settle(self._connection)
            replace_event(self._connection, after)
            self._rollups.remove(first)
            self._rollups.add(after)
        return _stored(after)._replace(merged=True)

    def _row(self, item: PricedEvent, event_id: int) -> EventRow:
        return event_row(self._connection, self._catalog, item, event_id)

    def _name(self, workspace_id: int, kind: Kind, text: str) -> int:
        return self._catalog.names.id_of(self._connection, workspace_id, kind, text)


def _stored(row: EventRow) -> Outcome:
    return Outcome(row.timestamp_ms, row.id, cost_pico=row.cost_pico, cost_status=row.cost_status)
