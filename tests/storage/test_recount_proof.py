"""The quick proof of a recount: it passes what is right and nothing that is not."""

import secrets
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmtrack.domain.periods import QUARTER_MS, day_of, day_start_ms, parse_instant
from llmtrack.storage.dimensions import MEASURES
from llmtrack.storage.recount import differences
from llmtrack.storage.recount_proof import PRIME, WEIGHTS, is_proven
from tests.storage.seeded import WORKSPACE_ID, Seeded, seeded

ZONE = "Europe/Berlin"
START_MS = parse_instant("2026-10-24T00:00:00+02:00")
END_MS = parse_instant("2026-10-26T12:00:00+01:00")  # the night of 25 October has 25 hours


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Seeded]:
    async with seeded(tmp_path / "llmtrack.db", ZONE, START_MS, END_MS, 300) as store:
        yield store


def drawn() -> dict[str, int]:
    return {name: 1 + secrets.randbelow(PRIME - 1) for name in WEIGHTS}


async def proven(store: Seeded, day: int) -> bool:
    start_ms, end_ms = day_start_ms(day, ZONE), day_start_ms(day + 1, ZONE)
    quarters = range(start_ms // QUARTER_MS, end_ms // QUARTER_MS)
    async with store.scope.reading() as reading:
        return await is_proven(
            reading, drawn(), day=day, span_ms=(start_ms, end_ms), quarters=quarters
        )


FIRST = day_of(START_MS, ZONE)
DAYS = (FIRST, FIRST + 1, FIRST + 2)


async def test_what_the_write_path_stored_is_proven(store: Seeded) -> None:
    assert [await proven(store, day) for day in DAYS] == [True, True, True]


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

    assert [await proven(store, day) for day in DAYS] == [False, True, True]
    async with store.scope.reading() as reading:
        found = await differences(reading, FIRST, ZONE, drawn())
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

    assert [await proven(store, day) for day in DAYS] == [False, True, True]


async def test_a_lost_event_shows(store: Seeded) -> None:
    await store.database.write(
        lambda at: at.execute(
            "delete from event where workspace_id = ? and timestamp_ms ="
            " (select min(timestamp_ms) from event where workspace_id = ?)",
            (WORKSPACE_ID, WORKSPACE_ID),
        )
    )

    assert [await proven(store, day) for day in DAYS] == [False, True, True]


async def test_the_workspace_next_door_does_not_matter(store: Seeded) -> None:
    await store.database.write(
        lambda at: at.execute("delete from event where workspace_id <> ?", (WORKSPACE_ID,))
    )

    assert [await proven(store, day) for day in DAYS] == [True, True, True]
