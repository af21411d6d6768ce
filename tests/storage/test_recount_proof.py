"""The quick proof of a recount: it passes what is right and nothing that is not."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from llmtrack.domain.latency import STEP_RATIO, latency_step
from llmtrack.domain.periods import QUARTER_MS, day_of, day_start_ms, parse_instant
from llmtrack.storage import recount_proof
from llmtrack.storage.dimensions import MEASURES
from llmtrack.storage.recount import differences
from llmtrack.storage.recount_proof import Proven, draw_weights, prove
from tests.storage.seeded import WORKSPACE_ID, Seeded, seeded

ZONE = "Europe/Berlin"
START_MS = parse_instant("2026-10-24T00:00:00+02:00")
END_MS = parse_instant("2026-10-26T12:00:00+01:00")  # the night of 25 October has 25 hours


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Seeded]:
    async with seeded(tmp_path / "llmtrack.db", ZONE, START_MS, END_MS, 300) as store:
        yield store


async def proven(store: Seeded, day: int) -> Proven:
    start_ms, end_ms = day_start_ms(day, ZONE), day_start_ms(day + 1, ZONE)
    quarters = range(start_ms // QUARTER_MS, end_ms // QUARTER_MS)
    async with store.scope.reading() as reading:
        return await prove(reading, draw_weights(), day=day, quarters=quarters)


ALL, NOT_USAGE, NOT_LATENCIES = Proven(True, True), Proven(False, True), Proven(True, False)
FIRST = day_of(START_MS, ZONE)
DAYS = (FIRST, FIRST + 1, FIRST + 2)


async def test_what_the_write_path_stored_is_proven(store: Seeded) -> None:
    assert [await proven(store, day) for day in DAYS] == [ALL, ALL, ALL]


@pytest.mark.parametrize("table", ["usage_quarter", "usage_day", "usage_pair_day"])
@pytest.mark.parametrize("measure", MEASURES)
async def test_every_measure_of_every_table_counts(store: Seeded, table: str, measure: str) -> None:
    in_first_day = {
        "usage_quarter": f"bucket < {day_start_ms(FIRST + 1, ZONE) // QUARTER_MS}",
    }.get(table, f"bucket = {FIRST}")
    one = (
        f"(workspace_id, kind, bucket, value) = (select workspace_id, kind, bucket, value"  # noqa: S608
        f" from {table} where workspace_id = {WORKSPACE_ID} and {in_first_day}"
        f" order by kind desc, value limit 1)"
    )
    await store.database.write(
        lambda at: at.execute(f"update {table} set {measure} = {measure} + 1 where {one}")  # noqa: S608
    )

    assert [await proven(store, day) for day in DAYS] == [NOT_USAGE, ALL, ALL]
    async with store.scope.reading() as reading:
        found = await differences(reading, FIRST, ZONE, draw_weights())
    assert [difference.table for difference in found] == [table]


async def test_what_went_from_one_value_to_another_shows(store: Seeded) -> None:
    """Totals stay, and so would a sum weighed by the values themselves."""

    def swap(at: sqlite3.Connection) -> None:
        for sign, place in ((1, 0), (-1, 1)):
            at.execute(
                "update usage_day set events = events + ?1"
                " where workspace_id = ?2 and kind = 2 and bucket = ?3 and value ="
                " (select value from usage_day where workspace_id = ?2 and kind = 2"
                " and bucket = ?3 order by value limit 1 offset ?4)",
                (sign, WORKSPACE_ID, FIRST, place),
            )

    await store.database.write(swap)

    assert [await proven(store, day) for day in DAYS] == [NOT_USAGE, ALL, ALL]


@pytest.mark.parametrize("table", ["latency_quarter", "latency_day"])
@pytest.mark.parametrize("change", ["events = events + 1", "step = step + 1", "value = value + 1"])
async def test_every_latency_counts(store: Seeded, table: str, change: str) -> None:
    keys = "workspace_id, kind, bucket, value, step"
    await store.database.write(
        lambda at: at.execute(
            f"update {table} set {change} where ({keys}) = (select {keys} from {table}"  # noqa: S608
            f" where workspace_id = {WORKSPACE_ID} order by bucket, kind desc, value desc,"
            " step desc limit 1)"
        )
    )

    assert [await proven(store, day) for day in DAYS] == [NOT_LATENCIES, ALL, ALL]
    async with store.scope.reading() as reading:
        found = await differences(reading, FIRST, ZONE, draw_weights())
    assert [difference.table for difference in found] == [table]


async def test_without_logarithms_latencies_are_counted(
    store: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a system whose SQLite was built without them."""
    monkeypatch.setattr(recount_proof, "has_logarithm", lambda: False)

    assert [await proven(store, day) for day in DAYS] == [NOT_LATENCIES] * 3
    async with store.scope.reading() as reading:
        assert await differences(reading, FIRST, ZONE, draw_weights()) == []


def test_the_logarithm_finds_the_step_of_every_latency_below_a_year() -> None:
    """It only grows, so it is right everywhere if it is right where each step begins and ends."""
    firsts = [1]
    while firsts[-1] < 366 * 86_400_000:
        step = latency_step(firsts[-1] - 1)
        low, high = firsts[-1], 2 * firsts[-1] + 1
        while low < high:  # the least number in a later step
            middle = (low + high) // 2
            if latency_step(middle - 1) > step:
                high = middle
            else:
                low = middle + 1
        firsts.append(low)
    around = [first + offset for first in firsts for offset in (-2, -1, 0) if first + offset >= 0]
    with closing(sqlite3.connect(":memory:")) as connection:
        found = [
            connection.execute(
                f"select cast(ln(? + 1) / ln({STEP_RATIO}) as integer)", (latency_ms,)
            ).fetchone()[0]
            for latency_ms in around
        ]

    assert found == [latency_step(latency_ms) for latency_ms in around]


@pytest.mark.parametrize("offset", range(4))
async def test_a_lost_event_shows(store: Seeded, offset: int) -> None:
    await store.database.write(
        lambda at: at.execute(
            "delete from event where (workspace_id, timestamp_ms, id) ="
            " (select workspace_id, timestamp_ms, id from event where workspace_id = ?"
            "  order by timestamp_ms limit 1 offset ?)",
            (WORKSPACE_ID, offset),
        )
    )

    first, *others = [await proven(store, day) for day in DAYS]
    assert not first.usage
    assert others == [ALL, ALL]


async def test_the_workspace_next_door_does_not_matter(store: Seeded) -> None:
    await store.database.write(
        lambda at: at.execute("delete from event where workspace_id <> ?", (WORKSPACE_ID,))
    )

    assert [await proven(store, day) for day in DAYS] == [ALL, ALL, ALL]
