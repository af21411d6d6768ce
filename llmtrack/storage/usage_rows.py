"""Reads the rows that a plan names: day rows, quarter rows, pairs, events."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from llmtrack.domain.periods import QUARTER_MS
from llmtrack.domain.spans import Span
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.questions import Flat, Pair, Plan, Question, TooMuchToRead
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.sums import EVENT_SUMS, ROLLUP_SUMS, Sums, sums_of

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

FILTER_EVENTS = "\n".join(
    f"  and (:{kind.name.lower()} is null or {column} = :{kind.name.lower()})"
    for kind, column in FILTERS
)
"""Conditions on `event`; an absent filter is null."""


class UsageOf(NamedTuple):
    """The sums of one value in one bucket (a day, a quarter, or 0 for the whole)."""

    bucket: int
    value: int | None
    sums: Sums


def filter_values(filters: Mapping[Kind, int]) -> dict[str, int | None]:
    return {kind.name.lower(): filters.get(kind) for kind, _ in FILTERS}


# `:bucketed` is 1 to keep the buckets apart and 0 to add them up.
_ROLLUP = f"""
select bucket * :bucketed as bucket, {{value}} as value,
  {ROLLUP_SUMS}
from {{table}}
where workspace_id = :workspace_id
  and kind = :kind
  and bucket >= :first
  and bucket < :end
  and {{condition}}
  and (:chosen is null or {{value}} in (select value from json_each(:chosen)))
group by 1, 2
having sum(events) > 0
"""  # noqa: S608 - names of columns


def _rollup(table: str, value: str, condition: str) -> str:
    return _ROLLUP.format(table=table, value=f"{table}.{value}", condition=condition)


_ONE_VALUE = "(:value is null or {table}.value = :value)"
FLAT_DAYS = _rollup("usage_day", "value", _ONE_VALUE.format(table="usage_day"))
FLAT_QUARTERS = _rollup("usage_quarter", "value", _ONE_VALUE.format(table="usage_quarter"))
PAIR_DAYS_OF_FIRST = _rollup("usage_pair_day", "other", "usage_pair_day.value = :value")
PAIR_DAYS_OF_OTHER = _rollup("usage_pair_day", "value", "usage_pair_day.other = :value")

READ_EVENTS = {
    kind: f"""
-- usage_rows.read_events
select 0 as bucket, {column} as value,
  {EVENT_SUMS}
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
{FILTER_EVENTS}
  and (:chosen is null or {column} in (select value from json_each(:chosen)))
group by 2
having count(*) > 0
"""  # noqa: S608 - names of columns
    for kind, column in EVENT_COLUMNS
}


async def read_rollups(
    reading: ScopedReading,
    planned: Plan,
    *,
    bucketed: bool = False,
    chosen: Sequence[int] | None = None,
) -> tuple[list[UsageOf], list[UsageOf]]:
    """The plan's day rows and its quarter rows."""
    found = planned.route
    if found is None:
        return [], []
    common: dict[str, Any] = {"bucketed": int(bucketed), "chosen": _listed(chosen)}
    common["value"] = found.value
    days: list[UsageOf] = []
    if planned.days is not None:
        first, end = planned.days
        code = found.kind if isinstance(found, Flat) else found.code
        rows = await reading.rows(_day_sql(found), kind=code, first=first, end=end, **common)
        days = [_usage(row) for row in rows]
    quarters: list[UsageOf] = []
    for first, end in planned.quarters:
        assert isinstance(found, Flat)  # noqa: S101 - pairs are kept per day only
        rows = await reading.rows(FLAT_QUARTERS, kind=found.kind, first=first, end=end, **common)
        quarters += [_usage(row) for row in rows]
    return days, quarters


async def read_events(
    reading: ScopedReading, question: Question, span: Span, chosen: Sequence[int] | None = None
) -> list[UsageOf]:
    """Sums by value straight from the events of the span."""
    rows = await reading.rows(
        READ_EVENTS[question.kind],
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        chosen=_listed(chosen),
        **filter_values(question.filters),
    )
    return [_usage(row) for row in rows]


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
COUNT_QUARTERS = """
-- usage_rows.check_bound
select coalesce(sum(events), 0)
from usage_quarter
where workspace_id = :workspace_id
  and kind = 0
  and bucket >= :first
  and bucket < :end
"""


async def check_bound(
    reading: ScopedReading, spans: Sequence[Span], events_max: int | None
) -> None:
    """Raises TooMuchToRead if the spans hold more events than may be read one by one."""
    if events_max is None:
        return
    held = 0
    for span in spans:
        # Up to the bound counting stops early; how many there are is a sum of quarters.
        [row] = await reading.rows(
            COUNT_EVENTS, start_ms=span.start_ms, end_ms=span.end_ms, most=events_max + 1
        )
        if row[0] > events_max:
            first, end = span.start_ms // QUARTER_MS, -(-span.end_ms // QUARTER_MS)
            [row] = await reading.rows(COUNT_QUARTERS, first=first, end=end)
        held += row[0]
    if held > events_max:
        raise TooMuchToRead(held, events_max)


def _day_sql(found: Flat | Pair) -> str:
    if isinstance(found, Flat):
        return FLAT_DAYS
    return PAIR_DAYS_OF_FIRST if found.filters_first else PAIR_DAYS_OF_OTHER


def _listed(values: Sequence[int] | None) -> str | None:
    return None if values is None else json.dumps(list(values))


def _usage(row: sqlite3.Row) -> UsageOf:
    return UsageOf(row[0], row[1], sums_of(row, 2))
