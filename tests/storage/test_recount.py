"""The rollups counted anew: right ones pass, and nothing that is wrong gets by."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmtrack.domain.periods import day_of, parse_instant
from llmtrack.storage.recount import Difference, differences, next_day
from tests.storage.seeded import WORKSPACE_ID, Seeded, seeded

ZONE = "Europe/Berlin"
START_MS = parse_instant("2026-10-24T00:00:00+02:00")
END_MS = parse_instant("2026-10-26T12:00:00+01:00")  # the night of 25 October has 25 hours


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Seeded]:
    async with seeded(tmp_path / "llmtrack.db", ZONE, START_MS, END_MS, 300) as store:
        yield store


async def days_of(store: Seeded) -> list[int]:
    days: list[int] = []
    async with store.scope.reading() as reading:
        day = await next_day(reading, -1, ZONE)
        while day is not None:
            days.append(day)
            day = await next_day(reading, day + 1, ZONE)
    return days


async def wrong(store: Seeded) -> list[Difference]:
    found: list[Difference] = []
    for day in await days_of(store):
        async with store.scope.reading() as reading:
            found += await differences(reading, day, ZONE)
    return found


async def spoil(store: Seeded, sql: str) -> None:
    await store.database.write(lambda connection: connection.execute(sql))


async def test_what_the_write_path_stored_adds_up(store: Seeded) -> None:
    first = day_of(START_MS, ZONE)

    assert await days_of(store) == [first, first + 1, first + 2]
    assert await wrong(store) == []


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("usage_quarter", "cost_rest = cost_rest + 1"),
        ("usage_day", "events = events - 1"),
        ("usage_day", "reasoning_tokens = reasoning_tokens + 7"),
        ("usage_pair_day", "unpriced_events = unpriced_events + 1"),
        ("latency_quarter", "events = events + 1"),
        ("latency_day", "step = step + 1"),
    ],
)
async def test_one_changed_row_is_found(store: Seeded, table: str, change: str) -> None:
    where = "workspace_id = 1 and events > 0"
    keys = "(workspace_id, kind, bucket, value)"
    if table == "usage_pair_day":
        keys = "(workspace_id, kind, bucket, value, other)"
    if table.startswith("latency"):
        keys = "(workspace_id, kind, bucket, value, step)"
    columns = keys.strip("()")
    await spoil(
        store,
        f"update {table} set {change} where {keys} ="  # noqa: S608
        f" (select {columns} from {table} where {where}"
        f" order by {columns.replace('step', 'step desc')} limit 1)",
    )

    found = await wrong(store)

    assert [difference.table for difference in found] == [table]
    assert found[0].day in await days_of(store)


async def test_a_lost_event_is_found_in_every_table(store: Seeded) -> None:
    row = next(row for row in store.rows if row.latency_ms is not None)
    await spoil(store, f"delete from event where workspace_id = 1 and id = {row.id}")  # noqa: S608

    assert {difference.table for difference in await wrong(store)} == {
        "usage_quarter",
        "usage_day",
        "usage_pair_day",
        "latency_quarter",
        "latency_day",
    }


async def test_a_row_of_a_day_without_events_is_found(store: Seeded) -> None:
    await spoil(
        store,
        "insert into usage_pair_day (workspace_id, kind, bucket, value, other, events)"
        " values (1, 33, 9000, 1, 1, 1)",
    )

    assert await wrong(store) == [Difference("usage_pair_day", "model x provider", 9000, 1)]


async def test_a_row_that_sank_to_zero_is_no_difference(store: Seeded) -> None:
    await spoil(
        store,
        "insert into usage_day (workspace_id, kind, bucket, value) values (1, 2, 20000, 99)",
    )

    assert await wrong(store) == []


async def test_another_workspace_does_not_matter(store: Seeded) -> None:
    await spoil(store, f"update usage_day set events = 0 where workspace_id <> {WORKSPACE_ID}")  # noqa: S608

    assert await wrong(store) == []
