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
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import NamedTuple

from llmtrack.domain.periods import QUARTER_MS, day_of, day_start_ms
from llmtrack.domain.spans import Span
from llmtrack.storage.dimensions import DAY_KINDS, PAIRS, QUARTER_KINDS, Kind, pair_code
from llmtrack.storage.scope import Scope, ScopedReading
from llmtrack.storage.usage_rows import FILTER_EVENTS, filter_values

LOOK_EVENTS_MAX = 200_000
"""Events one page may look at: well within 150 ms."""
LOOK_SPANS_MAX = 400
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


class EventPage(NamedTuple):
    events: list[ListedEvent]
    older: Cursor | None
    looked: int
    looked_to_ms: int
    is_cut: bool


def _name(column: str, name: str, text: str = "text") -> str:
    # Row by row, for a page at most: a join would let the planner start from the dictionary.
    return (
        f"(select {text} from name where workspace_id = e.workspace_id and id = e.{column})"  # noqa: S608
        f" as {name}"
    )


def _key(column: str) -> str:
    return (
        f"(select {column} from api_key where workspace_id = e.workspace_id and id = e.key_id)"  # noqa: S608
        f" as key_{column}"
    )


READ_PAGE = f"""
-- event_pages.event_page
select
  timestamp_ms,
  id,
  arrival_delay_ms,
  {_name("provider_id", "provider")},
  {_name("model_id", "model")},
  {_name("feature_id", "feature")},
  {_name("environment_id", "environment")},
  {_name("source_id", "source")},
  {_name("customer_id", "customer")},
  {_name("customer_id", "customer_name", "label")},
  {_name("operation_id", "operation")},
  {_name("service_tier_id", "service_tier")},
  {_key("public_id")},
  {_key("name")},
  status,
  input_tokens,
  output_tokens,
  cache_read_tokens,
  cache_write_tokens,
  reasoning_tokens,
  latency_ms,
  ttft_ms,
  cost_pico,
  cost_status,
  response_id
from event e
where workspace_id = :workspace_id
  and (timestamp_ms, id) < (:before_ms, :before_id)
  and timestamp_ms >= :start_ms
{FILTER_EVENTS}
order by timestamp_ms desc, id desc
limit :most
"""  # noqa: S608 - names of columns
FIND_OLDEST = """
-- event_pages.event_page
select min(timestamp_ms)
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
"""


def _all_present(table: str, wanted: str, bucket: str, other: str = "") -> str:
    """True where a bucket has events of every wanted value: [kind, value] or [.., other]."""
    return f"""not exists (
    select 1
    from json_each(:{wanted}) w
    where not exists (
      select 1
      from {table}
      where workspace_id = :workspace_id
        and kind = json_extract(w.value, '$[0]')
        and bucket = {bucket}
        and value = json_extract(w.value, '$[1]')
        {other}
        and events > 0
    )
  )"""  # noqa: S608 - names of ours


FIND_DAYS = f"""
-- event_pages.days_with_all
select d.value
from json_each(:days) d
where exists (select 1 from zone_change where workspace_id = :workspace_id)
  or {_all_present("usage_day", "values", "d.value")}
  and {_all_present("usage_pair_day", "pairs", "d.value", "and other = json_extract(w.value, '$[2]')")}
order by d.key
"""  # noqa: S608, E501 - names of ours
FIND_QUARTERS = f"""
-- event_pages.quarters_with_all
select q.value, t.events
from json_each(:quarters) q
cross join usage_quarter t
where t.workspace_id = :workspace_id
  and t.kind = {int(Kind.TOTAL)}
  and t.bucket = q.value
  and t.value = 0
  and t.events > 0
  and {_all_present("usage_quarter", "values", "q.value")}
order by q.key
"""  # noqa: S608 - names of ours


async def event_page(
    scope: Scope,
    span: Span,
    *,
    filters: Mapping[Kind, int],
    before: Cursor | None = None,
    most: int = 50,
    look_events_max: int = LOOK_EVENTS_MAX,
    within: ScopedReading | None = None,
) -> EventPage:
    """The newest of a span before a cursor with all the filters' values, as `within` sees them."""
    before = min(before or Cursor(span.end_ms, 0), Cursor(span.end_ms, 0))
    async with nullcontext(within) if within else scope.reading() as reading:
        [[oldest_ms]] = await reading.rows(FIND_OLDEST, start_ms=span.start_ms)
        if oldest_ms is None or oldest_ms > before.timestamp_ms:
            return EventPage([], None, 0, span.start_ms, is_cut=False)
        search = _Search(reading, filters, Span(oldest_ms, span.end_ms), scope.time_zone)
        found = await search.run(before, most, look_events_max)
    return found if found.older else found._replace(looked_to_ms=span.start_ms)


class _Search:
    """One page's search, from its cursor back to the oldest event."""

    def __init__(
        self, reading: ScopedReading, filters: Mapping[Kind, int], span: Span, time_zone: str
    ) -> None:
        self._reading = reading
        self._filters = filters
        self._span = span
        self._time_zone = time_zone

    async def run(self, before: Cursor, most: int, look_events_max: int) -> EventPage:
        events: list[ListedEvent] = []
        looked = looks = 0
        async for start_ms, end_ms, count in self._spans(before):
            edge = min(before, Cursor(end_ms, 0))
            events += await self._read(start_ms, edge, most + 1 - len(events))
            looked, looks = looked + count, looks + 1
            if len(events) > most:
                last = events[most - 1]
                older = Cursor(last.timestamp_ms, last.id)
                return EventPage(events[:most], older, looked, last.timestamp_ms, is_cut=False)
            if looked >= look_events_max or looks >= LOOK_SPANS_MAX:
                older = Cursor(start_ms, 0)
                return EventPage(events, older, looked, start_ms, is_cut=True)
        return EventPage(events, None, looked, self._span.start_ms, is_cut=False)

    async def _read(self, start_ms: int, before: Cursor, most: int) -> list[ListedEvent]:
        rows = await self._reading.rows(
            READ_PAGE,
            start_ms=max(start_ms, self._span.start_ms),
            before_ms=before.timestamp_ms,
            before_id=before.id,
            most=most,
            **filter_values(self._filters),
        )
        return [ListedEvent(*row) for row in rows]

    async def _spans(self, before: Cursor) -> AsyncIterator[tuple[int, int, int]]:
        """(start_ms, end_ms, events in it) of what may hold matches, newest first."""
        if not self._filters:
            yield self._span.start_ms, self._span.end_ms, 0
            return
        days = await self._days(before.timestamp_ms)
        quarters = self._quarters(days, before.timestamp_ms)
        size = FIRST_QUARTERS
        while chunk := list(islice(quarters, size)):
            for span in _joined(await self._with_all(chunk)):
                yield span
            size = min(2 * size, QUARTERS_MAX)

    async def _days(self, until_ms: int) -> list[int]:
        """Local days that have every filter's value, and its pairs where those are kept."""
        first, last = (day_of(ms, self._time_zone) for ms in (self._span.start_ms, until_ms))
        pairs = [
            (pair_code(a, b), self._filters[a], self._filters[b])
            for a, b in PAIRS
            if a in self._filters and b in self._filters
        ]
        rows = await self._reading.rows(
            FIND_DAYS,
            days=json.dumps(list(range(last, first - 1, -1))),
            values=json.dumps(_values(self._filters, DAY_KINDS)),
            pairs=json.dumps(pairs),
        )
        return [row[0] for row in rows]

    def _quarters(self, days: Sequence[int], until_ms: int) -> Iterator[int]:
        newest, oldest = until_ms // QUARTER_MS, self._span.start_ms // QUARTER_MS
        for day in days:
            first = day_start_ms(day, self._time_zone) // QUARTER_MS
            end = day_start_ms(day + 1, self._time_zone) // QUARTER_MS
            yield from range(min(end - 1, newest), max(first, oldest) - 1, -1)

    async def _with_all(self, quarters: Sequence[int]) -> list[tuple[int, int]]:
        rows = await self._reading.rows(
            FIND_QUARTERS,
            quarters=json.dumps(quarters),
            values=json.dumps(_values(self._filters, QUARTER_KINDS)),
        )
        return [(row[0], row[1]) for row in rows]


def _values(filters: Mapping[Kind, int], kept: Sequence[Kind]) -> list[tuple[int, int]]:
    return [(int(kind), value) for kind, value in filters.items() if kind in kept]


def _joined(quarters: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Neighbouring quarters as one span each, newest first."""
    start = end = count = 0
    for quarter, events in quarters:
        if count and quarter == start - 1:
            start, count = quarter, count + events
            continue
        if count:
            yield start * QUARTER_MS, end * QUARTER_MS, count
        start, end, count = quarter, quarter + 1, events
    if count:
        yield start * QUARTER_MS, end * QUARTER_MS, count
