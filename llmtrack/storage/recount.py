"""Counts the rollups again from the events, day by day, and finds every row that differs.

Deliberately not the code that writes them (`rollups`): SQL does the sums here, so that a
mistake in one of the two cannot hide in the other. One day at a time bounds the memory, and
each day is read in one transaction, so the server may go on writing meanwhile.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from llmtrack.domain.periods import QUARTER_MS, day_of, day_of_quarter, day_start_ms
from llmtrack.storage.dimensions import (
    DAY_KINDS,
    LATENCY_DAY_KINDS,
    LATENCY_QUARTER_KINDS,
    MEASURES,
    PAIRS,
    QUARTER_KINDS,
    Kind,
    Tag,
    pair_code,
)
from llmtrack.storage.purge import PURGED_KIND
from llmtrack.storage.recount_latencies import wrong_latencies
from llmtrack.storage.recount_proof import Proven, prove
from llmtrack.storage.recount_queries import COUNTED, NOT_EMPTY, counted, differing
from llmtrack.storage.recount_tag_proof import prove_tags
from llmtrack.storage.recount_tags import first_tag_buckets, wrong_tags
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.sums import EVENT_SUMS
from llmtrack.storage.tracked_tags import tags_of
from llmtrack.storage.usage_rows import EVENT_COLUMNS

_COLUMNS = dict(EVENT_COLUMNS)


class Difference(NamedTuple):
    """A day on which some rows of a table are not what the events add up to."""

    table: str
    what: str
    day: int
    rows: int


class _Rows(NamedTuple):
    """Which rows of a table are compared, and what to call them."""

    table: str
    what: str
    kind: int
    first: int
    end: int


class _Day(NamedTuple):
    number: int
    start_ms: int
    end_ms: int

    @property
    def quarters(self) -> range:
        return range(self.start_ms // QUARTER_MS, self.end_ms // QUARTER_MS)


QUARTERS_DIFFER = {
    kind: differing(
        "usage_quarter",
        "bucket, value",
        counted({"bucket": f"timestamp_ms / {QUARTER_MS}", "value": _COLUMNS[kind]}),
    )
    for kind in QUARTER_KINDS
}
DAY_DIFFERS = {
    kind: differing(
        "usage_day", "value", counted({"value": _COLUMNS[kind]}, f"{_COLUMNS[kind]} is not null")
    )
    for kind in DAY_KINDS
}
PAIRS_DIFFER = {
    (first, second): differing(
        "usage_pair_day",
        "value, other",
        counted(
            {"value": _COLUMNS[first], "other": _COLUMNS[second]},
            f"{_COLUMNS[second]} is not null",
        ),
    )
    for first, second in PAIRS
}

# What was purged was counted, and is no longer among the events: it is added to them here.
_STORED = ", ".join(MEASURES)
PURGED_DAY_DIFFERS = f"""
-- recount.differences
with counted as (
  select timestamp_ms / {QUARTER_MS} as bucket, {EVENT_SUMS}
  from event
  where workspace_id = :workspace_id
    and timestamp_ms >= :start_ms
    and timestamp_ms < :end_ms
  group by 1
), known as (
  select bucket, {COUNTED} from counted
  union all
  select bucket, {_STORED} from usage_quarter
  where workspace_id = :workspace_id
    and kind = {PURGED_KIND}
    and bucket >= :first
    and bucket < :end
), expected as materialized (
  select bucket, {", ".join(f"sum({name}) as {name}" for name in MEASURES)}
  from known
  group by 1
), stored as materialized (
  select bucket, {_STORED} from usage_quarter
  where workspace_id = :workspace_id
    and kind = {int(Kind.TOTAL)}
    and bucket >= :first
    and bucket < :end
    and ({NOT_EMPTY})
)
select count(*) from (
  select bucket from (select * from expected except select * from stored)
  union
  select bucket from (select * from stored except select * from expected)
)
"""  # noqa: S608 - names of tables and columns
FIND_PURGED = f"""
-- recount.is_purged
select exists (
  select 1 from usage_quarter
  where workspace_id = :workspace_id
    and kind = {PURGED_KIND}
    and bucket >= :first
    and bucket < :end
)
"""  # noqa: S608 - a number


async def is_purged(reading: ScopedReading, day_number: int, time_zone: str) -> bool:
    """Whether events of that day were purged: then only its total can be counted again."""
    quarters = _day(day_number, time_zone).quarters
    [row] = await reading.rows(FIND_PURGED, first=quarters.start, end=quarters.stop)
    return bool(row[0])


async def differences(
    reading: ScopedReading,
    day_number: int,
    time_zone: str,
    weights: dict[str, int] | None = None,
) -> list[Difference]:
    """What is wrong on one day of the workspace's zone.

    With `weights` (see `recount_proof`) rows are counted only where something is.
    """
    day = _day(day_number, time_zone)
    quarters = (day.quarters.start, day.quarters.stop)
    if await is_purged(reading, day_number, time_zone):
        rows = _Rows("usage_quarter", "total with what was purged", Kind.TOTAL, *quarters)
        return await _compare(reading, day, PURGED_DAY_DIFFERS, rows)
    proven = Proven(usage=False, latencies=False)
    if weights is not None:
        proven = await prove(reading, weights, day=day.number, quarters=day.quarters)
    found = [] if proven.usage else await _row_by_row(reading, day)
    tags = await tags_of(reading)
    if tags and not await _are_right(reading, weights, tags, day):
        of_tags = await wrong_tags(reading, tags, day=day.number, quarters=day.quarters)
        found += [Difference(table, what, day.number, rows) for table, what, rows in of_tags]
    if not proven.latencies:
        wrong = await wrong_latencies(reading, day.number, day.quarters)
        found += [
            Difference(table, "latency", day.number, rows) for table, rows in wrong.items() if rows
        ]
    return found


async def _are_right(
    reading: ScopedReading, weights: dict[str, int] | None, tags: Sequence[Tag], day: _Day
) -> bool:
    if weights is None:
        return False
    return await prove_tags(reading, weights, tags, day=day.number, quarters=day.quarters)


async def _row_by_row(reading: ScopedReading, day: _Day) -> list[Difference]:
    quarters = (day.quarters.start, day.quarters.stop)
    days = (day.number, day.number + 1)
    found: list[Difference] = []
    for kind, sql in QUARTERS_DIFFER.items():
        rows = _Rows("usage_quarter", _of(kind), kind, *quarters)
        found += await _compare(reading, day, sql, rows)
    for kind, sql in DAY_DIFFERS.items():
        found += await _compare(reading, day, sql, _Rows("usage_day", _of(kind), kind, *days))
    for pair, sql in PAIRS_DIFFER.items():
        rows = _Rows("usage_pair_day", " x ".join(map(_of, pair)), pair_code(*pair), *days)
        found += await _compare(reading, day, sql, rows)
    return found


async def _compare(reading: ScopedReading, day: _Day, sql: str, rows: _Rows) -> list[Difference]:
    [row] = await reading.rows(
        sql,
        kind=rows.kind,
        start_ms=day.start_ms,
        end_ms=day.end_ms,
        first=rows.first,
        end=rows.end,
    )
    return [Difference(rows.table, rows.what, day.number, row[0])] if row[0] else []


def _first_bucket(tables: Iterable[tuple[str, int]], bucket: str) -> str:
    """The least bucket not below `:bucket` over some (table, kind): one seek for each."""
    return "\n  union all\n".join(
        f"""  select min(bucket) as bucket from {table}
  where workspace_id = :workspace_id and kind = {kind} and bucket >= :{bucket}"""  # noqa: S608
        for table, kind in tables
    )


_QUARTER_ROWS = [
    *(("usage_quarter", int(kind)) for kind in (*QUARTER_KINDS, PURGED_KIND)),
    *(("latency_quarter", int(kind)) for kind in LATENCY_QUARTER_KINDS),
]
_DAY_ROWS = [
    *(("usage_day", int(kind)) for kind in DAY_KINDS),
    *(("usage_pair_day", pair_code(*pair)) for pair in PAIRS),
    *(("latency_day", int(kind)) for kind in LATENCY_DAY_KINDS),
]
NEXT_BUCKETS = f"""
-- recount.next_day
select
  (select min(timestamp_ms) from event
   where workspace_id = :workspace_id and timestamp_ms >= :start_ms) as event_ms,
  (select min(bucket) from (
{_first_bucket(_QUARTER_ROWS, "quarter")})) as quarter,
  (select min(bucket) from (
{_first_bucket(_DAY_ROWS, "day")})) as day
"""  # noqa: S608 - names of tables


async def next_day(reading: ScopedReading, from_day: int, time_zone: str) -> int | None:
    """The first day not before `from_day` that has an event or a row of any rollup."""
    start_ms = day_start_ms(from_day, time_zone)
    [row] = await reading.rows(
        NEXT_BUCKETS, start_ms=start_ms, quarter=start_ms // QUARTER_MS, day=from_day
    )
    quarter, tag_day = await first_tag_buckets(reading, start_ms // QUARTER_MS, from_day)
    found = [day for day in (row["day"], tag_day) if day is not None]
    quarters = (row["quarter"], quarter)
    found += [day_of_quarter(each, time_zone) for each in quarters if each is not None]
    if row["event_ms"] is not None:
        found.append(day_of(row["event_ms"], time_zone))
    return min(found, default=None)


def _day(number: int, time_zone: str) -> _Day:
    return _Day(number, day_start_ms(number, time_zone), day_start_ms(number + 1, time_zone))


def _of(kind: Kind) -> str:
    return kind.name.lower()
