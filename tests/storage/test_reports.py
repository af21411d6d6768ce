"""Every report against a plain sum over the events themselves."""

import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.latency import latency_step
from llmtrack.domain.periods import DAY_MS, day_number, day_start_ms, local_date
from llmtrack.domain.spans import Span, Step, buckets_of, cut_at_days
from llmtrack.storage.dimensions import DAY_KINDS, PAIRS, Kind
from llmtrack.storage.event_rows import EventRow
from llmtrack.storage.labels import choices, labels_of, value_of
from llmtrack.storage.latencies import latency_steps
from llmtrack.storage.questions import (
    PASSED_PER_READ,
    Flat,
    Pair,
    Plan,
    Question,
    TooMuchToRead,
    plan,
    route,
)
from llmtrack.storage.reports import (
    SUMMED_KINDS,
    breakdown,
    breakdown_by_day,
    ranked,
    usage_by_value,
    usage_report,
    usage_total,
)
from llmtrack.storage.sums import COSTS, NO_SUMS, WHOLE, Sums
from tests.storage.seeded import KEYS, Seeded, repeatable, seeded

# Each span of events lies over a change of the clocks of its zone, where there is one.
WORLDS = {
    "Asia/Kolkata": 1_774_000_000_000,
    "Asia/Kathmandu": 1_774_000_000_000,
    "America/New_York": 1_793_300_000_000,
    "Europe/Berlin": 1_774_500_000_000,
}
SPAN_DAYS = 6
COLUMNS = {
    Kind.PROVIDER: "provider_id",
    Kind.MODEL: "model_id",
    Kind.FEATURE: "feature_id",
    Kind.KEY: "key_id",
    Kind.ENVIRONMENT: "environment_id",
    Kind.STATUS: "status",
    Kind.SOURCE: "source_id",
    Kind.CUSTOMER: "customer_id",
}


@pytest.fixture(params=WORLDS)
async def store(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Seeded]:
    zone_name = request.param
    start_ms = WORLDS[zone_name]
    end_ms = start_ms + SPAN_DAYS * DAY_MS
    async with seeded(tmp_path / "l.db", zone_name, start_ms, end_ms, 500) as store:
        yield store


def value_in(row: EventRow, kind: Kind) -> int | None:
    found: int | None = 0 if kind is Kind.TOTAL else getattr(row, COLUMNS[kind])
    return found


def summed(rows: Iterable[EventRow]) -> Sums:
    total = NO_SUMS
    for row in rows:
        total += Sums(
            events=1,
            errors=row.status == 1,
            timeouts=row.status == 2,
            cancelled=row.status == 3,
            input_tokens=row.input_tokens or 0,
            cache_read_tokens=row.cache_read_tokens or 0,
            cache_write_tokens=row.cache_write_tokens or 0,
            output_tokens=row.output_tokens or 0,
            reasoning_tokens=row.reasoning_tokens or 0,
            cost_pico=row.cost_pico or 0,
            unpriced_events=row.cost_status == CostStatus.UNPRICED,
            partial_events=row.cost_status == CostStatus.PARTIAL,
        )
    return total


def matching(store: Seeded, span: Span, filters: Mapping[Kind, int]) -> list[EventRow]:
    return [
        row
        for row in store.rows
        if span.start_ms <= row.timestamp_ms < span.end_ms
        and all(value_in(row, kind) == value for kind, value in filters.items())
    ]


def by_value(rows: Iterable[EventRow], kind: Kind) -> dict[int | None, Sums]:
    grouped = defaultdict(list)
    for row in rows:
        grouped[value_in(row, kind)].append(row)
    return {value: summed(group) for value, group in grouped.items()}


def spans_of(store: Seeded, source: random.Random, count: int) -> list[Span]:
    """Whole days, quarters, odd instants, a sliver, nothing."""
    start_ms = WORLDS[store.time_zone]
    end_ms = start_ms + SPAN_DAYS * DAY_MS
    day = day_number(local_date(start_ms, store.time_zone))
    days = Span(day_start_ms(day + 1, store.time_zone), day_start_ms(day + 4, store.time_zone))
    spans = [days, Span(start_ms - DAY_MS, end_ms + DAY_MS), Span(start_ms, start_ms)]
    for _ in range(count):
        a, b = sorted(source.randrange(start_ms, end_ms) for _ in range(2))
        spans += [Span(a, b), Span(a, a + source.randrange(2_000_000))]
    return spans


def filters_of(store: Seeded, source: random.Random, most: int) -> dict[Kind, int]:
    kinds = source.sample(SUMMED_KINDS, source.randrange(most + 1))
    row = source.choice([row for row in store.rows if row.customer_id is not None])
    return {kind: value_in(row, kind) or 0 for kind in kinds}


async def test_sums_by_value_are_exact_for_any_span_kind_and_filters(store: Seeded) -> None:
    source = repeatable(1)
    async with store.scope.reading() as reading:
        for span in spans_of(store, source, 12):
            for kind in DAY_KINDS:
                filters = filters_of(store, source, 3)
                question = Question(kind, span, store.time_zone, filters)
                expected = by_value(matching(store, span, filters), kind)
                assert await usage_by_value(reading, question) == expected, question
                assert await usage_total(reading, question) == sum(expected.values(), NO_SUMS)


async def test_every_kept_pair_answers_both_ways(store: Seeded) -> None:
    source = repeatable(2)
    [days, *_] = spans_of(store, source, 0)
    row = next(row for row in store.rows if row.customer_id is not None)
    async with store.scope.reading() as reading:
        for pair in PAIRS:
            for filtered, kind in (pair, pair[::-1]):
                filters = {filtered: value_in(row, filtered) or 0}
                question = Question(kind, days, store.time_zone, filters)
                assert isinstance(route(question), Pair)
                expected = by_value(matching(store, days, filters), kind)
                assert await usage_by_value(reading, question) == expected


@pytest.mark.parametrize("step", [Step.QUARTER, Step.HOUR, Step.DAY, Step.MONTH])
async def test_a_report_is_exact_in_every_bucket(store: Seeded, step: Step) -> None:
    source = repeatable(3)
    start_ms = WORLDS[store.time_zone] // 900_000 * 900_000
    length_days = 1 if step is Step.QUARTER else 4
    async with store.scope.reading() as reading:
        for kind in (Kind.MODEL, Kind.KEY, Kind.CUSTOMER, Kind.TOTAL, Kind.STATUS):
            filters = filters_of(store, source, 2)
            span = Span(start_ms, start_ms + length_days * DAY_MS)
            buckets = buckets_of(span, step, store.time_zone)
            question = Question(kind, span, store.time_zone, filters)
            report = await usage_report(reading, question, buckets, series_max=4, of=WHOLE)
            costs = await usage_report(reading, question, buckets, series_max=4, of=COSTS)
            assert (costs.total, costs.values) == (report.total, report.values)
            assert costs.bucket_totals == report.bucket_totals
            assert costs.series.keys() == report.series.keys()
            rows = matching(store, span, filters)
            assert report.total == summed(rows)
            assert report.values == by_value(rows, kind)
            for place, bucket in enumerate(buckets.spans):
                in_bucket = matching(store, bucket, filters)
                assert report.bucket_totals[place] == summed(in_bucket)
                expected = by_value(in_bucket, kind)
                for value, series in report.series.items():
                    sums = expected.get(value, NO_SUMS)
                    assert series[place] == sums
                    assert costs.series[value][place] == COSTS.part_of(sums)
            for value in [value for value in ranked(report.values) if value is not None][:4]:
                assert value in report.series


async def test_breakdowns_of_the_cli_are_exact_between_any_instants(store: Seeded) -> None:
    source = repeatable(4)
    async with store.scope.reading() as reading:
        for span in spans_of(store, source, 6):
            for kind in SUMMED_KINDS:
                rows = await breakdown(reading, Question(kind, span, store.time_zone))
                expected = by_value(matching(store, span, {}), kind)
                assert {row.value: row.sums for row in rows} == expected
                assert all(row.label.text for row in rows if row.value is not None)
            days = await breakdown_by_day(reading, Question(Kind.TOTAL, span, store.time_zone))
            dates = defaultdict(list)
            for row in matching(store, span, {}):
                dates[local_date(row.timestamp_ms, store.time_zone).isoformat()].append(row)
            assert {day.date: day.sums for day in days} == {
                date: summed(of_day) for date, of_day in dates.items()
            }


async def test_latency_steps_are_those_of_the_events(store: Seeded) -> None:
    source = repeatable(5)
    async with store.scope.reading() as reading:
        for span in spans_of(store, source, 6):
            for kind in (Kind.TOTAL, Kind.MODEL, Kind.FEATURE, Kind.KEY):
                filters = filters_of(store, source, 2)
                expected: dict[int | None, Counter[int]] = defaultdict(Counter)
                for row in matching(store, span, filters):
                    if row.latency_ms is not None:
                        expected[value_in(row, kind)][latency_step(row.latency_ms)] += 1
                question = Question(kind, span, store.time_zone, filters)
                assert await latency_steps(reading, question) == expected


async def test_reading_events_has_a_bound_that_says_so(store: Seeded) -> None:
    start_ms = WORLDS[store.time_zone]
    span = Span(start_ms, start_ms + SPAN_DAYS * DAY_MS)
    rows = [row for row in store.rows if row.customer_id is not None]
    filters = {Kind.MODEL: rows[0].model_id, Kind.CUSTOMER: rows[0].customer_id or 0}
    # The rarer of the two values bounds what the filters let through.
    most = min(len(matching(store, span, {kind: value})) for kind, value in filters.items())
    question = Question(Kind.KEY, span, store.time_zone, filters, read_events_max=most - 1)
    buckets = buckets_of(Span(start_ms // 900_000 * 900_000, span.end_ms), Step.DAY, "UTC")
    async with store.scope.reading() as reading:
        with pytest.raises(TooMuchToRead) as caught:
            await usage_total(reading, question)
        assert (caught.value.events, caught.value.events_max) == (most, most - 1)
        with pytest.raises(TooMuchToRead):
            await usage_report(reading, question, buckets, series_max=5, of=WHOLE)
        with pytest.raises(TooMuchToRead):
            await latency_steps(reading, question)
        # As many events as are passed over take a tenth of the time, and still have a bound.
        within = replace(question, read_events_max=max(most, -(-500 // PASSED_PER_READ)))
        assert await usage_total(reading, within) == summed(matching(store, span, filters))
        few = replace(question, filters={Kind.SOURCE: 0, Kind.STATUS: 3}, read_events_max=49)
        with pytest.raises(TooMuchToRead) as caught:
            await usage_total(reading, few)
        assert (caught.value.events, caught.value.events_max) == (500, 490)
        # From the rollups, the same span has no bound.
        flat = Question(Kind.KEY, span, store.time_zone, {}, read_events_max=10)
        assert sum((await usage_by_value(reading, flat)).values(), NO_SUMS).events == 500


async def test_names_lead_there_and_back(store: Seeded) -> None:
    async with store.scope.reading() as reading:
        for (kind, text), value in store.ids.items():
            assert await value_of(reading, kind, text) == value
            assert (await labels_of(reading, kind, [value]))[value].text == text
        assert await value_of(reading, Kind.KEY, "key_backend") == 1
        assert (await labels_of(reading, Kind.KEY, [2]))[2].text == KEYS[2]
        assert await value_of(reading, Kind.STATUS, "timeout") == 2
        for kind, slug in ((Kind.MODEL, "nosuch"), (Kind.KEY, "key_nosuch"), (Kind.STATUS, "")):
            assert await value_of(reading, kind, slug) is None


async def test_a_filter_offers_what_was_seen(store: Seeded) -> None:
    day = day_number(local_date(WORLDS[store.time_zone], store.time_zone))
    async with store.scope.reading() as reading:
        models = await choices(reading, Kind.MODEL, (day, day + 8), most=3)
        values = by_value(store.rows, Kind.MODEL)
        dearest = [store.ids[Kind.MODEL, label.slug] for label in models]
        assert dearest == ranked(values)[:3]
        assert await choices(reading, Kind.MODEL, (day + 90, day + 91), most=3) == []


async def test_a_foreign_workspace_adds_nothing(store: Seeded) -> None:
    span = Span(0, 2**41)
    async with store.scope.reading() as reading:
        total = await usage_total(reading, Question(Kind.TOTAL, span, store.time_zone))
    assert total == summed(store.rows)


def test_a_plan_reads_day_rows_for_whole_days_and_nothing_else() -> None:
    days = Span(day_start_ms(20_000, "Asia/Kolkata"), day_start_ms(20_030, "Asia/Kolkata"))
    edges = cut_at_days(days, "Asia/Kolkata", 0)
    of_all = Question(Kind.MODEL, days, "Asia/Kolkata")
    planned = plan(of_all, route(of_all), fine=False)
    assert planned == Plan(Flat(Kind.MODEL, None), (20_000, 20_030), (), ())
    of_one = Question(Kind.TOTAL, days, "Asia/Kolkata", {Kind.CUSTOMER: 3})
    planned = plan(of_one, route(of_one), fine=False, edges=edges)
    assert planned == Plan(Flat(Kind.CUSTOMER, 3), (20_000, 20_030), (), ())


def test_sums_past_64_bits_stay_exact() -> None:
    large = Sums(cost_pico=2**63)
    assert (large + large).cost_pico == 2**64
    assert (large + large - large) == large
