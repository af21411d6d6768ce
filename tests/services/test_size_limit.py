"""disk.max_db_size: the oldest single events go in time, every total stays, and it is on record."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmtrack.domain.periods import DAY_MS, day_of, day_start_ms, parse_instant
from llmtrack.services import size_limit as size_limit_module
from llmtrack.services.deletion_runs import ledger
from llmtrack.services.inspection import recounted
from llmtrack.services.size_limit import SizeLimit
from llmtrack.storage.job_states import job_states
from llmtrack.storage.maintenance import all_costs
from llmtrack.storage.maintenance_sizes import all_events_left, bytes_in_use_now
from tests.storage.seeded import Seeded, seeded

ZONE = "America/New_York"
START_MS = parse_instant("2026-10-30", ZONE)
END_MS = parse_instant("2026-11-04", ZONE)
LATER_MS = END_MS + 3 * DAY_MS
EVENTS = 3000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Seeded]:
    async with seeded(tmp_path / "llmtrack.db", ZONE, START_MS, END_MS, EVENTS) as store:
        yield store


def limit_of(store: Seeded, limit_bytes: int) -> SizeLimit:
    return SizeLimit(store.database.path.parent, limit_bytes=limit_bytes)


async def counts(store: Seeded) -> dict[int, list[int]]:
    """Times of the events that are left, by workspace."""
    rows = await store.database.rows("select workspace_id, timestamp_ms from event order by 1, 2")
    found: dict[int, list[int]] = {}
    for workspace_id, timestamp_ms in rows:
        found.setdefault(workspace_id, []).append(timestamp_ms)
    return found


async def test_far_below_the_limit_and_without_one_nothing_goes(store: Seeded) -> None:
    used = await bytes_in_use_now(store.database)
    for limit_bytes in (0, used * 2):
        limit = limit_of(store, limit_bytes)
        assert await limit.look(store.database, lambda: LATER_MS)
        assert limit.used_bytes == used
    assert await ledger(store.database) == []
    assert "size_limit" not in await job_states(store.database)


async def test_near_it_whole_oldest_days_of_every_workspace_go_and_totals_stay(
    store: Seeded,
) -> None:
    used = await bytes_in_use_now(store.database)
    costs = await store.database.write(all_costs)
    limit = limit_of(store, used)

    assert await limit.look(store.database, lambda: LATER_MS)

    assert limit.used_bytes == await bytes_in_use_now(store.database) < used * 0.95
    left = await counts(store)
    assert set(left) == {1, 2}
    assert all(0 < len(times) < EVENTS for times in left.values())
    gone: dict[str, int] = {}
    for entry in await ledger(store.database):
        assert entry.keep_totals
        assert int(entry.subject) == day_start_ms(day_of(int(entry.subject), ZONE), ZONE)
        workspace = entry.workspace_public_id
        gone[workspace] = gone.get(workspace, 0) + entry.removed["events"]
    assert gone == {f"wsp_{number}": EVENTS - len(times) for number, times in left.items()}
    assert (await store.database.write(all_costs)).totals_pico == costs.totals_pico
    assert not (await recounted(store.scope)).found
    state = (await job_states(store.database))["size_limit"]
    assert state.failures == 0
    assert f"{sum(gone.values()):,} events removed" in state.result


async def test_what_is_left_is_counted_from_the_totals(store: Seeded) -> None:
    limit = limit_of(store, await bytes_in_use_now(store.database))
    await limit.look(store.database, lambda: LATER_MS)

    told = await store.database.write(all_events_left)

    assert sum(part.events for part in told) == sum(map(len, (await counts(store)).values()))


async def test_where_all_came_today_no_more_of_today_goes_than_must(store: Seeded) -> None:
    used = await bytes_in_use_now(store.database)
    limit = limit_of(store, used)

    # As of a moment within the first day: nothing is over that could go as a whole.
    assert await limit.look(store.database, lambda: START_MS + 1)

    left = sum(map(len, (await counts(store)).values()))
    assert EVENTS < left < 2 * EVENTS


async def test_with_nothing_left_to_remove_the_job_fails_and_says_so(
    store: Seeded, caplog: pytest.LogCaptureFixture
) -> None:
    limit = limit_of(store, 4096)

    assert not await limit.look(store.database, lambda: LATER_MS)

    state = (await job_states(store.database))["size_limit"]
    assert state.failures == 1
    assert "no single event is left to remove" in state.result
    assert await counts(store) == {}
    assert "disk.max_db_size" in caplog.text


async def test_it_keeps_watching(store: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_limit_module, "PERIOD_S", 0.01)
    limit = limit_of(store, 0)
    task = asyncio.create_task(limit.watch(store.database, lambda: LATER_MS))
    await asyncio.sleep(0.05)
    limit.limit_bytes = await bytes_in_use_now(store.database)
    async with asyncio.timeout(20):
        while not await ledger(store.database):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
