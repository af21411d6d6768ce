"""Stored events as what their price follows from, found without a look at all the others.

What has the status `invalid_usage` is left out: why its counts contradict each other is not
stored, so from them alone it would look like usage that has a price.
"""

import json
import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from llmtrack.domain.costs import Cost, CostStatus
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.spans import Span
from llmtrack.domain.usage import COUNT_FIELDS, Convention, Usage
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.event_rows import COLUMNS, EventRow
from llmtrack.storage.reprice_runs import Selection
from llmtrack.storage.scope import ScopedReading

Key = tuple[int, int]
"""An event's `(timestamp_ms, id)`."""

BATCH_EVENTS = 500
QUARTERS_MAX = 96
NO_MODEL = -1

# Which quarters can hold events of the selection, by the rollups: a year has 35,000.
_CANDIDATE_QUARTERS = """
from usage_quarter
where workspace_id = :workspace_id
  and kind = :kind
  and bucket >= :first
  and bucket <= :last
  and (:model_id is null or value = :model_id)
  and (not :only_unpriced or unpriced_events > 0)
  and events > 0
"""
COUNT_CANDIDATES = f"""
-- repricing.candidate_count
select coalesce(sum(iif(:only_unpriced, unpriced_events, events)), 0)
{_CANDIDATE_QUARTERS}
"""
NEXT_QUARTERS = f"""
-- repricing.next_keys
select bucket, sum(iif(:only_unpriced, unpriced_events, events)) as events
{_CANDIDATE_QUARTERS}
group by bucket
order by bucket
limit :quarters
"""
_SELECTED = f"""
  and cost_status <> {int(CostStatus.INVALID_USAGE)}
  and (:model_id is null or model_id = :model_id)
  and (not :only_unpriced or cost_status = {int(CostStatus.UNPRICED)})
"""
READ_KEYS = f"""
-- repricing.next_keys
select timestamp_ms, id
from event
where workspace_id = :workspace_id
  and (timestamp_ms, id) > (:after_ms, :after_id)
  and timestamp_ms < :end_ms
{_SELECTED}
order by timestamp_ms, id
limit :most
"""  # noqa: S608 - constants
_NAMED = """
  (select text from name n where n.workspace_id = e.workspace_id and n.id = e.provider_id)
    as provider,
  (select text from name n where n.workspace_id = e.workspace_id and n.id = e.model_id) as model,
  (select text from name n where n.workspace_id = e.workspace_id and n.id = e.service_tier_id)
    as service_tier"""
READ_EVENTS = f"""
-- repricing.read_events
select {COLUMNS},
{_NAMED}
from event e
where workspace_id = :workspace_id
  and (timestamp_ms, id) in (
    select value ->> 0, value ->> 1 from json_each(:keys)
  )
"""  # noqa: S608 - names of columns
FIND_MODEL = """
-- repricing.model_id
select id from name where workspace_id = :workspace_id and kind = :kind and text = :model
"""


_convention = cache(Convention)  # there are few, and making one takes as long as all the rest


class StoredUsage(NamedTuple):
    """An event with the names and counts that its price follows from."""

    row: EventRow
    provider: str
    model: str
    service_tier: str | None

    def cost(self, book: PriceBook) -> Cost:
        return book.price(
            self.provider,
            self.model,
            stored_usage(self.row),
            at_ms=self.row.timestamp_ms,
            service_tier=self.service_tier,
        )


class Keys(NamedTuple):
    """Events to price, and up to where there are no others; `cursor` None: up to the end."""

    events: list[Key]
    cursor: Key | None


def stored_usage(row: EventRow) -> Usage:
    """The canonical usage that an event was priced by. Not for `invalid_usage`."""
    return usage_of([getattr(row, name) for name in COUNT_FIELDS], row.usage_convention)


def usage_of(counts: Sequence[int | None], convention: int) -> Usage:
    """The same of COUNT_FIELDS as they are stored."""
    sent, answered, total, read, wrote, kept_1h, thought, heard, spoken, searches = counts
    if sent is not None and answered is not None:
        total = sent + answered  # not stored where it follows
    return Usage(
        input_tokens=sent,
        output_tokens=answered,
        total_tokens=total,
        cache_read_tokens=read,
        cache_write_tokens=wrote,
        cache_write_1h_tokens=kept_1h,
        reasoning_tokens=thought,
        input_audio_tokens=heard,
        output_audio_tokens=spoken,
        web_searches=searches,
        convention=_convention(convention),
    )


async def candidate_count(reading: ScopedReading, selection: Selection) -> int:
    """How many events there are to look at, about: whole quarters are counted."""
    [row] = await reading.rows(COUNT_CANDIDATES, **await _asked(reading, selection))
    return int(row[0])


async def next_keys(
    reading: ScopedReading, selection: Selection, after: Key, *, most: int = BATCH_EVENTS
) -> Keys:
    """The next events behind a cursor, without a look at the quarters that have none."""
    asked = await _asked(reading, selection)
    cursor = max(after, (selection.start_ms, -1))
    keys: list[Key] = []
    while not keys:
        first = cursor[0] // QUARTER_MS
        rows = await reading.rows(NEXT_QUARTERS, **asked | {"first": first}, quarters=QUARTERS_MAX)
        if not rows:
            return Keys([], None)
        for span in _spans(rows, most):
            found = await reading.rows(
                READ_KEYS,
                after_ms=max(cursor, (span.start_ms, -1))[0],
                after_id=max(cursor, (span.start_ms, -1))[1],
                end_ms=min(span.end_ms, selection.end_ms),
                model_id=asked["model_id"],
                only_unpriced=asked["only_unpriced"],
                most=most - len(keys),
            )
            keys += [(key[0], key[1]) for key in found]
            cursor = (span.end_ms, -1)
            if len(keys) == most:
                return Keys(keys, keys[-1])
    return Keys(keys, cursor)


def _spans(quarters: Sequence[sqlite3.Row], most: int) -> list[Span]:
    """Neighbouring quarters joined, as many as may hold `most` events."""
    spans: list[Span] = []
    counted = 0
    for bucket, events in quarters:
        span = Span(bucket * QUARTER_MS, (bucket + 1) * QUARTER_MS)
        if spans and spans[-1].end_ms == span.start_ms:
            span = Span(spans.pop().start_ms, span.end_ms)
        spans.append(span)
        counted += events
        if counted >= most:
            break
    return spans


async def read_events(reading: ScopedReading, keys: Sequence[Key]) -> list[StoredUsage]:
    return [stored_of(row) for row in await reading.rows(READ_EVENTS, keys=json.dumps(keys))]


async def _asked(reading: ScopedReading, selection: Selection) -> dict[str, int | None]:
    model_id = None
    if selection.model is not None:
        rows = await reading.rows(FIND_MODEL, kind=Kind.MODEL, model=selection.model)
        model_id = rows[0][0] if rows else NO_MODEL
    return {
        "kind": Kind.TOTAL if model_id is None else Kind.MODEL,
        "model_id": model_id,
        "only_unpriced": int(selection.only_unpriced),
        "first": selection.start_ms // QUARTER_MS,
        "last": (selection.end_ms - 1) // QUARTER_MS,
    }


def stored_of(row: sqlite3.Row) -> StoredUsage:
    *event, provider, model, service_tier = tuple(row)
    return StoredUsage(EventRow(*event), provider, model, service_tier)
