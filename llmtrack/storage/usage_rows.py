"""Sums straight from events, and the bound on how many of them may be read."""

import json
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any

from llmtrack.domain.periods import DAY_MS, QUARTER_MS, day_of, day_start_ms
from llmtrack.domain.spans import Span
from llmtrack.storage.day_edges import note_deleted, were_purged
from llmtrack.storage.day_zones import are_days_of
from llmtrack.storage.dimensions import MEASURES, Dimension, Filters, Kind, Tag, is_quarterly
from llmtrack.storage.marked_days import kept_under, marks_of
from llmtrack.storage.packs import unpack_rows
from llmtrack.storage.questions import PASSED_PER_READ, Question, TooMuchToRead
from llmtrack.storage.rollup_rows import UsageOf
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.sums import EVENT_SUMS, Sums, sums_of
from llmtrack.storage.tag_values import FILTER_TAGS, TAG_VALUE, tag_filters

EVENT_COLUMNS = (
    (Kind.TOTAL, "0"),
    (Kind.PROVIDER, "provider_id"),
    (Kind.MODEL, "model_id"),
    (Kind.FEATURE, "feature_id"),
    (Kind.KEY, "key_id"),
    (Kind.ENVIRONMENT, "environment_id"),
    (Kind.STATUS, "status"),
    (Kind.SOURCE, "source_id"),
    (Kind.CUSTOMER, "customer_id"),
)
FILTERS = tuple((kind, column) for kind, column in EVENT_COLUMNS if kind is not Kind.TOTAL)

COLUMNS_BY_KIND: dict[Kind | None, str] = {**dict(EVENT_COLUMNS), None: TAG_VALUE}
"""Expressions for an event's value; under None that of a tag, see `column_of`."""

FILTER_EVENTS = "\n".join(
    [
        *(
            f"  and (:{kind.name.lower()} is null or {column} = :{kind.name.lower()})"
            for kind, column in FILTERS
        ),
        FILTER_TAGS,
    ]
)
"""Conditions on `event`; an absent filter is null."""


def filter_values(filters: Filters) -> dict[str, int | str | None]:
    known = dict(filters.items())
    values = {kind.name.lower(): known.get(kind) for kind, _ in FILTERS}
    return {**values, "tags": tag_filters(filters)}


def column_of(kind: Dimension, prefix: str = "") -> tuple[Kind | None, dict[str, str | int]]:
    """Which of COLUMNS_BY_KIND it is, and its parameters."""
    return (None, kind.parameters(prefix)) if isinstance(kind, Tag) else (kind, {})


READ_EVENTS = {
    kind: f"""
-- usage_rows.read_events
select s.key as bucket, {column} as value,
  {EVENT_SUMS}
from json_each(:spans) s
cross join event
where workspace_id = :workspace_id
  and timestamp_ms >= s.value ->> 0
  and timestamp_ms < s.value ->> 1
{FILTER_EVENTS}
  and (:chosen is null or {column} in (select value from json_each(:chosen)))
group by 1, 2
having count(*) > 0
"""  # noqa: S608 - names of columns
    for kind, column in COLUMNS_BY_KIND.items()
}


async def read_events(
    reading: ScopedReading,
    question: Question,
    spans: Sequence[Span],
    chosen: Sequence[int] | None = None,
) -> list[UsageOf[Sums]]:
    """Sums by value straight from the events of some spans; a bucket is a span's place."""
    if not spans:
        return []
    column, named = column_of(question.kind)
    values = {"chosen": _listed(chosen), **named, **filter_values(question.filters)}

    async def read(of: Sequence[Span]) -> list[tuple[int, ...]]:
        rows = await reading.rows(READ_EVENTS[column], spans=json.dumps(of), **values)
        return [_of_numbers(row) for row in rows]

    found: dict[tuple[int, int], Sums] = {}
    settled, open_spans, marks = await settled_parts(reading, question, spans)
    rows: Iterable[Sequence[int]] = await read(open_spans) if any(map(has_time, open_spans)) else ()
    if marks:
        asked = (READ_EVENTS[column], values, settled)
        packed = await kept_under(reading, marks, asked, partial(read, settled))
        rows = chain(unpack_rows(packed, 2 + len(MEASURES)), rows)
    for row in rows:
        place, sums = (row[0], row[1]), sums_of(row, 2)
        found[place] = found[place] + sums if place in found else sums
    return [
        UsageOf(bucket, None if value == NO_VALUE else value, sums)
        for (bucket, value), sums in found.items()
    ]


NO_VALUE = -1
"""Of events without one, where only numbers are kept."""
SETTLED_MS_MIN = 6 * 3_600_000
"""Of spans whose settled part is kept: less is read as quickly as it is looked for."""


def _of_numbers(row: Sequence[Any]) -> tuple[int, ...]:
    """Without nulls: an event may have no value, and none of some may tell a number."""
    bucket, value, *sums = row
    return (bucket, NO_VALUE if value is None else value, *(number or 0 for number in sums))


def has_time(span: Span) -> bool:
    return span.length_ms > 0


async def settled_parts(
    reading: ScopedReading, question: Question, spans: Sequence[Span]
) -> tuple[Sequence[Span], Sequence[Span], dict[int, bytes]]:
    """The spans as far as their days are marked, and behind that; the marks of those days.

    A mark says nothing of events that were purged, nor of metadata that was erased.
    """
    zone = question.time_zone
    whole = Span(min(span.start_ms for span in spans), max(span.end_ms for span in spans))
    is_by_tag = any(isinstance(kind, Tag) for kind in (question.kind, *question.filters))
    is_short = sum(span.length_ms for span in spans) < SETTLED_MS_MIN
    if is_by_tag or is_short or not await are_days_of(reading, zone):
        return (), spans, {}
    if await were_purged(reading, [whole]):
        return (), spans, {}
    days = range(day_of(whole.start_ms, zone), day_of(whole.end_ms - 1, zone) + 1)
    marks = await marks_of(reading, days)
    first_open = next((day for day in days if day not in marks), days.stop)
    of_settled = {day: mark for day, mark in marks.items() if day < first_open}
    until_ms = day_start_ms(first_open, zone)
    before = [Span(min(s.start_ms, until_ms), min(s.end_ms, until_ms)) for s in spans]
    behind = [Span(max(s.start_ms, until_ms), max(s.end_ms, until_ms)) for s in spans]
    return before, behind, of_settled


COUNT_EVENTS = """
-- usage_rows.check_bound
select count(*) from (
  select 1 from event
  where workspace_id = :workspace_id
    and timestamp_ms >= :start_ms
    and timestamp_ms < :end_ms
  limit :most
)
"""
COUNTED = {
    table: f"""
-- usage_rows.check_bound
select coalesce(sum(u.events), 0)
from json_each(:buckets) b
cross join {table} u
where u.workspace_id = :workspace_id
  and u.kind = :kind
  and u.bucket = b.value
  and u.value = :value
"""  # noqa: S608 - names of tables
    for table in ("usage_quarter", "usage_day")
}
FEW_DAYS_MS = 3 * DAY_MS


async def check_bound(
    reading: ScopedReading,
    spans: Sequence[Span],
    events_max: int | None,
    filters: Filters | None = None,
    *,
    passes: int = 1,
) -> None:
    """Raises TooMuchToRead if reading the spans' events one by one is more than may be.

    That is `events_max` events that the filters let through, or PASSED_PER_READ times as many
    that are looked at. The rollups know at most how many that can be. One reading that takes the
    place of several `passes` may let as many through as they would.
    """
    await note_deleted(reading, spans)
    if events_max is None:
        return
    looks_max, reads_max = PASSED_PER_READ * events_max, passes * events_max
    held = [await _at_most(reading, Kind.TOTAL, 0, span) for span in spans]
    if sum(held) <= events_max:
        return
    read = [
        min([of_all, *await _of_filters(reading, span, filters or {})])
        for span, of_all in zip(spans, held, strict=True)
    ]
    if sum(read) <= reads_max and sum(held) <= looks_max:
        return  # what was purged is in these, too: fewer events are there
    held = [
        await _held(reading, span, of_all, looks_max)
        for span, of_all in zip(spans, held, strict=True)
    ]
    read = list(map(min, read, held))
    if sum(read) > reads_max:
        raise TooMuchToRead(sum(read), reads_max)
    if sum(held) > looks_max:
        raise TooMuchToRead(sum(held), looks_max)


async def _of_filters(reading: ScopedReading, span: Span, filters: Filters) -> list[int]:
    """How many events each of the filters lets through at most, as the sums have it."""
    return [
        await _at_most(reading, kind, value, span)
        for kind, value in filters.items()
        if not isinstance(kind, Tag) or kind.is_counted_from(span.start_ms)
    ]


async def _held(reading: ScopedReading, span: Span, held: int, most: int) -> int:
    """How many events the span has; what was purged is still in the sums, but not among them.

    `held`: at most so many, as the sums have it.
    """
    if held > most and not await were_purged(reading, [span]):
        return held
    [row] = await reading.rows(
        COUNT_EVENTS, start_ms=span.start_ms, end_ms=span.end_ms, most=most + 1
    )
    return int(row[0])


async def _at_most(reading: ScopedReading, kind: Dimension, value: int, span: Span) -> int:
    """No fewer than the span has of a value: what lies at its edges is counted whole."""
    if is_quarterly(kind) and span.length_ms < FEW_DAYS_MS:
        table, unit, more = "usage_quarter", QUARTER_MS, 0
    else:
        table, unit, more = "usage_day", DAY_MS, 1  # a zone's days begin up to a day from UTC's
    buckets = range(span.start_ms // unit - more, -(-span.end_ms // unit) + more)
    [row] = await reading.rows(
        COUNTED[table], buckets=json.dumps(list(buckets)), kind=kind, value=value
    )
    return int(row[0])


def _listed(values: Sequence[int] | None) -> str | None:
    return None if values is None else json.dumps(list(values))
