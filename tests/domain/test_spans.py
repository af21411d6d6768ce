import itertools
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrack.domain.periods import QUARTER_MS, day_start_ms
from llmtrack.domain.spans import (
    DayPieces,
    Pieces,
    Span,
    Step,
    buckets_of,
    cut,
    cut_at_days,
    cut_finely,
    step_for,
)

ZONES = (
    "UTC",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Apia",
    "America/Havana",
)
instants = st.integers(1_577_836_800_000, 1_893_456_000_000)  # 2020 to 2030


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


def laid_end_to_end(pieces: Pieces, zone_name: str) -> list[tuple[int, int]]:
    spans = [tuple(span) for span in pieces.instants]
    spans += [(first * QUARTER_MS, end * QUARTER_MS) for first, end in pieces.quarters]
    if pieces.days:
        first, end = pieces.days
        spans.append((day_start_ms(first, zone_name), day_start_ms(end, zone_name)))
    return sorted((span[0], span[1]) for span in spans)


@given(instants, st.integers(0, 100 * 86_400_000), st.sampled_from(ZONES))
def test_the_pieces_cover_the_span_once_and_without_a_gap(
    start_ms: int, length_ms: int, zone_name: str
) -> None:
    span = Span(start_ms, start_ms + length_ms)
    for pieces in (cut(span, zone_name), cut_finely(span)):
        spans = laid_end_to_end(pieces, zone_name)
        assert sum(end - start for start, end in spans) == length_ms
        for before, after in itertools.pairwise(spans):
            assert before[1] == after[0]
        if spans:
            assert (spans[0][0], spans[-1][1]) == span


@given(instants, st.integers(0, 3 * 86_400_000), st.sampled_from(ZONES), st.integers(-2, 4))
def test_days_with_what_is_added_and_taken_away_are_the_span(
    start_ms: int, length_ms: int, zone_name: str, events_days: int
) -> None:
    span = Span(start_ms, start_ms + length_ms)
    until_ms = start_ms + events_days * 86_400_000
    days, more, less = cut_at_days(span, zone_name, until_ms)
    marks: Counter[int] = Counter()
    for part, sign in [*((part, 1) for part in more), *((part, -1) for part in less)]:
        assert part.start_ms < part.end_ms
        marks[part.start_ms] += sign
        marks[part.end_ms] -= sign
    if days is not None:
        assert days[0] < days[1]
        marks[day_start_ms(days[0], zone_name)] += 1
        marks[day_start_ms(days[1], zone_name)] -= 1
    expected = {span.start_ms: 1, span.end_ms: -1} if length_ms else {}
    assert {at: mark for at, mark in marks.items() if mark} == expected
    _, added, _ = cut_at_days(span, zone_name, 0)  # as if nothing could be taken away
    assert held_ms([*more, *less], until_ms) <= held_ms(added, until_ms)


def held_ms(spans: Sequence[Span], until_ms: int) -> int:
    return sum(max(0, min(span.end_ms, until_ms) - span.start_ms) for span in spans)


def test_a_day_is_taken_whole_where_less_of_it_is_left_out_than_wanted() -> None:
    day, day_ms = 20_400, 86_400_000
    start_ms = day * day_ms
    span = Span(start_ms + 6 * 3_600_000, start_ms + day_ms + 9 * 3_600_000)
    now_ms = span.end_ms + 60_000  # the second day has but a minute more
    before, after = Span(start_ms, span.start_ms), Span(span.end_ms, start_ms + 2 * day_ms)
    assert cut_at_days(span, "UTC", now_ms) == DayPieces((day, day + 2), (), (before, after))
    tail = Span(start_ms + day_ms, span.end_ms)
    assert cut_at_days(span, "UTC", 2**60) == DayPieces((day, day + 1), (tail,), (before,))
    assert cut_at_days(span, "UTC", 0) == DayPieces(None, (span,), ())


@pytest.mark.parametrize("zone_name", ZONES)
def test_a_local_day_is_one_day_row(zone_name: str) -> None:
    for day in (20_400, 20_411, 20_520, 20_757):
        span = Span(day_start_ms(day, zone_name), day_start_ms(day + 1, zone_name))
        assert cut(span, zone_name) == Pieces((day, day + 1), (), ())


@pytest.mark.parametrize(
    ("date", "zone_name", "hours"),
    [
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-11-01", "America/New_York", 25),
        ("2026-11-24", "Asia/Kathmandu", 24),
    ],
)
def test_a_day_has_as_many_hour_bars_as_it_has_hours(date: str, zone_name: str, hours: int) -> None:
    day = (datetime.fromisoformat(date) - datetime(1970, 1, 1)).days  # noqa: DTZ001
    span = Span(day_start_ms(day, zone_name), day_start_ms(day + 1, zone_name))
    assert len(buckets_of(span, Step.HOUR, zone_name)) == hours


@given(instants, st.integers(1, 500), st.sampled_from(list(Step)), st.sampled_from(ZONES))
def test_buckets_cover_their_span(start_ms: int, quarters: int, step: Step, zone_name: str) -> None:
    start_ms -= start_ms % QUARTER_MS
    span = Span(start_ms, start_ms + quarters * QUARTER_MS)
    buckets = buckets_of(span, step, zone_name)
    assert buckets.spans[0].start_ms == span.start_ms
    assert buckets.spans[-1].end_ms == span.end_ms
    for place, bucket in enumerate(buckets.spans):
        assert bucket.start_ms < bucket.end_ms
        assert buckets.place(bucket.start_ms) == place
        assert buckets.place(bucket.end_ms - 1) == place


@given(instants, st.integers(1, 500), st.sampled_from(list(Step)), st.sampled_from(ZONES))
def test_quarters_that_go_together_are_of_one_bucket(
    start_ms: int, quarters: int, step: Step, zone_name: str
) -> None:
    first = start_ms // QUARTER_MS
    span = Span(first * QUARTER_MS, (first + quarters) * QUARTER_MS)
    buckets = buckets_of(span, step, zone_name)
    origin, width = buckets.quarters_together
    assert origin <= first  # SQL divides towards 0
    places: dict[int, set[int]] = {}
    for quarter in range(first, first + quarters):
        group = places.setdefault((quarter - origin) // width, set())
        group.add(buckets.place(quarter * QUARTER_MS))
    assert all(len(group) == 1 for group in places.values())
    if step is Step.HOUR and zone_name == "UTC" and quarters > 8:
        assert width == 4


def test_steps_follow_the_length() -> None:
    hour = 3_600_000
    lengths = [(2, Step.QUARTER), (24, Step.HOUR), (49, Step.HOUR), (24 * 7, Step.DAY)]
    for hours, step in [*lengths, (24 * 900, Step.MONTH)]:
        assert step_for(Span(0, hours * hour)) is step
