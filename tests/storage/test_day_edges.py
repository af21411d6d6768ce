"""A day that a period cuts: read in part, or as a whole without its rest."""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest

from llmtrack.domain.periods import DAY_MS, QUARTER_MS, day_of, day_start_ms
from llmtrack.domain.spans import Span
from llmtrack.storage import tag_counting
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.event_rows import EventRow
from llmtrack.storage.labels import value_of
from llmtrack.storage.purge import remembering
from llmtrack.storage.questions import Question
from llmtrack.storage.reports import planned_for, usage_by_value
from llmtrack.storage.tracked_tags import tags_of
from tests.storage import tagged
from tests.storage.seeded import WORKSPACE_ID, seeded
from tests.storage.test_reports import by_value, matching

ZONE = "Asia/Kathmandu"
DAY = 20_736
START_MS = day_start_ms(DAY, ZONE)
SPAN = Span(START_MS + 6 * 3_600_000, START_MS + 2 * DAY_MS)


async def test_a_day_whose_beginning_was_purged_is_not_taken_as_a_whole(tmp_path: Path) -> None:
    async with seeded(tmp_path / "l.db", ZONE, START_MS, START_MS + 3 * DAY_MS, 300) as store:
        kept = by_value(matching(store, SPAN, {}), Kind.CUSTOMER)
        question = Question(Kind.CUSTOMER, SPAN, ZONE)
        async with store.scope.reading() as reading:
            assert (await planned_for(reading, question)).less == (Span(START_MS, SPAN.start_ms),)
            assert await usage_by_value(reading, question) == kept

        purged = {"before_ms": START_MS + 4 * 3_600_000, "workspace_id": WORKSPACE_ID}
        await store.database.write(lambda connection: purge(connection, purged))

        async with store.scope.reading() as reading:
            assert (await planned_for(reading, question)).less == ()
            assert await usage_by_value(reading, question) == kept


async def test_a_day_that_a_tag_counts_in_part_is_not_taken_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_counting, "COUNT_EVENTS", 4)
    async with seeded(tmp_path / "l.db", tagged.ZONE, tagged.START_MS, tagged.END_MS, 500) as store:
        await tagged.tag_all(store)
        await tagged.track(store, "team")
        asked = 0
        for _ in range(60):
            await store.scope.write(tag_counting.count_tags)
            async with store.scope.reading() as reading:
                [tag] = await tags_of(reading)
                counted_ms = tag.counted_quarter * QUARTER_MS
                day_ms = day_start_ms(day_of(counted_ms, tagged.ZONE), tagged.ZONE)
                if not day_ms < counted_ms < day_ms + 9 * 3_600_000:
                    continue
                asked += 1
                ads = await value_of(reading, tag, "ads")
                span = Span(counted_ms, tagged.END_MS)
                question = Question(Kind.MODEL, span, tagged.ZONE, {tag: ads or 0})
                rows = [row for row in matching(store, span, {}) if tag_of(row) == "ads"]
                assert await usage_by_value(reading, question) == by_value(rows, Kind.MODEL)
        assert asked


def tag_of(row: EventRow) -> object:
    return json.loads(row.metadata or "{}").get("team")


def purge(connection: sqlite3.Connection, values: Mapping[str, int]) -> None:
    """As `storage.purge` does: remembered by quarter, and the sums stay."""
    where = "from event where workspace_id = :workspace_id and timestamp_ms < :before_ms"
    connection.execute(remembering(where), values)
    connection.execute(f"delete {where}", values)
