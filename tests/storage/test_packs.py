"""Packs of days: the same answers as from the days, and none that a change has made stale."""

import random
import sqlite3
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmtrack.domain.latency import latency_step
from llmtrack.domain.periods import DAY_MS, day_of, day_start_ms
from llmtrack.domain.spans import Span
from llmtrack.services.packing import DAY_SETTLED_MS, pack_days
from llmtrack.storage.customer_quarters import CUSTOMER_QUARTERS, pack_quarters, quarters_in
from llmtrack.storage.dimensions import MEASURES, Kind, pair_code
from llmtrack.storage.dropped_packs import LEVELS, drop_packs
from llmtrack.storage.erasure import erase_customer_totals
from llmtrack.storage.event_pages import event_page
from llmtrack.storage.latencies import latency_steps
from llmtrack.storage.moved_days import Move, move
from llmtrack.storage.packing import fill, packed, reserve, shelves, unpacked
from llmtrack.storage.packs import CUSTOMERS, Block, Shelf, pack, read_packs, unpack_sums
from llmtrack.storage.questions import Question
from llmtrack.storage.recount_packs import wrong_packs
from llmtrack.storage.reports import usage_by_value
from tests.storage.seeded import WORKSPACE_ID, Seeded, add_rows, repeatable, seeded
from tests.storage.test_reports import by_value, matching, value_in

ZONE = "America/New_York"
START_MS = day_start_ms(20_730, ZONE)
DAYS = 40
END_MS = START_MS + DAYS * DAY_MS
NOW_MS = END_MS + 3 * DAY_MS


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Seeded]:
    async with seeded(tmp_path / "l.db", ZONE, START_MS, END_MS, 1_500) as store:
        yield store


async def packs_in(store: Seeded) -> list[Block]:
    rows = await store.scope.rows(
        "select distinct days, bucket from usage_pack where workspace_id = :workspace_id"
        " and reserved is null"
    )
    return [Block(*row) for row in rows]


def spans(source: random.Random) -> list[Span]:
    found = [Span(START_MS, END_MS)]
    for _ in range(12):
        a, b = sorted(source.randrange(START_MS - DAY_MS, END_MS + DAY_MS) for _ in range(2))
        found.append(Span(a, b))
    return found


async def assert_answers_are_those_of_the_events(store: Seeded) -> None:
    source = repeatable(7)
    row = next(row for row in store.rows if row.customer_id is not None)
    async with store.scope.reading() as reading:
        for span in spans(source):
            for kind in (None, Kind.MODEL, Kind.FEATURE, Kind.PROVIDER):
                filters: dict[Kind, int] = {} if kind is None else {kind: value_in(row, kind) or 0}
                question = Question(Kind.CUSTOMER, span, ZONE, filters)
                expected = by_value(matching(store, span, filters), Kind.CUSTOMER)
                assert await usage_by_value(reading, question) == expected, question
            for kind in (Kind.TOTAL, Kind.MODEL, Kind.FEATURE):
                steps: dict[int | None, Counter[int]] = defaultdict(Counter)
                for row in matching(store, span, {}):
                    if row.latency_ms is not None:
                        steps[value_in(row, kind)][latency_step(row.latency_ms)] += 1
                assert await latency_steps(reading, Question(kind, span, ZONE)) == steps


async def test_long_periods_are_read_from_packs_and_stay_exact(store: Seeded) -> None:
    assert await pack_days(store.database, now_ms=NOW_MS) == len(await packs_in(store)) * 2 > 20
    first = day_of(START_MS, ZONE)
    model = next(value for (kind, _), value in store.ids.items() if kind is Kind.MODEL)
    async with store.scope.reading() as reading:
        for shelf in (CUSTOMERS, Shelf(pair_code(Kind.MODEL, Kind.CUSTOMER), model)):
            packs, left = await read_packs(reading, shelf, (first, first + DAYS))
            assert packs
            assert len(left) < DAYS - 15

    await assert_answers_are_those_of_the_events(store)


async def test_a_late_event_drops_the_packs_of_its_day_and_no_others(store: Seeded) -> None:
    await pack_days(store.database, now_ms=NOW_MS)
    before = await packs_in(store)
    late = store.rows[0]._replace(id=1, customer_id=store.rows[0].customer_id or 1)
    day = day_of(late.timestamp_ms, ZONE)

    await store.database.write(add_rows, [late], ZONE)
    store.rows.append(late)

    kept = {block for block in before if not block.bucket <= day < block.bucket + block.days}
    assert set(await packs_in(store)) == kept
    assert len(kept) == len(before) - len(LEVELS)
    await assert_answers_are_those_of_the_events(store)
    assert await pack_days(store.database, now_ms=NOW_MS) == len(LEVELS)
    await assert_answers_are_those_of_the_events(store)
    assert await pack_days(store.database, now_ms=NOW_MS) == 0


async def test_days_that_change_while_they_are_read_are_not_packed(store: Seeded) -> None:
    block = Block(4, 20_736)
    async with store.scope.reading() as reading:
        wanted = await shelves(reading, block)
        packs = {shelf: await packed(reading, block, shelf) for shelf in wanted}
    assert await store.scope.write(reserve, block, wanted, 7)

    late = store.rows[0]._replace(id=1, timestamp_ms=day_start_ms(20_737, ZONE))
    await store.database.write(add_rows, [late], ZONE)

    assert await store.scope.write(fill, block, packs, 7) == 0
    assert await packs_in(store) == []


async def test_what_is_reserved_but_not_filled_is_not_read(store: Seeded) -> None:
    block = Block(4, 20_736)
    await store.scope.write(reserve, block, [CUSTOMERS], 7)
    async with store.scope.reading() as reading:
        assert await read_packs(reading, CUSTOMERS, (20_736, 20_740)) == (
            [],
            [20_736, 20_737, 20_738, 20_739],
        )
        assert block in await unpacked(reading, until_day=20_750, single_until_day=20_750)


async def test_an_erased_customer_is_in_no_pack(store: Seeded) -> None:
    await pack_days(store.database, now_ms=NOW_MS)
    row = next(row for row in store.rows if row.customer_id is not None)

    await store.scope.write(erase_customer_totals, row.customer_id or 0)

    assert await packs_in(store) == []


async def test_days_that_are_moved_lose_their_packs(store: Seeded) -> None:
    await pack_days(store.database, now_ms=NOW_MS)
    first = START_MS // 900_000

    await store.scope.write(move, Move(first, first + 8, 20_730, 20_729))

    left = await packs_in(store)
    assert left
    assert not [block for block in left if block.bucket <= 20_730 < block.bucket + block.days]


def spoil(connection: sqlite3.Connection, kind: int) -> None:
    connection.execute(
        "update usage_pack set sums = (select sums from usage_pack p where p.kind = ?1"
        " and p.workspace_id = ?2 and p.bucket = 20752 and p.days = 16 limit 1)"
        " where kind = ?1 and workspace_id = ?2 and bucket = 20736 and days = 16",
        (kind, WORKSPACE_ID),
    )


async def test_a_pack_that_is_not_what_its_days_add_up_to_is_found(store: Seeded) -> None:
    await pack_days(store.database, now_ms=NOW_MS)
    blocks = await packs_in(store)
    async with store.scope.reading() as reading:
        assert await wrong_packs(reading, blocks) == []
    for kind in (8, pair_code(Kind.MODEL, Kind.CUSTOMER), 256 + Kind.MODEL):
        await store.database.write(spoil, kind)
        async with store.scope.reading() as reading:
            assert await wrong_packs(reading, blocks) == [Block(16, 20_736)]
        await store.database.write(drop_packs, WORKSPACE_ID, (20_736,))
        await pack_days(store.database, now_ms=NOW_MS)


async def test_a_customer_s_events_are_found_by_the_quarters_that_are_packed(store: Seeded) -> None:
    customer = next(row.customer_id for row in store.rows if row.customer_id is not None)
    filters = {Kind.CUSTOMER: customer}
    span = Span(START_MS, NOW_MS)
    looked = []
    for _ in range(2):
        page = await event_page(store.scope, span, filters=filters, most=2_000)
        found = [(event.timestamp_ms, event.id) for event in page.events]
        rows = matching(store, span, filters)
        assert found == sorted(((row.timestamp_ms, row.id) for row in rows), reverse=True)
        looked.append(page.looked)
        await pack_days(store.database, now_ms=NOW_MS)
    assert len(found) < looked[1] < looked[0] / 2

    late = store.rows[0]._replace(id=1, customer_id=customer)
    await store.database.write(add_rows, [late], ZONE)
    page = await event_page(store.scope, span, filters=filters, most=2_000)
    assert len(page.events) == len(found) + 1


async def test_quarters_that_a_pack_lacks_are_found_and_those_that_were_purged_are_not(
    store: Seeded,
) -> None:
    await pack_days(store.database, now_ms=NOW_MS)
    blocks = await packs_in(store)
    await store.database.write(purge_before, 20_740)
    async with store.scope.reading() as reading:
        assert await wrong_packs(reading, blocks) == []
        quarters = await quarters_in(reading, Block(4, 20_744))
    quarters.popitem()
    await store.database.write(put_quarters, pack_quarters(quarters))
    async with store.scope.reading() as reading:
        assert await wrong_packs(reading, blocks) == [Block(4, 20_744)]


def purge_before(connection: sqlite3.Connection, day: int) -> None:
    values = (WORKSPACE_ID, day_start_ms(day, ZONE))
    connection.execute("delete from event where workspace_id = ? and timestamp_ms < ?", values)


def put_quarters(connection: sqlite3.Connection, packed: bytes) -> None:
    connection.execute(
        "update usage_pack set sums = ? where workspace_id = ? and days = 4 and bucket = 20744"
        " and kind = ?",
        (packed, WORKSPACE_ID, CUSTOMER_QUARTERS.kind),
    )


async def days_with_quarters(store: Seeded) -> list[int]:
    rows = await store.scope.rows(
        "select bucket from usage_pack where workspace_id = :workspace_id and days = 1"
        " and kind = :kind and reserved is null order by bucket",
        kind=CUSTOMER_QUARTERS.kind,
    )
    return [row[0] for row in rows]


async def test_a_day_s_own_quarters_go_when_there_are_those_of_its_four_days(store: Seeded) -> None:
    await pack_days(store.database, now_ms=NOW_MS)
    assert await days_with_quarters(store) == [20_768, 20_769]

    later = store.rows[0]._replace(id=1, timestamp_ms=day_start_ms(20_772, ZONE))
    await store.database.write(add_rows, [later], ZONE)
    await pack_days(store.database, now_ms=NOW_MS + DAY_MS)

    assert {Block(4, 20_768), Block(1, 20_768)} <= set(await packs_in(store))
    assert await days_with_quarters(store) == [20_772], "of no four days that are over"


async def test_a_day_is_packed_by_itself_an_hour_after_its_end(store: Seeded) -> None:
    await pack_days(store.database, now_ms=NOW_MS)
    later = store.rows[0]._replace(id=1, timestamp_ms=day_start_ms(20_772, ZONE))
    await store.database.write(add_rows, [later], ZONE)
    end_ms = day_start_ms(20_773, ZONE)

    await pack_days(store.database, now_ms=end_ms + DAY_SETTLED_MS - 1)
    assert Block(1, 20_772) not in await packs_in(store)

    await pack_days(store.database, now_ms=end_ms + DAY_SETTLED_MS)
    assert Block(1, 20_772) in await packs_in(store)
    assert Block(4, 20_772) not in await packs_in(store)


async def test_another_workspace_s_packs_are_its_own(store: Seeded) -> None:
    await pack_days(store.database, now_ms=NOW_MS)
    counts = await store.database.rows(
        "select workspace_id, count(*) from usage_pack group by 1 order by 1"
    )
    assert len(counts) == 2
    rows = await store.scope.rows("select count(*) from usage_pack where :workspace_id > 0")
    assert rows[0][0] == counts[0][1]


def test_what_packs_add_up_to_is_remembered_by_their_bytes_alone() -> None:
    one = pack([(7, *range(1, 1 + len(MEASURES)))])
    other = pack([(7, *range(2, 2 + len(MEASURES)))])
    events = [unpack_sums(packs)[7].events for packs in ([one], [other], [one, other], [one])]
    assert events == [1, 2, 3, 1]
