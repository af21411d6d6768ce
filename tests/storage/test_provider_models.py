"""Customers, sources and statuses of a provider, by way of the models that are its own."""

import sqlite3
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from llmtrack.domain.periods import DAY_MS, day_start_ms
from llmtrack.domain.spans import Span, Step, buckets_of
from llmtrack.services.packing import pack_days
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.event_rows import EventRow
from llmtrack.storage.pair_reports import usage_of_values
from llmtrack.storage.questions import Pair, Question, TooMuchToRead
from llmtrack.storage.reports import planned_for, usage_by_value, usage_report
from llmtrack.storage.sums import WHOLE
from tests.storage.seeded import NAMES, WORKSPACE_ID, Seeded, add_rows, seeded
from tests.storage.test_reports import by_value, matching

ZONE = "Australia/Lord_Howe"
START_MS = day_start_ms(20_736, ZONE)  # where packs of 16 days begin
DAYS = 20
SPAN = Span(START_MS + 5 * 3_600_000, START_MS + (DAYS - 1) * DAY_MS + 11 * 3_600_000)
KINDS = (Kind.CUSTOMER, Kind.SOURCE, Kind.STATUS)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Seeded]:
    """Each model is of one provider, whose events have as many."""
    async with seeded(tmp_path / "l.db", ZONE, START_MS, START_MS + DAYS * DAY_MS, 900) as store:
        rows = store.rows
        of_model = {
            store.ids[Kind.MODEL, model]: store.ids[Kind.PROVIDER, NAMES[Kind.PROVIDER][place % 3]]
            for place, model in enumerate(NAMES[Kind.MODEL])
        }
        await store.database.write(clear)
        store.rows = [row._replace(provider_id=of_model[row.model_id]) for row in rows]
        await store.database.write(add_rows, store.rows, ZONE)
        yield store


def clear(connection: sqlite3.Connection) -> None:
    for table in ("event", "usage_quarter", "usage_day", "usage_pair_day"):
        connection.execute(f"delete from {table} where workspace_id = ?", (WORKSPACE_ID,))  # noqa: S608


async def assert_is_that_of_the_events(
    store: Seeded, kinds: Iterable[Kind] = KINDS, *, read_events_max: int | None = None
) -> None:
    provider = store.ids[Kind.PROVIDER, "openai"]
    filters = {Kind.PROVIDER: provider}
    expected_rows = matching(store, SPAN, filters)
    assert len(expected_rows) > 100
    async with store.scope.reading() as reading:
        for kind in kinds:
            question = Question(kind, SPAN, ZONE, filters, read_events_max)
            expected = by_value(expected_rows, kind)
            assert await usage_by_value(reading, question) == expected
            buckets = buckets_of(SPAN, Step.DAY, ZONE)
            report = await usage_report(reading, question, buckets, series_max=3, of=WHOLE)
            assert report.values == expected
            for value, series in report.series.items():
                for bucket, sums in zip(buckets.spans, series, strict=True):
                    of_bucket = by_value(matching(store, bucket, filters), kind)
                    if sums.events or value in of_bucket:
                        assert sums == of_bucket[value]


async def test_what_its_models_add_up_to_is_the_provider_s(store: Seeded) -> None:
    # Fewer than its events: those of cut days alone are read one by one.
    await assert_is_that_of_the_events(store, read_events_max=60)
    assert await pack_days(store.database, now_ms=START_MS + 40 * DAY_MS)
    await assert_is_that_of_the_events(store, read_events_max=60)


async def test_a_model_of_two_providers_has_no_say(store: Seeded) -> None:
    provider = store.ids[Kind.PROVIDER, "openai"]
    question = Question(Kind.CUSTOMER, SPAN, ZONE, {Kind.PROVIDER: provider}, 60)
    async with store.scope.reading() as reading:
        assert isinstance((await planned_for(reading, question)).route, Pair)

    one = next(row for row in store.rows if row.provider_id == provider)
    foreign: EventRow = one._replace(
        id=1, provider_id=store.ids[Kind.PROVIDER, "google"], timestamp_ms=START_MS + 5 * DAY_MS
    )
    await store.database.write(add_rows, [foreign], ZONE)
    store.rows.append(foreign)

    async with store.scope.reading() as reading:
        assert (await planned_for(reading, question)).route is None
        with pytest.raises(TooMuchToRead):
            await usage_by_value(reading, question)
    await assert_is_that_of_the_events(store)


async def test_what_several_providers_have_is_that_of_each(store: Seeded) -> None:
    """Whichever comes first, one whose models are its own alone or one that shares them."""
    google, openai, *_ = ids = [
        store.ids[Kind.PROVIDER, name] for name in ("google", "openai", "anthropic")
    ]
    one = next(row for row in store.rows if row.provider_id == openai)
    foreign = one._replace(id=1, provider_id=google, timestamp_ms=START_MS + 5 * DAY_MS)
    await store.database.write(add_rows, [foreign], ZONE)
    store.rows.append(foreign)
    async with store.scope.reading() as reading:
        for kind in KINDS:
            expected = {
                provider: by_value(matching(store, SPAN, {Kind.PROVIDER: provider}), kind)
                for provider in ids
            }
            assert sum(map(len, expected.values())) > 3
            for order in (ids, ids[::-1], [ids[2], ids[0], ids[1]]):
                question = Question(kind, SPAN, ZONE)
                found = await usage_of_values(reading, question, Kind.PROVIDER, order)
                assert found == expected
