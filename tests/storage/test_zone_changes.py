"""Another time zone for a workspace: every total of a day is then that of the new zone's day."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from llmtrack.domain.errors import InvalidValue, Refused
from llmtrack.domain.periods import QUARTER_MS, day_of, day_start_ms, parse_instant
from llmtrack.domain.spans import Span, Step, buckets_of
from llmtrack.services.inspection import recounted
from llmtrack.services.zone_changes import drive_zone_change, zone_mover
from llmtrack.storage import zone_changes
from llmtrack.storage.audit import Actor, list_entries
from llmtrack.storage.counting import Countings
from llmtrack.storage.day_zones import are_days_of
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.event_digests import EventDigests
from llmtrack.storage.event_rows import insert_events
from llmtrack.storage.purge import purge_events
from llmtrack.storage.questions import Question
from llmtrack.storage.reports import totals_by_bucket, usage_by_value
from llmtrack.storage.rollups import Rollups
from llmtrack.storage.scope import Scope
from llmtrack.storage.sums import NO_SUMS, Sums
from llmtrack.storage.workspaces import scope_for_admin
from llmtrack.storage.zone_changes import move_days, set_time_zone
from tests.storage.seeded import WORKSPACE_ID, Seeded, random_row, repeatable, seeded

OPERATOR = Actor(None, "a test")
NOW_MS = parse_instant("2026-11-10T12:00:00Z")
CHANGES = [
    ("Europe/Berlin", "Asia/Kolkata", "2026-10-23"),  # the night of 25 October has 25 hours
    ("Asia/Kathmandu", "America/New_York", "2026-10-30"),  # the one of 1 November as well
    ("America/New_York", "Europe/Berlin", "2026-03-06"),  # both lose an hour, on other days
    ("UTC", "Pacific/Apia", "2026-03-28"),
    ("Australia/Lord_Howe", "UTC", "2026-04-03"),  # half an hour of summer time
]


@pytest.fixture(params=CHANGES, ids=lambda change: f"{change[0]}-{change[1]}")
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Seeded]:
    old_zone, _, first = request.param
    start_ms = parse_instant(f"{first}T00:00:00Z")
    end_ms = start_ms + 4 * 96 * QUARTER_MS
    async with seeded(tmp_path / "llmtrack.db", old_zone, start_ms, end_ms, 500) as store:
        yield store


@pytest.fixture
def new_zone(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["store"][1])


async def begin(store: Seeded, new_zone: str) -> Scope:
    await store.scope.write(set_time_zone, time_zone=new_zone, actor=OPERATOR, now_ms=NOW_MS)
    return await scope_for_admin(store.database, "wsp_1")


def sums_of_rows(store: Seeded, span: Span) -> Sums:
    """What the events of a span add up to, without a table and without SQL."""
    total = NO_SUMS
    for row in store.rows:
        if span.start_ms <= row.timestamp_ms < span.end_ms:
            total += Sums(
                events=1,
                errors=row.status == 1,
                timeouts=row.status == 2,
                cancelled=row.status == 3,
                input_tokens=row.input_tokens or 0,
                cache_read_tokens=row.cache_read_tokens or 0,
                output_tokens=row.output_tokens or 0,
                reasoning_tokens=row.reasoning_tokens or 0,
                cost_pico=row.cost_pico or 0,
                unpriced_events=row.cost_pico is None,
                partial_events=row.cost_status == 3,
            )
    return total


async def assert_days_are_right(store: Seeded, scope: Scope) -> None:
    """Each day, and the whole by two dimensions, against the events one by one."""
    zone = scope.time_zone
    times = [row.timestamp_ms for row in store.rows]
    first, last = day_of(min(times), zone), day_of(max(times), zone)
    span = Span(day_start_ms(first, zone), day_start_ms(last + 1, zone))
    buckets = buckets_of(span, Step.DAY, zone)
    async with scope.reading() as reading:
        days = await totals_by_bucket(reading, Question(Kind.TOTAL, span, zone), buckets)
        for found, day in zip(days, buckets.spans, strict=True):
            expected = sums_of_rows(store, day)
            assert (found.events, found.cost_pico, found.input_tokens, found.errors) == (
                expected.events,
                expected.cost_pico,
                expected.input_tokens,
                expected.errors,
            )
            for kind in (Kind.CUSTOMER, Kind.MODEL):
                values = await usage_by_value(reading, Question(kind, day, zone))
                assert sum(v.cost_pico for v in values.values()) == expected.cost_pico


async def test_all_days_are_those_of_the_new_zone_afterwards(store: Seeded, new_zone: str) -> None:
    scope = await begin(store, new_zone)
    await drive_zone_change(scope)

    async with scope.reading() as reading:
        assert await are_days_of(reading, new_zone)
        assert not await are_days_of(reading, store.time_zone)
    counted = await recounted(scope)
    assert (counted.found, counted.is_moving) == ([], False)
    await assert_days_are_right(store, scope)
    [entry] = await list_entries(scope)
    assert entry.action == "workspace.set_time_zone"
    assert entry.details == {"from": store.time_zone, "to": new_zone}


async def test_pages_are_exact_and_events_are_counted_while_days_move(
    store: Seeded, new_zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zone_changes, "MOVE_EVENTS", 25)
    scope = await begin(store, new_zone)
    source = repeatable("late")
    steps = 0
    times = [row.timestamp_ms for row in store.rows]
    while (change := await scope.write(move_days)) is not None:
        steps += 1
        assert 0 <= change.percent <= 99
        late = random_row(source, store.ids, WORKSPACE_ID, source.randrange(min(times), max(times)))
        await store.database.write(_add, late)
        store.rows.append(late)
        await assert_days_are_right(store, scope)
        assert (await recounted(scope)).is_moving

    assert steps > 2
    assert (await recounted(scope)).found == []
    await assert_days_are_right(store, scope)


async def test_events_that_are_summed_late_are_moved_once(
    store: Seeded, new_zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zone_changes, "MOVE_EVENTS", 25)
    scope = await begin(store, new_zone)
    source = repeatable("summed late")
    times = [row.timestamp_ms for row in store.rows]
    while await scope.write(move_days):
        late = random_row(source, store.ids, WORKSPACE_ID, source.randrange(min(times), max(times)))
        await store.database.write(_note, store, late)
        store.rows.append(late)

    assert (await recounted(scope)).found == []
    await assert_days_are_right(store, scope)


def _note(connection: object, store: Seeded, row: object) -> None:
    insert_events(connection, [row])  # type: ignore[arg-type, list-item]
    store.database.sums.note(connection, [row], EventDigests.none())  # type: ignore[arg-type, list-item]


def _add(connection: object, row: object) -> None:
    insert_events(connection, [row])  # type: ignore[arg-type, list-item]
    rollups = Rollups(Countings(connection).of)  # type: ignore[arg-type]
    rollups.add(row)  # type: ignore[arg-type]
    rollups.write(connection)  # type: ignore[arg-type]


@pytest.fixture
async def berlin(tmp_path: Path) -> AsyncIterator[Seeded]:
    start_ms = parse_instant("2026-10-20T00:00:00Z")
    end_ms = start_ms + 6 * 96 * QUARTER_MS
    async with seeded(tmp_path / "llmtrack.db", "Europe/Berlin", start_ms, end_ms, 400) as store:
        yield store


async def test_a_change_that_was_cut_short_is_finished_by_the_server(
    berlin: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zone_changes, "MOVE_EVENTS", 20)
    scope = await begin(berlin, "Asia/Kathmandu")
    await scope.write(move_days)
    await scope.write(move_days)

    moving = asyncio.create_task(zone_mover(berlin.database).watch())
    async with asyncio.timeout(20):
        while (await recounted(scope)).is_moving:  # noqa: ASYNC110 - another task moves
            await asyncio.sleep(0.05)
    moving.cancel()
    with suppress(asyncio.CancelledError):
        await moving

    assert (await recounted(scope)).found == []
    await assert_days_are_right(berlin, scope)


async def test_there_and_back_again_is_where_it_was(berlin: Seeded) -> None:
    def totals(connection: object) -> list[tuple[int, ...]]:
        return [
            tuple(row)
            for table in ("usage_day", "usage_pair_day", "latency_day")
            for row in connection.execute(  # type: ignore[attr-defined]
                f"select * from {table} where events <> 0"  # noqa: S608
            )
        ]

    before = await berlin.database.write(totals)
    for zone in ("Asia/Kolkata", "Europe/Berlin"):
        await drive_zone_change(await begin(berlin, zone))

    assert await berlin.database.write(totals) == before


async def test_purged_events_keep_their_totals(berlin: Seeded) -> None:
    before_ms = day_start_ms(day_of(berlin.rows[0].timestamp_ms, "Europe/Berlin"), "Europe/Berlin")
    purged = await berlin.scope.write(purge_events, before_ms=before_ms)
    assert purged.events

    scope = await begin(berlin, "America/New_York")
    await drive_zone_change(scope)

    assert (await recounted(scope)).found == []
    span = Span(0, NOW_MS)
    async with scope.reading() as reading:
        for kind in (Kind.TOTAL, Kind.MODEL, Kind.CUSTOMER):
            values = await usage_by_value(reading, Question(kind, span, scope.time_zone))
            expected = sums_of_rows(berlin, span)
            assert sum(v.cost_pico for v in values.values()) == expected.cost_pico
            assert sum(v.events for v in values.values()) == expected.events


async def test_a_second_change_waits_and_a_wrong_name_changes_nothing(berlin: Seeded) -> None:
    with pytest.raises(InvalidValue, match="Mars/Olympus"):
        await begin(berlin, "Mars/Olympus")
    scope = await begin(berlin, "UTC")
    with pytest.raises(Refused, match="still being moved"):
        await begin(berlin, "Asia/Kolkata")
    assert not await scope.write(set_time_zone, time_zone="UTC", actor=OPERATOR, now_ms=NOW_MS)
