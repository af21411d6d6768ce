"""Pages of single events: complete, in order, bounded, and of one workspace."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmtrack.domain.spans import Span
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.event_pages import Cursor
from llmtrack.storage.event_search import (
    END,
    EventDetail,
    EventFilter,
    exported_pages,
    read_event,
    search_page,
)
from tests.storage.seeded import Seeded, add_rows, seeded

START_MS, END_MS = 1_795_000_000_000, 1_795_500_000_000
SPAN = Span(START_MS, END_MS)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Seeded]:
    async with seeded(tmp_path / "llmtrack.db", "Europe/Berlin", START_MS, END_MS, 600) as made:
        yield made


async def all_pages(
    store: Seeded, wanted: EventFilter, *, count: int, scan_max: int
) -> list[tuple[int, int]]:
    found: list[EventDetail] = []
    place: Cursor | None = END
    async with store.scope.reading() as reading:
        while place is not None:
            page = await search_page(reading, wanted, before=place, count=count, scan_max=scan_max)
            assert len(page.events) <= count
            found += page.events
            place = page.older
    return [(event.timestamp_ms, event.id) for event in found]


@pytest.mark.parametrize(("count", "scan_max"), [(7, 1000), (50, 40), (599, 10), (600, 600)])
async def test_pages_together_are_all_events_newest_first(
    store: Seeded, count: int, scan_max: int
) -> None:
    found = await all_pages(store, EventFilter(SPAN), count=count, scan_max=scan_max)
    assert found == sorted(((row.timestamp_ms, row.id) for row in store.rows), reverse=True)


async def test_filters_let_through_exactly_what_they_say(store: Seeded) -> None:
    wanted = EventFilter(
        SPAN,
        {Kind.MODEL: store.ids[Kind.MODEL, "gpt-5"], Kind.STATUS: 0},
        cost_from_pico=10**14,
        latency_from_ms=10_000,
    )
    expected = [
        (row.timestamp_ms, row.id)
        for row in store.rows
        if row.model_id == store.ids[Kind.MODEL, "gpt-5"]
        and row.status == 0
        and (row.cost_pico or 0) >= 10**14
        and (row.latency_ms or 0) >= 10_000
    ]
    assert expected
    found = await all_pages(store, wanted, count=5, scan_max=100)
    assert found == sorted(expected, reverse=True)


async def test_a_page_that_reads_its_bound_says_where_to_go_on(store: Seeded) -> None:
    wanted = EventFilter(SPAN, cost_statuses=(99,))
    async with store.scope.reading() as reading:
        page = await search_page(reading, wanted, count=10, scan_max=100)
    rows = sorted(((row.timestamp_ms, row.id) for row in store.rows), reverse=True)
    assert page.events == []
    assert page.is_cut
    assert page.older == rows[99]


async def test_metadata_is_searched_by_name_and_value(store: Seeded) -> None:
    said = {
        *('"red"', "true", "false", "1", "0", "1.50", "null", "10000000000000000000"),
        *('"true"', '" padded "', '""', '"a\\"b"', "[1,2]", '{"a":1}'),
    }
    rows = [
        store.rows[0]._replace(id=number, metadata=f'{{"team":"red","a.b":{value}}}')
        for number, value in enumerate(said, 1)
    ]
    await store.database.write(add_rows, rows, store.time_zone)

    async def found(path: str, value: str) -> int:
        wanted = EventFilter(SPAN, metadata_path=path, metadata_value=value)
        return len(await all_pages(store, wanted, count=9, scan_max=1000))

    assert await found('$."team"', "red") == len(said)
    assert await found('$."team"', "blue") == await found('$."a"', "1") == 0
    assert await found('$."a.b"', "true") == 2  # as a text and as what JSON calls true
    for value in said - {'"true"', "true"}:
        text = json.loads(value) if value.startswith('"') else value
        assert await found('$."a.b"', text) == 1, value
    for value in ("padded", "1.5", "2", "TRUE"):
        assert await found('$."a.b"', value) == 0, value


async def test_one_event_has_its_names_and_no_other_workspace_sees_it(store: Seeded) -> None:
    row = store.rows[0]
    async with store.scope.reading() as reading:
        event = await read_event(reading, row.timestamp_ms, row.id)
        assert event is not None
        assert store.ids[Kind.MODEL, event.model] == row.model_id
        assert (event.key_name, event.cost_pico) == (
            {1: "backend", 2: "worker"}[row.key_id],
            row.cost_pico,
        )
        assert await read_event(reading, row.timestamp_ms, row.id + 1) is None


async def test_an_export_is_the_same_as_all_pages(store: Seeded) -> None:
    found = [
        (event.timestamp_ms, event.id)
        async for events in exported_pages(store.scope, EventFilter(SPAN))
        for event in events
    ]
    assert found == await all_pages(store, EventFilter(SPAN), count=100, scan_max=1000)
