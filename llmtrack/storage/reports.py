"""Reports of usage: totals, a breakdown by one dimension, and both per bucket of time.

All of them are exact for any span: day rows inside, quarter rows at the edges, and single
events where a quarter is cut. Reads of one page belong in one `scope.reading()`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, NamedTuple

from llmtrack.domain.periods import QUARTER_MS, date_of_day, day_of, day_start_ms
from llmtrack.domain.spans import Buckets, Span, Step, buckets_of
from llmtrack.storage.day_edges import day_pieces
from llmtrack.storage.day_zones import are_days_of
from llmtrack.storage.dimensions import DAY_KINDS, Dimension, Kind, is_partial, is_quarterly
from llmtrack.storage.labels import NO_LABEL, Label, labels_of
from llmtrack.storage.provider_models import pair_of_models
from llmtrack.storage.questions import Plan, Question, needs_edges, plan, route
from llmtrack.storage.rollup_rows import UsageOf, read_rollups, read_trend
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.sums import NO_SUMS, WHOLE, Measured, S, Sums, total_of
from llmtrack.storage.usage_rows import check_bound, read_events

SUMMED_KINDS = tuple(kind for kind in DAY_KINDS if kind is not Kind.TOTAL)
"""What a breakdown can be by."""

ByValue = dict[int | None, Sums]
Series = dict[int | None, list[S]]


class UsageRow(NamedTuple):
    """A line of a breakdown. `value` is None for events without one (no customer)."""

    value: int | None
    label: Label
    sums: Sums


class DayRow(NamedTuple):
    date: str
    sums: Sums


@dataclass(frozen=True)
class UsageReport(Generic[S]):
    """One question answered as a whole, by value, and by value and bucket."""

    total: Sums
    values: ByValue
    bucket_totals: Sequence[Sums]
    series: Series[S]
    """Of the largest values only; the rest of a bucket is its total less these."""

    @cached_property
    def ranked(self) -> list[int | None]:
        """The values, the dearest first."""
        return ranked(self.values)


async def breakdown(reading: ScopedReading, question: Question) -> list[UsageRow]:
    """Exact sums by value of a dimension between any two instants, the dearest first."""
    values = await usage_by_value(reading, question)
    labels = await labels_of(
        reading, question.kind, [value for value in values if value is not None]
    )
    return [UsageRow(value, labels.get(value, NO_LABEL), values[value]) for value in ranked(values)]


async def breakdown_by_day(reading: ScopedReading, question: Question) -> list[DayRow]:
    """Exact sums per local day; the first and the last may be parts of days."""
    span, time_zone = question.span, question.time_zone
    if span.length_ms == 0:
        return []
    buckets = buckets_of(span, Step.DAY, time_zone)
    sums = await totals_by_bucket(reading, question, buckets)
    return [
        DayRow(date_of_day(day_of(bucket.start_ms, time_zone)).isoformat(), of_day)
        for bucket, of_day in zip(buckets.spans, sums, strict=True)
        if of_day.events
    ]


USED_DAYS = """
-- reports.used_days
select min(bucket), max(bucket)
from usage_day
where workspace_id = :workspace_id
  and kind = 0
  and events > 0
"""


async def used_days(reading: ScopedReading) -> tuple[int, int] | None:
    """The first and the last local day with events; None before the first event."""
    [row] = await reading.rows(USED_DAYS)
    return None if row[0] is None else (row[0], row[1])


async def totals_by_bucket(
    reading: ScopedReading, question: Question, buckets: Buckets
) -> list[Sums]:
    """The total of each bucket."""
    series = await _series(reading, _about(question, Kind.TOTAL), buckets, None, WHOLE)
    return _bucket_sums(series, len(buckets))


async def usage_total(reading: ScopedReading, question: Question) -> Sums:
    """The sums of all events that the question's filters let through."""
    of_all = _about(question, Kind.TOTAL)
    return total_of((await usage_by_value(reading, of_all)).values())


async def usage_by_value(reading: ScopedReading, question: Question) -> ByValue:
    """Sums by value; where events have none, under None."""
    planned = await planned_for(reading, question)
    await check_bound(reading, planned.spans, question.read_events_max, question.filters)
    packed, of_rollups = await read_rollups(reading, planned)
    rows = _relabelled(question, of_rollups)
    rows += await read_events(reading, question, planned.events)
    found = _by_value(rows, packed)
    if planned.less:
        found = _less(found, await read_events(reading, question, planned.less))
    if is_partial(question.kind) and planned.route is not None:
        # The rollups have no row for events without a value: they are what is missing.
        found.pop(None, None)
        total = await usage_total(reading, question)
        rest = total - total_of(found.values())
        if rest.events:
            found[None] = rest
    return found


Order = Callable[[ByValue], Sequence[int | None]]
Choice = Callable[[ByValue], Sequence[int]]


async def usage_report(
    reading: ScopedReading,
    question: Question,
    buckets: Buckets,
    *,
    series_max: int,
    of: Measured[S],
    order: Order | None = None,
) -> UsageReport[S]:
    """Everything a page shows of one question.

    The first `series_max` values get a series of what `of` says: in `order`, or the dearest.
    """

    def chosen_of(values: ByValue) -> list[int]:
        return [value for value in (order or ranked)(values) if value is not None][:series_max]

    planned = await planned_for(reading, question, buckets.step)
    if _is_in_events(planned):
        totals = await planned_for(reading, _about(question, Kind.TOTAL), buckets.step)
        # Once is enough. But where totals are in the sums and values are thousands, the events of
        # those that have a series are read once more: each value comes in most of the buckets.
        if is_quarterly(question.kind) or _is_in_events(totals):
            return await _report_from_events(reading, question, buckets, chosen_of, of)
    values = await usage_by_value(reading, question)
    chosen = chosen_of(values)
    # All are read in their order; some are looked up one by one.
    looked_up = chosen if len(chosen) < len(values) - (None in values) else None
    series = await _series(reading, question, buckets, looked_up, of)
    series.pop(None, None)
    return UsageReport(
        total=total_of(values.values()),
        values=values,
        bucket_totals=await totals_by_bucket(reading, question, buckets),
        series=series,
    )


def ranked(values: Mapping[int | None, Sums]) -> list[int | None]:
    """Values by falling cost, then events; the nameless rest last."""
    named = sorted(
        [(-s.cost_pico, -s.events, value) for value, s in values.items() if value is not None]
    )
    rest: list[int | None] = [None] if None in values else []
    return [*(value for _, _, value in named), *rest]


async def _report_from_events(
    reading: ScopedReading,
    question: Question,
    buckets: Buckets,
    chosen_of: Choice,
    of: Measured[S],
) -> UsageReport[S]:
    """One pass over the events, bucket by bucket: no table has these sums."""
    await check_bound(reading, [question.span], question.read_events_max, question.filters)
    rows = await read_events(reading, question, buckets.spans)
    of_buckets: list[ByValue] = [{} for _ in buckets.spans]
    for row in rows:
        of_buckets[row.bucket][row.value] = row.sums
    values = _by_value(rows)
    return UsageReport(
        total=total_of(values.values()),
        values=values,
        bucket_totals=[total_of(of_bucket.values()) for of_bucket in of_buckets],
        series={
            value: [of.part_of(of_bucket.get(value, NO_SUMS)) for of_bucket in of_buckets]
            for value in chosen_of(values)
        },
    )


async def _series(
    reading: ScopedReading,
    question: Question,
    buckets: Buckets,
    chosen: Sequence[int] | None,
    of: Measured[S],
) -> Series[S]:
    """Sums by value and bucket, of the chosen values or of all."""
    planned = await planned_for(reading, question, buckets.step)
    await check_bound(reading, planned.spans, question.read_events_max, question.filters)
    trend = await read_trend(reading, planned, buckets, chosen, of)
    places: dict[int, int] = {}
    series: Series[S] = {}

    def add(value: int | None, place: int, sums: S) -> None:
        of_value = series.get(value)
        if of_value is None:
            of_value = series[value] = [of.nothing] * len(buckets)
        known = of_value[place]
        of_value[place] = sums if known is of.nothing else known + sums

    for row in _relabelled(question, trend.days):
        if row.bucket not in places:
            places[row.bucket] = buckets.place(day_start_ms(row.bucket, question.time_zone))
        add(row.value, places[row.bucket], row.sums)
    for row in _relabelled(question, trend.quarters):
        add(row.value, buckets.place(row.bucket * QUARTER_MS), row.sums)
    parts = [
        (place, Span(max(span.start_ms, bucket.start_ms), min(span.end_ms, bucket.end_ms)))
        for place, bucket in enumerate(buckets.spans)
        for span in planned.events
        if span.start_ms < bucket.end_ms and bucket.start_ms < span.end_ms
    ]
    for event in await read_events(reading, question, [part for _, part in parts], chosen):
        add(event.value, parts[event.bucket][0], of.part_of(event.sums))
    for event in await read_events(reading, question, planned.less, chosen):
        place = buckets.place(planned.less[event.bucket].start_ms)
        add(event.value, place, of.part_of(NO_SUMS - event.sums))
    return series


def _is_in_events(planned: Plan) -> bool:
    return planned.days is None and not planned.quarters


async def planned_for(reading: ScopedReading, question: Question, step: Step | None = None) -> Plan:
    """Buckets finer than a day cannot use day rows."""
    fine = step is not None and step.is_fine
    fine = fine or not await are_days_of(reading, question.time_zone)
    found = route(question)
    if fine:
        return plan(question, found, fine=True)
    if found is None:
        found = await pair_of_models(reading, question)
    edges = await day_pieces(reading, question) if found and needs_edges(found) else None
    return plan(question, found, fine=False, edges=edges)


def _about(question: Question, kind: Dimension) -> Question:
    return replace(question, kind=kind)


def _relabelled(question: Question, rows: list[UsageOf[S]]) -> list[UsageOf[S]]:
    """A total that was read from one value's rows is still a total."""
    if question.kind is not Kind.TOTAL:
        return rows
    return [UsageOf(row.bucket, 0, row.sums) for row in rows]


def _by_value(rows: Sequence[UsageOf[Sums]], packed: Mapping[int, Sums] | None = None) -> ByValue:
    found: ByValue = dict((packed or {}).items())
    for row in rows:
        known = found.get(row.value)
        found[row.value] = row.sums if known is None else known + row.sums
    return found


def _less(values: ByValue, rows: Sequence[UsageOf[Sums]]) -> ByValue:
    left = dict(values)
    for row in rows:
        left[row.value] = left.get(row.value, NO_SUMS) - row.sums
    # Not even what is among the events a moment before it is in the sums.
    return {value: sums for value, sums in left.items() if sums.events > 0}


def _bucket_sums(series: Series[Sums], count: int) -> list[Sums]:
    sums = [NO_SUMS] * count
    for of_value in series.values():
        sums = [a + b for a, b in zip(sums, of_value, strict=True)]
    return sums
