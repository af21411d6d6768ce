"""Purging single events: they go, every total stays, and nothing else can hide behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmtrack.domain.periods import DAY_MS, day_of, day_start_ms, parse_instant
from llmtrack.domain.spans import Span
from llmtrack.services.inspection import recounted
from llmtrack.services.retention import cutoff_ms, purge
from llmtrack.storage import purge as purge_module
from llmtrack.storage.dimensions import DAY_KINDS, Kind
from llmtrack.storage.maintenance import all_checkpointed
from llmtrack.storage.purge import Purged, purge_events, purgeable
from llmtrack.storage.questions import Question
from llmtrack.storage.reports import UsageRow, breakdown
from tests.storage.seeded import (
    OTHER_WORKSPACE_ID,
    Seeded,
    add_rows,
    random_row,
    repeatable,
    seeded,
)

ZONE = "America/New_York"
START_MS = parse_instant("2026-10-30", ZONE)
END_MS = parse_instant("2026-11-04", ZONE)  # with the 25 hours of 1 November
BEFORE_MS = parse_instant("2026-11-02", ZONE)


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Seeded]:
    monkeypatch.setattr(purge_module, "BATCH_EVENTS", 40)
    monkeypatch.setattr(purge_module, "BATCH_RESPONSES", 3)
    async with seeded(tmp_path / "llmtrack.db", ZONE, START_MS, END_MS, 400) as store:
        yield store


def old_rows(store: Seeded) -> Purged:
    old = [row for row in store.rows if row.timestamp_ms < BEFORE_MS]
    return Purged(len(old), sum(row.cost_pico or 0 for row in old))


async def count(store: Seeded, where: str) -> int:
    [row] = await store.database.rows(f"select count(*) from event where {where}")  # noqa: S608
    return int(row[0])


async def totals(store: Seeded) -> dict[Kind, list[UsageRow]]:
    async with store.scope.reading() as reading:
        return {
            kind: await breakdown(reading, Question(kind, Span(START_MS, END_MS), ZONE))
            for kind in DAY_KINDS
        }


async def test_events_before_go_and_the_rest_stays(store: Seeded) -> None:
    expected = old_rows(store)
    heard: list[Purged] = []

    purged = await purge(store.scope, before_ms=BEFORE_MS, progress=heard.append)

    assert purged == expected == heard[-1]
    assert len(heard) > 3
    assert await count(store, f"workspace_id = 1 and timestamp_ms < {BEFORE_MS}") == 0
    assert await count(store, "workspace_id = 1") == 400 - expected.events
    assert await count(store, f"workspace_id = {OTHER_WORKSPACE_ID}") == 400


async def test_every_total_of_whole_days_stays(store: Seeded) -> None:
    before = await totals(store)

    await purge(store.scope, before_ms=BEFORE_MS)

    assert await totals(store) == before


async def test_the_count_beforehand_is_what_goes(store: Seeded) -> None:
    async with store.scope.reading() as reading:
        planned = await purgeable(reading, BEFORE_MS)

    assert planned == old_rows(store) == await purge(store.scope, before_ms=BEFORE_MS)


async def test_an_interrupted_purge_leaves_no_difference_and_can_go_on(store: Seeded) -> None:
    first = await store.scope.write(purge_events, before_ms=BEFORE_MS)
    assert first.events == 40
    assert (await recounted(store.scope)).found == []

    rest = await purge(store.scope, before_ms=BEFORE_MS)

    assert first.plus(rest) == old_rows(store)
    found = await recounted(store.scope)
    assert found.found == []
    assert (found.days, found.purged_days) == (5, 3)


async def test_an_event_lost_from_a_purged_day_is_still_found(store: Seeded) -> None:
    await store.scope.write(purge_events, before_ms=BEFORE_MS)
    lost = max(row for row in store.rows if row.timestamp_ms < START_MS + DAY_MS)
    sql = f"delete from event where workspace_id = 1 and id = {lost.id}"  # noqa: S608
    await store.database.write(lambda connection: connection.execute(sql))

    assert (await recounted(store.scope)).found != []


async def test_an_event_that_comes_late_to_a_purged_day_is_no_difference(store: Seeded) -> None:
    await purge(store.scope, before_ms=BEFORE_MS)
    late = random_row(repeatable("late"), store.ids, 1, START_MS + 5)

    await store.database.write(add_rows, [late], ZONE)

    assert (await recounted(store.scope)).found == []
    again = await purge(store.scope, before_ms=BEFORE_MS)
    assert again.events == 1
    assert (await recounted(store.scope)).found == []


async def test_response_ids_of_purged_events_go_with_them(store: Seeded) -> None:
    rows = [
        (1, number.to_bytes(16), BEFORE_MS + (1 if number % 3 else -1), number)
        for number in range(20)
    ]
    await store.database.write(
        lambda connection: connection.executemany("insert into response values (?, ?, ?, ?)", rows)
    )

    await purge(store.scope, before_ms=BEFORE_MS)

    left = await store.database.rows("select event_id from response order by event_id")
    assert [row[0] for row in left] == [number for number in range(20) if number % 3]


async def test_nothing_of_a_purged_event_can_be_read_from_the_file(store: Seeded) -> None:
    marked = random_row(repeatable("marked"), store.ids, 1, START_MS + 5)
    marked = marked._replace(metadata='{"secret":"MARKER-7391"}')
    await store.database.write(add_rows, [marked], ZONE)
    path = store.database.path
    files = [path, path.with_name(path.name + "-wal")]
    assert any(b"MARKER-7391" in file.read_bytes() for file in files)

    await purge(store.scope, before_ms=BEFORE_MS)

    assert all_checkpointed(path)
    assert not any(b"MARKER-7391" in file.read_bytes() for file in files)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
def test_the_cutoff_is_a_local_midnight_the_given_days_ago(zone: str) -> None:
    now_ms = parse_instant("2026-11-20T12:00:00Z")

    before_ms = cutoff_ms(now_ms, 90, zone)

    assert before_ms == day_start_ms(day_of(now_ms - 90 * DAY_MS, zone), zone)
    assert 90 * DAY_MS <= now_ms - before_ms < 91 * DAY_MS
