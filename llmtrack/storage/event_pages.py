"""Pages of single events, newest first, with a visible bound on the work.

    page = await event_page(scope, span, filters={Kind.MODEL: 7}, before=None, most=50)
    page.events     the rows, newest first, names in place of numbers
    page.older      where the next page begins (pass it as `before`); None: no more in the span
    page.looked     how many events were looked at, page.looked_to_ms how far back
    page.is_cut     True: the bound was reached before the page was full, so show what was
                    found, how far it looked, and a link that goes on at `page.older`

A cursor is the key of an event, so a page costs the same at any depth and does not shift when
events arrive. A filter never reads events in vain where the rollups already say that a day
or a quarter has none of them; only what they cannot tell is read, newest first.
"""

import json
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import combinations, islice, starmap
from typing import NamedTuple

from llmtrack.domain.periods import QUARTER_MS, day_of, day_start_ms
from llmtrack.domain.spans import Span
from llmtrack.storage.customer_quarters import known_quarters
from llmtrack.storage.day_edges import note_deleted
from llmtrack.storage.dimensions import Dimension, Filters, Kind, Tag, is_quarterly, kept_pair
from llmtrack.storage.event_page_queries import (
    FIND_DAYS,
    FIND_OLDEST,
    FIND_QUARTERS,
    FIND_QUARTERS_OF_ONE,
    READ_PAGE,
    READ_SPANS,
    READ_SPANS_BY_ONE,
    READ_SPANS_BY_TAGS,
)
from llmtrack.storage.scope import Scope, ScopedReading
from llmtrack.storage.usage_rows import filter_values

LOOK_EVENTS_MAX = 200_000
"""Events one page may look at: well within 150 ms."""
LOOK_SPANS_MAX = 400
LOOK_AT_ONCE_MAX = 10_000
"""Events of several spans that are looked at by one query; more are read from the newest on."""
FIRST_DAYS = 16
DAYS_MAX = 64
FIRST_QUARTERS = 8
QUARTERS_MAX = 512


class Cursor(NamedTuple):
    """The key of an event; a page holds what is older."""

    timestamp_ms: int
    id: int


class ListedEvent(NamedTuple):
    """One line of the list. `domain.identifiers.event_uuid(timestamp_ms, id)` is its public id."""

    timestamp_ms: int
    id: int
    arrival_delay_ms: int
    provider: str
    model: str
    feature: str
    environment: str
    source: str
    customer_id: str | None
    customer_name: str | None
    operation: str | None
    service_tier: str | None
    key_public_id: str | None
    key_name: str | None
    status: int
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    latency_ms: int | None
    ttft_ms: int | None
    cost_pico: int | None
    cost_status: int
    response_id: str | None
    metadata: str | None


class _Quarter(NamedTuple):
    """`matches`: how many of its events have the filter's value, 0 where that is not known."""

    number: int
    events: int
    matches: int


class _Run(NamedTuple):
    """Quarters in a row."""

    start_ms: int
    end_ms: int
    events: int


class EventPage(NamedTuple):
    events: list[ListedEvent]
    older: Cursor | None
    looked: int
    looked_to_ms: int
    is_cut: bool


async def event_page(
    scope: Scope,
    span: Span,
    *,
    filters: Filters,
    before: Cursor | None = None,
    most: int = 50,
    look_events_max: int = LOOK_EVENTS_MAX,
    within: ScopedReading | None = None,
) -> EventPage:
    """The newest of a span before a cursor with all the filters' values, as `within` sees them."""
    before = min(before or Cursor(span.end_ms, 0), Cursor(span.end_ms, 0))
    async with nullcontext(within) if within else scope.reading() as reading:
        await note_deleted(reading, [span])
        [[oldest_ms]] = await reading.rows(FIND_OLDEST, start_ms=span.start_ms)
        if oldest_ms is None or oldest_ms > before.timestamp_ms:
            return EventPage([], None, 0, span.start_ms, is_cut=False)
        search = _Search(reading, filters, Span(oldest_ms, span.end_ms), scope.time_zone)
        found = await reading.run(search.run(before, most, look_events_max))
    return found if found.older else found._replace(looked_to_ms=span.start_ms)


class _Search:
    """One page's search, from its cursor back to the oldest event."""

    def __init__(
        self, reading: ScopedReading, filters: Filters, span: Span, time_zone: str
    ) -> None:
        self._reading = reading
        self._filters = filters
        self._span = span
        self._time_zone = time_zone

    async def run(self, before: Cursor, most: int, look_events_max: int) -> EventPage:
        if not self._filters:
            return await self._newest(before, most)
        events: list[ListedEvent] = []
        looked = looks = 0
        async for quarters in self._quarters_with_all(before.timestamp_ms):
            for runs in _groups(quarters, most + 1 - len(events)):
                count = sum(run.events for run in runs)
                events += await self._read(runs, before, most + 1 - len(events))
                looked, looks = looked + count, looks + 1
                if len(events) > most:
                    last = events[most - 1]
                    older = Cursor(last.timestamp_ms, last.id)
                    return EventPage(events[:most], older, looked, last.timestamp_ms, is_cut=False)
                if looked >= look_events_max or looks >= LOOK_SPANS_MAX:
                    older = Cursor(runs[-1].start_ms, 0)
                    return EventPage(events, older, looked, older.timestamp_ms, is_cut=True)
        return EventPage(events, None, looked, self._span.start_ms, is_cut=False)

    async def _newest(self, before: Cursor, most: int) -> EventPage:
        rows = await self._reading.rows(
            READ_PAGE,
            start_ms=self._span.start_ms,
            before_ms=before.timestamp_ms,
            before_id=before.id,
            most=most + 1,
        )
        events = [ListedEvent(*row) for row in rows[:most]]
        if len(rows) <= most:
            return EventPage(events, None, 0, self._span.start_ms, is_cut=False)
        last = Cursor(events[-1].timestamp_ms, events[-1].id)
        return EventPage(events, last, 0, last.timestamp_ms, is_cut=False)

    async def _read(self, runs: Sequence[_Run], before: Cursor, most: int) -> list[ListedEvent]:
        statement = READ_SPANS
        if len(self._filters) == 1:
            [kind] = self._filters
            one = None if isinstance(kind, Tag) else READ_SPANS_BY_ONE[kind]
            statement = one or READ_SPANS_BY_TAGS
        spans = [
            (max(run.start_ms, self._span.start_ms), min(run.end_ms, before.timestamp_ms + 1))
            for run in runs
        ]
        rows = await self._reading.rows(
            statement,
            spans=json.dumps(spans),
            before_ms=before.timestamp_ms,
            before_id=before.id,
            most=most,
            **filter_values(self._filters),
        )
        return [ListedEvent(*row) for row in rows]

    async def _quarters_with_all(self, until_ms: int) -> AsyncIterator[list[_Quarter]]:
        """What may hold matches, newest first, ever more at a time."""
        days = await self._days(until_ms)
        customer = self._kept().get(Kind.CUSTOMER)
        size, days_at_once = FIRST_QUARTERS, FIRST_DAYS
        while days:
            some, days = days[:days_at_once], days[days_at_once:]
            days_at_once = min(2 * days_at_once, DAYS_MAX)
            known = await known_quarters(self._reading, customer, some)
            quarters = self._quarters(some, until_ms, known)
            sure = frozenset[int]().union(*known.values()) if len(self._filters) == 1 else ()
            while chunk := list(islice(quarters, size)):
                yield await self._with_all(chunk, sure)
                size = min(2 * size, QUARTERS_MAX)

    def _kept(self) -> dict[Dimension, int]:
        """The filters that the sums tell of: a tag that is new may be counted only in part."""
        return {
            kind: value
            for kind, value in self._filters.items()
            if not isinstance(kind, Tag) or kind.is_counted_from(self._span.start_ms)
        }

    async def _days(self, until_ms: int) -> list[int]:
        """Local days that have every filter's value, and its pairs where those are kept."""
        first, last = (day_of(ms, self._time_zone) for ms in (self._span.start_ms, until_ms))
        kept = self._kept()
        pairs = [
            (pair.code, kept[pair.first], kept[pair.second])
            for pair in starmap(kept_pair, combinations(kept, 2))
            if pair is not None
        ]
        rows = await self._reading.rows(
            FIND_DAYS,
            days=json.dumps(list(range(last, first - 1, -1))),
            values=json.dumps(_listed(kept)),
            pairs=json.dumps(pairs),
        )
        return [row[0] for row in rows]

    def _quarters(
        self, days: Sequence[int], until_ms: int, known: Mapping[int, frozenset[int]]
    ) -> Iterator[int]:
        """Of some days, newest first: all of a day, or those that are known to matter."""
        newest, oldest = until_ms // QUARTER_MS, self._span.start_ms // QUARTER_MS
        for day in days:
            first = max(day_start_ms(day, self._time_zone) // QUARTER_MS, oldest)
            last = min(day_start_ms(day + 1, self._time_zone) // QUARTER_MS - 1, newest)
            of_day = known.get(day)
            if of_day is None:
                yield from range(last, first - 1, -1)
            else:
                yield from sorted((one for one in of_day if first <= one <= last), reverse=True)

    async def _with_all(self, quarters: Sequence[int], sure: Collection[int]) -> list[_Quarter]:
        """`sure`: quarters with a match at least, whatever their sums tell."""
        listed = json.dumps(quarters)
        kept = self._kept()
        values = _listed({kind: kept[kind] for kind in kept if is_quarterly(kind)})
        if len(self._filters) == len(values) == 1:
            [(kind, value)] = values
            rows = await self._reading.rows(
                FIND_QUARTERS_OF_ONE, quarters=listed, kind=kind, value=value
            )
            return [_Quarter(row[0], row[1], row[2]) for row in rows]
        rows = await self._reading.rows(FIND_QUARTERS, quarters=listed, values=json.dumps(values))
        return [_Quarter(row[0], row[1], int(row[0] in sure)) for row in rows]


def _listed(filters: Filters) -> list[tuple[int, int]]:
    return [(int(kind), value) for kind, value in filters.items()]


def _groups(quarters: Sequence[_Quarter], wanted: int) -> Iterator[list[_Run]]:
    """Quarters as spans to look at together, newest first: no more than are sure to be needed."""
    group: list[_Quarter] = []
    events = matches = 0
    for quarter in quarters:
        if group and (matches >= wanted or events + quarter.events > LOOK_AT_ONCE_MAX):
            yield _joined(group)
            group, events, matches = [], 0, 0
        group.append(quarter)
        events, matches = events + quarter.events, matches + quarter.matches
    if group:
        yield _joined(group)


def _joined(quarters: Sequence[_Quarter]) -> list[_Run]:
    """Neighbours as one run each."""
    runs: list[_Run] = []
    for number, events, _ in quarters:
        start_ms = number * QUARTER_MS
        if runs and runs[-1].start_ms == start_ms + QUARTER_MS:
            last = runs.pop()
            runs.append(_Run(start_ms, last.end_ms, last.events + events))
        else:
            runs.append(_Run(start_ms, start_ms + QUARTER_MS, events))
    return runs
