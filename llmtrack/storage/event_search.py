"""Single events by conditions that no sum knows, one event whole, and all of them for an export.

What only the events themselves tell (cost, latency, metadata) can be true of few: a page could
read them all. So a page looks at no more than `SCAN_EVENTS_MAX` events and says how far it
came. Without such conditions `event_pages` is quicker: the rollups tell it where to look.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from llmtrack.domain.periods import QUARTER_MS
from llmtrack.domain.spans import Span
from llmtrack.storage.dimensions import Filters
from llmtrack.storage.event_page_queries import named, of_key
from llmtrack.storage.event_pages import Cursor
from llmtrack.storage.scope import Scope, ScopedReading
from llmtrack.storage.sums import EVENT_SUMS, Sums, sums_of
from llmtrack.storage.tag_values import written_value
from llmtrack.storage.usage_rows import FILTER_EVENTS, check_bound, filter_values

SCAN_EVENTS_MAX = 20_000
EXPORT_PAGE_EVENTS = 1_000


END = Cursor(2**62, 0)


@dataclass(frozen=True)
class EventFilter:
    """Which events: in a span, by values of dimensions, and by what only single events have."""

    span: Span
    values: Filters = field(default_factory=dict)
    cost_statuses: tuple[int, ...] = ()
    cost_from_pico: int | None = None
    latency_from_ms: int | None = None
    metadata_path: str | None = None
    """SQLite's JSON path of a member of `metadata`, which then reads `metadata_value`."""
    metadata_value: str | None = None

    @property
    def has_conditions(self) -> bool:
        """Whether anything but dimensions is asked for."""
        own = (self.cost_from_pico, self.latency_from_ms, self.metadata_path)
        return bool(self.cost_statuses) or any(one is not None for one in own)


class EventDetail(NamedTuple):
    """An event with names for its numbers; keys and customers also have theirs for links."""

    timestamp_ms: int
    id: int
    arrival_delay_ms: int
    provider: str
    model: str
    operation: str | None
    feature: str
    environment: str
    customer_id: str | None
    customer_name: str | None
    key_public_id: str | None
    key_name: str | None
    source: str
    service: str | None
    service_tier: str | None
    status: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cache_write_1h_tokens: int | None
    reasoning_tokens: int | None
    input_audio_tokens: int | None
    output_audio_tokens: int | None
    web_searches: int | None
    usage_convention: int
    latency_ms: int | None
    ttft_ms: int | None
    cost_pico: int | None
    cost_status: int
    cost_flags: int
    client_cost_pico: int | None
    response_id: str | None
    metadata: str | None
    """JSON text of an object."""


class FoundEvents(NamedTuple):
    """The newest first; the rest as in `event_pages.EventPage`."""

    events: list[EventDetail]
    older: Cursor | None
    looked_to_ms: int
    is_cut: bool


_NAMED = {
    "provider": named("provider_id", "provider"),
    "model": named("model_id", "model"),
    "operation": named("operation_id", "operation"),
    "feature": named("feature_id", "feature"),
    "environment": named("environment_id", "environment"),
    "customer_id": named("customer_id", "customer_id"),
    "customer_name": named("customer_id", "customer_name", "label"),
    "source": named("source_id", "source"),
    "service": named("service_id", "service"),
    "service_tier": named("service_tier_id", "service_tier"),
    "key_public_id": of_key("public_id"),
    "key_name": of_key("name"),
}
COLUMNS = ",\n  ".join(_NAMED.get(name, f"e.{name}") for name in EventDetail._fields)

MATCHES = f"""
{FILTER_EVENTS}
  and (:cost_from_pico is null or cost_pico >= :cost_from_pico)
  and (:latency_from_ms is null or latency_ms >= :latency_from_ms)
  and (:cost_statuses is null or cost_status in (select value from json_each(:cost_statuses)))
  and (:metadata_path is null
    or {written_value(":metadata_path")} = :metadata_value)
"""  # noqa: S608 - names of columns

# The inner query is bounded and in the order of the key; only what it lets through is read whole.
READ_PAGE = f"""
-- event_search.search_page
with found as materialized (
  select timestamp_ms, id from (
    select * from event
    where workspace_id = :workspace_id
      and timestamp_ms >= :start_ms
      and timestamp_ms < :end_ms
      and (timestamp_ms, id) < (:before_ms, :before_id)
    order by timestamp_ms desc, id desc
    limit :scan
  )
  where true
{MATCHES}
  limit :page
)
select
  {COLUMNS}
from found
join event e on e.workspace_id = :workspace_id
  and e.timestamp_ms = found.timestamp_ms and e.id = found.id
order by e.timestamp_ms desc, e.id desc
"""  # noqa: S608 - names of columns

LAST_SCANNED = """
-- event_search.search_page
select timestamp_ms, id from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
  and (timestamp_ms, id) < (:before_ms, :before_id)
order by timestamp_ms desc, id desc
limit 1 offset :skipped
"""

READ_EVENT = f"""
-- event_search.read_event
select
  {COLUMNS}
from event e
where workspace_id = :workspace_id and timestamp_ms = :timestamp_ms and id = :id
"""  # noqa: S608 - names of columns


async def search_page(
    reading: ScopedReading,
    wanted: EventFilter,
    *,
    before: Cursor = END,
    count: int,
    scan_max: int = SCAN_EVENTS_MAX,
) -> FoundEvents:
    """At most `count` events, the newest first, from at most `scan_max` read."""
    span = wanted.span
    bounds: dict[str, Any] = {
        "start_ms": span.start_ms,
        "end_ms": span.end_ms,
        "before_ms": before.timestamp_ms,
        "before_id": before.id,
    }
    rows = await reading.rows(
        READ_PAGE, **bounds, **matching(wanted), scan=scan_max, page=count + 1
    )
    events = [EventDetail(*row) for row in rows]
    if len(events) > count:
        events = events[:count]
        last = Cursor(events[-1].timestamp_ms, events[-1].id)
        return FoundEvents(events, last, last.timestamp_ms, is_cut=False)
    scanned = await reading.rows(LAST_SCANNED, **bounds, skipped=scan_max - 1)
    if not scanned:
        return FoundEvents(events, None, span.start_ms, is_cut=False)
    older = Cursor(*scanned[0])
    return FoundEvents(events, older, older.timestamp_ms, is_cut=True)


SUM_MATCHES = f"""
-- event_search.sums_of_matches
select timestamp_ms / {QUARTER_MS}, {EVENT_SUMS}
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
{MATCHES}
group by 1
"""  # noqa: S608 - names of columns


async def sums_of_matches(
    reading: ScopedReading, wanted: EventFilter, *, read_events_max: int
) -> dict[int, Sums]:
    """Of the events that match, by quarter of an hour. Raises TooMuchToRead."""
    span = wanted.span
    await check_bound(reading, [span], read_events_max, wanted.values)
    rows = await reading.rows(
        SUM_MATCHES, start_ms=span.start_ms, end_ms=span.end_ms, **matching(wanted)
    )
    return {row[0]: sums_of(row, 1) for row in rows}


async def read_event(
    reading: ScopedReading, timestamp_ms: int, event_id: int
) -> EventDetail | None:
    rows = await reading.rows(READ_EVENT, timestamp_ms=timestamp_ms, id=event_id)
    return EventDetail(*rows[0]) if rows else None


async def exported_pages(scope: Scope, wanted: EventFilter) -> AsyncIterator[list[EventDetail]]:
    """All events that match, page by page, the newest first.

    Each page is a transaction of its own: one over a whole export would keep the WAL from
    being moved into the file while it lasts.
    """
    place: Cursor | None = END
    while place is not None:
        async with scope.reading() as reading:
            search = search_page(reading, wanted, before=place, count=EXPORT_PAGE_EVENTS)
            page = await reading.run(search)
        yield page.events
        place = page.older


def matching(wanted: EventFilter) -> dict[str, Any]:
    statuses = wanted.cost_statuses
    return {
        **filter_values(wanted.values),
        "cost_from_pico": wanted.cost_from_pico,
        "latency_from_ms": wanted.latency_from_ms,
        "cost_statuses": f"[{','.join(map(str, statuses))}]" if statuses else None,
        "metadata_path": wanted.metadata_path,
        "metadata_value": wanted.metadata_value,
    }
