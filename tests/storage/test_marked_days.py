"""Rows of days that are over are read once, and again as soon as anything about them changes."""

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from llmtrack.domain.latency import latency_step
from llmtrack.domain.periods import DAY_MS, day_start_ms
from llmtrack.domain.spans import Span, Step, buckets_of
from llmtrack.services.packing import pack_days
from llmtrack.storage.database import Database
from llmtrack.storage.dimensions import Dimension, Kind
from llmtrack.storage.dropped_packs import drop_packs
from llmtrack.storage.kept_rows import KEPT_BYTES_MAX, KeptRows
from llmtrack.storage.latencies import latency_steps
from llmtrack.storage.marked_days import DAY_MARK
from llmtrack.storage.purge import purge_events
from llmtrack.storage.questions import Question
from llmtrack.storage.reports import UsageReport, usage_report
from llmtrack.storage.sums import WHOLE, Sums, total_of
from tests.storage.seeded import WORKSPACE_ID, Seeded, add_rows, seeded
from tests.storage.test_reports import by_value, matching, value_in

ZONE = "Europe/Berlin"
FIRST_DAY, DAYS = 20_738, 9
SPAN = Span(day_start_ms(FIRST_DAY, ZONE), day_start_ms(FIRST_DAY + DAYS, ZONE))
NOW_MS = SPAN.end_ms + 2 * DAY_MS
CHANGED_DAY = FIRST_DAY + 4
KINDS = (Kind.CUSTOMER, Kind.FEATURE)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Seeded]:
    async with seeded(tmp_path / "l.db", ZONE, SPAN.start_ms, SPAN.end_ms, 900) as store:
        await pack_days(store.database, now_ms=NOW_MS)
        yield store


def model_of(store: Seeded) -> int:
    return store.ids[Kind.MODEL, "sonnet"]


async def report(store: Seeded, kind: Kind) -> UsageReport[Sums]:
    filters: dict[Dimension, int] = {Kind.MODEL: model_of(store)}
    question = Question(kind, SPAN, ZONE, filters)
    async with store.scope.reading() as reading:
        buckets = buckets_of(SPAN, Step.DAY, ZONE)
        return await usage_report(reading, question, buckets, series_max=2, of=WHOLE)


async def assert_exact(store: Seeded, kinds: Sequence[Kind] = KINDS) -> None:
    """By value, in all and day by day."""
    rows = matching(store, SPAN, {Kind.MODEL: model_of(store)})
    for kind in kinds:
        found = await report(store, kind)
        assert found.values == by_value(rows, kind)
        for place, of_day in enumerate(buckets_of(SPAN, Step.DAY, ZONE).spans):
            expected = by_value(
                [row for row in rows if of_day.start_ms <= row.timestamp_ms < of_day.end_ms], kind
            )
            for value, series in found.series.items():
                assert series[place] == expected.get(value, Sums())


def add_a_million(connection: sqlite3.Connection) -> None:
    """To a day's pairs, as nothing of ours does: without dropping its packs."""
    connection.execute(
        "update usage_pair_day set events = events + 1000000 where workspace_id = ? and bucket = ?",
        (WORKSPACE_ID, CHANGED_DAY),
    )


async def test_marked_days_are_read_once_until_their_mark_is_gone(store: Seeded) -> None:
    await assert_exact(store)
    await store.database.write(add_a_million)
    await assert_exact(store, [Kind.CUSTOMER])  # what was read before

    await store.database.write(drop_packs, WORKSPACE_ID, (CHANGED_DAY,))
    found = await report(store, Kind.CUSTOMER)
    assert max(one.events for series in found.series.values() for one in series) > 1_000_000
    assert max(sums.events for sums in found.values.values()) > 1_000_000


async def test_a_late_event_is_seen_at_once_whichever_process_took_it(store: Seeded) -> None:
    await assert_exact(store)
    [first, second, *_] = matching(store, SPAN, {Kind.MODEL: model_of(store)})
    late = [
        row._replace(id=number, customer_id=first.customer_id or 1)
        for number, row in enumerate((first, second), 1)
    ]
    await store.database.write(add_rows, late[:1], ZONE)
    store.rows.append(late[0])
    await assert_exact(store)

    other = await Database.open(store.database.path)
    await other.write(add_rows, late[1:], ZONE)
    await other.close()
    store.rows.append(late[1])
    await assert_exact(store)

    await pack_days(store.database, now_ms=NOW_MS)
    await assert_exact(store)


async def test_days_that_were_packed_before_there_were_marks_get_theirs(store: Seeded) -> None:
    await store.database.write(
        lambda connection: connection.execute(
            "delete from usage_pack where kind = ?", (DAY_MARK.kind,)
        )
    )
    assert await pack_days(store.database, now_ms=NOW_MS) == 2 * DAYS
    rows = await store.scope.rows(
        "select count(*), count(distinct sums) from usage_pack"
        " where workspace_id = :workspace_id and kind = :kind",
        kind=DAY_MARK.kind,
    )
    assert tuple(rows[0]) == (DAYS, DAYS)
    assert await pack_days(store.database, now_ms=NOW_MS) == 0


def test_what_was_wanted_last_is_kept_of_each_workspace() -> None:
    kept, part = KeptRows(), b"x" * (KEPT_BYTES_MAX // 4)
    for question in range(4):
        kept.keep(1, question, part)
    kept.keep(1, 3, part)
    assert kept.get(1, 0) == part  # wanted again
    assert kept.get(2, 0) is None
    kept.keep(2, 0, b"y" + part[1:])
    assert [question for question in range(4) if kept.get(1, question)] == [0, 2, 3]
    kept.keep(1, 9, b"z" * (KEPT_BYTES_MAX + 1))
    assert kept.get(1, 9) is None


EVENTS_SPAN = Span(SPAN.start_ms + 5_000_000, SPAN.end_ms - 7_000_000)


def two_filters(store: Seeded) -> dict[Kind, int]:
    """Of a combination that is in no sums: its events are read one by one."""
    return {Kind.MODEL: model_of(store), Kind.ENVIRONMENT: store.ids[Kind.ENVIRONMENT, "staging"]}


async def assert_exact_from_events(store: Seeded) -> None:
    filters = two_filters(store)
    rows = matching(store, EVENTS_SPAN, filters)
    async with store.scope.reading() as reading:
        for kind in (Kind.CUSTOMER, Kind.FEATURE, Kind.TOTAL):
            question = Question(kind, EVENTS_SPAN, ZONE, filters)
            for step in (Step.HOUR, Step.DAY):
                buckets = buckets_of(EVENTS_SPAN, step, ZONE)
                found = await usage_report(reading, question, buckets, series_max=2, of=WHOLE)
                assert found.values == by_value(rows, kind)
                assert total_of(found.bucket_totals) == total_of(found.values.values())
            steps = {
                value: Counter(
                    latency_step(row.latency_ms)
                    for row in rows
                    if row.latency_ms is not None and value_in(row, kind) == value
                )
                for value in {value_in(row, kind) for row in rows}
            }
            found_steps = await latency_steps(reading, question)
            assert found_steps == {value: of_value for value, of_value in steps.items() if of_value}


def hurry(connection: sqlite3.Connection) -> None:
    """Events of a day, as nothing of ours does: without dropping its packs."""
    start_ms = day_start_ms(CHANGED_DAY, ZONE)
    connection.execute(
        "update event set latency_ms = 1, cost_pico = 1, cost_status = 0 where workspace_id = ?"
        " and timestamp_ms between ? and ?",
        (WORKSPACE_ID, start_ms, start_ms + DAY_MS),
    )


async def test_events_of_marked_days_are_read_once_until_their_mark_is_gone(store: Seeded) -> None:
    await assert_exact_from_events(store)
    await store.database.write(hurry)
    await assert_exact_from_events(store)

    await store.database.write(drop_packs, WORKSPACE_ID, (CHANGED_DAY,))
    with pytest.raises(AssertionError):
        await assert_exact_from_events(store)


async def test_late_and_purged_events_are_seen_at_once_in_what_is_read_from_events(
    store: Seeded,
) -> None:
    await assert_exact_from_events(store)
    rows = matching(store, EVENTS_SPAN, two_filters(store))
    newest = max(rows, key=lambda row: row.timestamp_ms)
    for number, row in enumerate((newest, rows[0]), 1):
        late = row._replace(id=number)
        await store.database.write(add_rows, [late], ZONE)
        store.rows.append(late)
        await assert_exact_from_events(store)  # with a day at the end, or amid, that has no mark

    before_ms = day_start_ms(CHANGED_DAY, ZONE)
    assert (await store.scope.write(purge_events, before_ms=before_ms)).events > 300
    store.rows = [row for row in store.rows if row.timestamp_ms >= before_ms]
    await assert_exact_from_events(store)
