"""Latency percentiles, from counts in logarithmic steps that add up over any span.

Steps are kept per day by total, model and feature, per quarter by total alone; what is left
of days at the edges of a span is read from its events. Any other question reads events, within
the same bound as the sums: past it `TooMuchToRead`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llmtrack.domain.latency import latency_step
from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.spans import Span, cut, cut_finely
from llmtrack.storage.day_edges import day_pieces
from llmtrack.storage.day_zones import are_days_of
from llmtrack.storage.dimensions import LATENCY_DAY_KINDS, LATENCY_QUARTER_KINDS, Kind
from llmtrack.storage.marked_days import kept_under, read_marked
from llmtrack.storage.packs import LATENCY, Shelf, read_packs, unpack_steps
from llmtrack.storage.questions import Flat, Question, route
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.usage_rows import (
    COLUMNS_BY_KIND,
    FILTER_EVENTS,
    NO_VALUE,
    check_bound,
    column_of,
    filter_values,
    has_time,
    settled_parts,
)

Steps = dict[int | None, Counter[int]]
"""Events by latency step, by value."""


def _rollup(table: str, where: str = "") -> str:
    return f"""
-- latencies.latency_steps
select u.value, u.step, sum(u.events)
from json_each(:buckets) b
cross join {table} u
where u.workspace_id = :workspace_id
  and u.kind = :kind
  and u.bucket = b.value
  {where}
group by u.value, u.step
"""  # noqa: S608 - names of ours


_OF_ONE = "and u.value = :value"
LATENCY_DAYS, LATENCY_DAYS_OF_ONE = _rollup("latency_day"), _rollup("latency_day", _OF_ONE)
LATENCY_QUARTERS = _rollup("latency_quarter")

HOUR_MS = 3_600_000


def _row_ms(kind: Kind | None) -> int:
    """A row an event would take longer to hand over than to read, and a list of all is a long text.

    Of thousands of customers each has few events an hour: a day's list is no longer than those of
    the others.
    """
    return DAY_MS if kind is Kind.CUSTOMER else HOUR_MS


LATENCY_EVENTS = {
    kind: f"""
-- latencies.steps_of_events
select {column}, group_concat(latency_ms), timestamp_ms / {_row_ms(kind)}
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
  and latency_ms is not null
{FILTER_EVENTS}
group by 1, 3
"""  # noqa: S608 - names of columns
    for kind, column in COLUMNS_BY_KIND.items()
}


async def latency_steps(reading: ScopedReading, question: Question) -> Steps:
    """How many events lie in each step, by value (TOTAL: under 0). Raises TooMuchToRead."""
    found: Steps = defaultdict(Counter)
    kept = route(question)
    if not isinstance(kept, Flat) or kept.kind not in LATENCY_DAY_KINDS:
        await check_bound(reading, [question.span], question.read_events_max, question.filters)
        return dict(await steps_of_events(reading, question, question.span))
    pieces = await latency_pieces(reading, question, kept)
    parts = []
    if pieces.days is not None:
        parts.append(await _steps_of_days(reading, kept, pieces.days))
    if pieces.quarters:
        buckets = [bucket for span in pieces.quarters for bucket in range(*span)]
        parts.append(await _steps_of(reading, LATENCY_QUARTERS, kept, buckets))
    parts += [await steps_of_events(reading, question, span) for span in pieces.more]
    for part in parts:
        for value, steps in part.items():
            found[0 if question.kind is Kind.TOTAL else value].update(steps)
    for span in pieces.less:
        for value, steps in (await steps_of_events(reading, question, span)).items():
            found[value] -= steps
    return {value: steps for value, steps in found.items() if steps}


class LatencyPieces(NamedTuple):
    """What a span's steps are read from; the events of `less` are in the days and not asked for."""

    days: tuple[int, int] | None
    quarters: tuple[tuple[int, int], ...]
    more: tuple[Span, ...]
    less: tuple[Span, ...]


async def latency_pieces(
    reading: ScopedReading, question: Question, kept: Flat, *, fine: bool = False
) -> LatencyPieces:
    """`fine`: without day rows."""
    span, zone = question.span, question.time_zone
    fine = fine or not await are_days_of(reading, zone)
    if kept.kind in LATENCY_QUARTER_KINDS:
        return LatencyPieces(*(cut_finely(span) if fine else cut(span, zone)), ())
    if fine:
        return LatencyPieces(None, (), (span,), ())
    edges = await day_pieces(reading, question)
    return LatencyPieces(edges.days, (), edges.more, edges.less)


async def _steps_of_days(reading: ScopedReading, kept: Flat, days: tuple[int, int]) -> Steps:
    packs: list[bytes] = []
    left: Sequence[int] = range(*days)
    if kept.value is None:
        packs, left = await read_packs(reading, Shelf(LATENCY + kept.kind), days)
    sql = LATENCY_DAYS if kept.value is None else LATENCY_DAYS_OF_ONE
    values = {"kind": kept.kind, "value": kept.value}
    marked, left = await read_marked(reading, sql, values, left)
    found = unpack_steps(packs if marked is None else [*packs, marked])
    for value, steps in (await _steps_of(reading, sql, kept, left)).items():
        found[value].update(steps)
    return found


async def _steps_of(reading: ScopedReading, sql: str, kept: Flat, buckets: Sequence[int]) -> Steps:
    found: Steps = defaultdict(Counter)
    if buckets:
        values = {"kind": kept.kind, "value": kept.value, "buckets": json.dumps(list(buckets))}
        for value, step, events in await reading.rows(sql, **values):
            of_value = found[value]
            of_value[step] = of_value.get(step, 0) + events
    return found


async def steps_of_events(reading: ScopedReading, question: Question, span: Span) -> Steps:
    """The same from the events of a span, without a bound."""

    async def read(of: Span) -> Steps:
        rows = await reading.rows(LATENCY_EVENTS[column], **of._asdict(), **values)
        found: Steps = defaultdict(Counter)
        for value, latencies_ms, _ in rows:
            found[value].update(map(latency_step, map(int, latencies_ms.split(","))))
        return found

    async def numbers() -> Iterator[tuple[int, ...]]:
        of_values = (await read(settled[0])).items()
        return (
            (NO_VALUE if value is None else value, step, events)
            for value, steps in of_values
            for step, events in steps.items()
        )

    column, named = column_of(question.kind)
    values = {**named, **filter_values(question.filters)}
    settled, [open_span], marks = await settled_parts(reading, question, [span])
    found = await read(open_span) if has_time(open_span) else defaultdict(Counter)
    if marks:
        asked = (LATENCY_EVENTS[column], values, settled)
        for value, steps in unpack_steps(
            [await kept_under(reading, marks, asked, numbers)]
        ).items():
            found[None if value == NO_VALUE else value].update(steps)
    return found
