"""Pages of events: every event once, newest first, within the bound and saying so."""

import itertools
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.spans import Span
from llmtrack.storage.dimensions import DAY_KINDS, Kind
from llmtrack.storage.event_pages import Cursor, EventPage, event_page
from llmtrack.storage.event_rows import EventRow
from tests.storage.seeded import Seeded, seeded

START_MS = 1_774_500_000_000
END_MS = START_MS + 4 * DAY_MS
WHOLE = Span(START_MS, END_MS)
COLUMNS = {kind: f"{kind.name.lower()}_id" for kind in DAY_KINDS} | {Kind.STATUS: "status"}
FILTERED = [kind for kind in DAY_KINDS if kind is not Kind.TOTAL]


@pytest.fixture(params=["Europe/Berlin", "Asia/Kathmandu"])
async def store(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Seeded]:
    async with seeded(tmp_path / "l.db", request.param, START_MS, END_MS, 400) as store:
        yield store


def expected(store: Seeded, span: Span, filters: Mapping[Kind, int]) -> list[Cursor]:
    def matches(row: EventRow) -> bool:
        return span.start_ms <= row.timestamp_ms < span.end_ms and all(
            getattr(row, COLUMNS[kind]) == value for kind, value in filters.items()
        )

    keys = [Cursor(row.timestamp_ms, row.id) for row in store.rows if matches(row)]
    return sorted(keys, reverse=True)


async def walk(
    store: Seeded, span: Span, filters: Mapping[Kind, int], most: int, look_events_max: int
) -> list[EventPage]:
    pages = []
    before: Cursor | None = None
    while True:
        page = await event_page(
            store.scope,
            span,
            filters=filters,
            before=before,
            most=most,
            look_events_max=look_events_max,
        )
        pages.append(page)
        if page.older is None:
            return pages
        assert before is None or page.older < before
        before = page.older


def keys(pages: list[EventPage]) -> list[Cursor]:
    return [Cursor(event.timestamp_ms, event.id) for page in pages for event in page.events]


def some_filters(store: Seeded) -> list[dict[Kind, int]]:
    """None, each one, each two and some threes, with values of a row that exists."""
    row = store.rows[7]
    values = {
        kind: value for kind in FILTERED if (value := getattr(row, COLUMNS[kind])) is not None
    }
    return [
        {kind: values[kind] for kind in kinds}
        for count in (0, 1, 2, 3)
        for kinds in itertools.combinations(values, count)
    ]


async def test_paging_meets_every_event_of_any_filter_once(store: Seeded) -> None:
    for filters in some_filters(store):
        pages = await walk(store, WHOLE, filters, 30, 10**9)
        assert keys(pages) == expected(store, WHOLE, filters)
        assert not any(page.is_cut for page in pages)


async def test_a_tight_bound_still_meets_every_event(store: Seeded) -> None:
    for filters in some_filters(store)[:40]:
        pages = await walk(store, WHOLE, filters, 10, 20)
        assert keys(pages) == expected(store, WHOLE, filters)


async def test_an_odd_span_holds_only_its_own(store: Seeded) -> None:
    span = Span(START_MS + DAY_MS + 123_457, END_MS - DAY_MS - 7)
    for filters in some_filters(store)[:20]:
        assert keys(await walk(store, span, filters, 7, 10**9)) == expected(store, span, filters)


async def test_a_cursor_at_the_end_lets_nothing_of_the_next_span_in(store: Seeded) -> None:
    last = max(store.rows, key=lambda row: row.timestamp_ms)
    span = Span(START_MS, last.timestamp_ms)
    for filters in ({}, {Kind.MODEL: last.model_id}):
        before = Cursor(span.end_ms, 2**40)
        page = await event_page(store.scope, span, filters=filters, before=before)
        assert page.events
        assert all(event.timestamp_ms < span.end_ms for event in page.events)


async def test_a_cut_page_says_how_far_it_looked(store: Seeded) -> None:
    filters = {Kind.KEY: 1, Kind.SOURCE: store.ids[Kind.SOURCE, "otlp"]}
    page = await event_page(
        store.scope, WHOLE, filters=filters, before=None, most=400, look_events_max=50
    )
    assert page.is_cut
    assert page.older is not None
    assert 50 <= page.looked < 400
    assert keys([page]) == expected(store, Span(page.looked_to_ms, END_MS), filters)


async def test_what_nothing_has_is_known_without_looking(store: Seeded) -> None:
    page = await event_page(store.scope, WHOLE, filters={Kind.MODEL: 10**6}, before=None)
    assert page == EventPage([], None, 0, START_MS, is_cut=False)


async def test_an_empty_span_is_an_empty_page(store: Seeded) -> None:
    before = Span(START_MS - 2 * DAY_MS, START_MS - DAY_MS)
    page = await event_page(store.scope, before, filters={}, before=None)
    assert page.events == []
    assert page.older is None


async def test_lines_have_names(store: Seeded) -> None:
    page = await event_page(store.scope, WHOLE, filters={}, before=None, most=1)
    [event] = page.events
    row = max(store.rows, key=lambda row: (row.timestamp_ms, row.id))
    assert store.ids[Kind.MODEL, event.model] == row.model_id
    assert store.ids[Kind.FEATURE, event.feature] == row.feature_id
    assert event.key_name in {"backend", "worker"}
    assert event.cost_pico == row.cost_pico
