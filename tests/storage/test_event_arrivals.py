"""What came to a workspace, in the order in which it came."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmtrack.domain.spans import Span
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.event_arrivals import arrivals_since, arrived_count, read_events
from llmtrack.storage.event_search import EventFilter
from tests.storage.seeded import Seeded, seeded

START_MS, END_MS = 1_795_000_000_000, 1_795_500_000_000
SPAN = Span(START_MS, END_MS)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Seeded]:
    async with seeded(tmp_path / "llmtrack.db", "Europe/Berlin", START_MS, END_MS, 300) as made:
        yield made


async def test_the_newest_that_came_since_and_which_of_them_are_wanted(store: Seeded) -> None:
    middle = (START_MS + END_MS) // 2
    model = store.ids[Kind.MODEL, "gpt-5"]
    wanted = EventFilter(Span(middle + 1, END_MS), {Kind.MODEL: model})
    newest = sorted(store.rows, key=lambda row: (row.timestamp_ms, row.id), reverse=True)[:200]
    expected = [
        (
            (row.timestamp_ms, row.id),
            row.timestamp_ms + row.arrival_delay_ms,
            row.model_id == model and row.timestamp_ms > middle,
        )
        for row in newest
        if row.timestamp_ms + row.arrival_delay_ms >= middle
    ]
    async with store.scope.reading() as reading:
        found = await arrivals_since(reading, wanted, middle, scan_max=200)
        keys = [arrival.key for arrival in found if arrival.matches]
        events = await read_events(reading, reversed(keys))
    assert [tuple(arrival) for arrival in found] == expected
    assert 0 < len(keys) < len(found)
    assert [(event.timestamp_ms, event.id) for event in events] == keys
    assert {event.model for event in events} == {"gpt-5"}


async def test_the_count_of_what_came_is_there_without_events(store: Seeded) -> None:
    async with store.scope.reading() as reading:
        assert await arrived_count(reading) >= 0
        assert await read_events(reading, []) == []
        assert await read_events(reading, [(1, 1)]) == []
