from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.domain.spans import Span, Step
from llmtrack.domain.timeframes import (
    NAMED,
    Timeframe,
    custom_timeframe,
    field_values,
    named_timeframe,
    with_offset,
)

BERLIN = "Europe/Berlin"
NOW = "2026-11-24T13:07:30"


def ms(text: str, zone_name: str = BERLIN) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone_name)).timestamp() * 1000)


def local(timestamp_ms: int, zone_name: str = BERLIN) -> str:
    return f"{datetime.fromtimestamp(timestamp_ms / 1000, ZoneInfo(zone_name)):%Y-%m-%dT%H:%M}"


def shown(timeframe: Timeframe) -> tuple[str, str, str, str]:
    span, previous = timeframe.span, timeframe.previous
    return (
        local(span.start_ms),
        local(span.end_ms),
        local(previous.start_ms),
        local(previous.end_ms),
    )


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("24h", ("2026-11-23T14:00", "2026-11-24T14:00", "2026-11-22T14:00", "2026-11-23T13:15")),
        ("7d", ("2026-11-18T00:00", "2026-11-25T00:00", "2026-11-11T00:00", "2026-11-17T13:15")),
        ("30d", ("2026-10-26T00:00", "2026-11-25T00:00", "2026-09-26T00:00", "2026-10-25T13:15")),
        ("month", ("2026-11-01T00:00", "2026-12-01T00:00", "2026-10-01T00:00", "2026-10-24T13:15")),
        (
            "last-month",
            ("2026-10-01T00:00", "2026-11-01T00:00", "2026-09-01T00:00", "2026-10-01T00:00"),
        ),
    ],
)
def test_a_named_period_is_whole_local_days_and_compares_with_as_much_before(
    key: str, expected: tuple[str, str, str, str]
) -> None:
    timeframe = named_timeframe(key, ms(NOW), BERLIN)
    if key == "30d":  # 25 October has 25 hours: the same time passed is an hour earlier on it
        expected = (*expected[:3], "2026-10-25T12:15")
    assert shown(timeframe) == expected
    assert timeframe.step is (Step.HOUR if key == "24h" else Step.DAY)


def test_the_last_day_of_a_long_month_compares_with_all_of_a_short_one() -> None:
    timeframe = named_timeframe("month", ms("2026-03-31T10:00"), BERLIN)
    assert local(timeframe.previous.end_ms) == "2026-03-01T00:00"


@pytest.mark.parametrize(
    ("from_text", "to_text", "expected", "step", "text"),
    [
        (
            "2026-11-01",
            "2026-11-10",
            ("2026-11-01T00:00", "2026-11-11T00:00", "2026-10-22T00:00", "2026-11-01T00:00"),
            Step.DAY,
            "1 Nov to 10 Nov 2026",
        ),
        (
            "2026-11-24",
            "2026-11-24",
            ("2026-11-24T00:00", "2026-11-25T00:00", "2026-11-23T00:00", "2026-11-23T13:15"),
            Step.HOUR,
            "24 Nov 2026",
        ),
        (
            "2026-11-20T10:00",
            "2026-11-20T12:50",
            ("2026-11-20T10:00", "2026-11-20T13:00", "2026-11-20T07:00", "2026-11-20T10:00"),
            Step.QUARTER,
            "20 Nov 2026, 10:00 to 13:00",
        ),
        (
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:30:00Z",
            ("2026-10-25T02:30", "2026-10-25T02:30", "2026-10-25T01:30", "2026-10-25T02:30"),
            Step.QUARTER,
            "25 Oct 2026, 02:30 CEST to 02:30 CET",
        ),
        (  # one half of the hour that comes twice, and then the other
            "2026-10-25T00:00Z",
            "2026-10-25T00:30Z",
            ("2026-10-25T02:00", "2026-10-25T02:30", "2026-10-25T01:30", "2026-10-25T02:00"),
            Step.QUARTER,
            "25 Oct 2026 CEST, 02:00 to 02:30",
        ),
        (
            "2026-10-25T01:00Z",
            "2026-10-25T01:30Z",
            ("2026-10-25T02:00", "2026-10-25T02:30", "2026-10-25T02:30", "2026-10-25T02:00"),
            Step.QUARTER,
            "25 Oct 2026 CET, 02:00 to 02:30",
        ),
        (  # running, and named by its own end
            "2026-11-24T00:15",
            "2026-11-26T00:00",
            ("2026-11-24T00:15", "2026-11-26T00:00", "2026-11-22T00:30", "2026-11-22T13:30"),
            Step.HOUR,
            "24 Nov, 00:15 to 26 Nov 2026, 00:00",
        ),
        (
            "2025-12-31T12:00",
            "2026-01-01T12:00",
            ("2025-12-31T12:00", "2026-01-01T12:00", "2025-12-30T12:00", "2025-12-31T12:00"),
            Step.HOUR,
            "31 Dec 2025, 12:00 to 1 Jan 2026, 12:00",
        ),
        (
            "2020-01-01",
            "2026-01-01",
            ("2020-01-01T00:00", "2026-01-02T00:00", "2013-12-30T00:00", "2020-01-01T00:00"),
            Step.MONTH,
            "1 Jan 2020 to 1 Jan 2026",
        ),
    ],
)
def test_custom_periods(
    from_text: str, to_text: str, expected: tuple[str, ...], step: Step, text: str
) -> None:
    timeframe = custom_timeframe(from_text, to_text, ms(NOW), BERLIN)
    assert shown(timeframe) == expected
    assert (timeframe.step, timeframe.text) == (step, text)


def test_a_second_midnight_does_not_begin_the_day() -> None:
    """In Havana 1 November 2026 has the hour after midnight twice."""
    timeframe = custom_timeframe(
        "2026-11-01T05:00Z", "2026-11-02T05:00Z", ms(NOW), "America/Havana"
    )
    assert timeframe.text == "1 Nov 2026 CST, 00:00 to 00:00"


@given(
    st.integers(0, 13 * 4),
    st.integers(1, 13 * 4),
    st.sampled_from([BERLIN, "UTC", "Australia/Lord_Howe", "America/Havana"]),
)
def test_fields_sent_back_unchanged_are_the_same_period(
    start: int, length: int, zone_name: str
) -> None:
    change = {"Australia/Lord_Howe": "2026-04-04T09:00", "America/Havana": "2026-10-31T23:00"}
    start_ms = ms(change.get(zone_name, "2026-10-24T19:00"), "UTC") + start * QUARTER_MS
    span = Span(start_ms, start_ms + length * QUARTER_MS)
    texts = [with_offset(*field, zone_name) for field in field_values(span, zone_name)]
    assert custom_timeframe(texts[0], texts[1], ms(NOW), zone_name).span == span


@pytest.mark.parametrize(
    ("text", "offset", "meant"),
    [
        ("2026-10-25T02:15", "+01:00", "2026-10-25T02:15+01:00"),
        # The field was changed, to a time that comes once: its offset is none of it.
        ("2026-10-25T03:15", "+01:00", "2026-10-25T03:15"),
        ("2026-07-25T02:15", "+01:00", "2026-07-25T02:15"),
        ("2026-10-25", "+01:00", "2026-10-25"),
        ("2026-10-25", "T02:15+01:00", "2026-10-25"),
        ("2026-10-25T02:15", "+05:00", "2026-10-25T02:15"),
        ("2026-10-25T02:15", "", "2026-10-25T02:15"),
        ("2026-10-25T02:15Z", "+01:00", "2026-10-25T02:15Z"),
        ("9999-12-31T23:59", "-23:59", "9999-12-31T23:59"),
        ("0001-01-01T00:00", "+23:59", "0001-01-01T00:00"),
        ("never", "+01:00", "never"),
    ],
)
def test_an_offset_is_that_of_a_time_which_comes_twice(text: str, offset: str, meant: str) -> None:
    assert with_offset(text, offset, BERLIN) == meant


@pytest.mark.parametrize(
    ("from_text", "to_text", "field"),
    [
        ("yesterday", "2026-11-10", "from"),
        ("2026-11-10", "", "to"),
        ("", "2026-11-10", "from"),
        ("2026-11-10", "2026-02-30", "to"),
        ("2026-11-10", "2026-11-08", "to"),
        ("0001-01-01", "2026-11-08", "from"),
        ("2026-11-10", "9999-12-31", "to"),
        ("2026-11-10T25:00", "2026-11-10", "from"),
        ("0001-01-01", "0001-01-01", "from"),
        ("9998-12-31", "9999-12-31T23:59:59-12:00", "to"),
    ],
)
def test_what_is_no_period_names_its_field(from_text: str, to_text: str, field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        custom_timeframe(from_text, to_text, ms(NOW), BERLIN)
    assert caught.value.field == field


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InvalidValue):
        named_timeframe("1y", ms(NOW), BERLIN)


@given(
    st.sampled_from(list(NAMED)),
    st.integers(ms("2020-01-01T00:00"), ms("2030-01-01T00:00")),
    st.sampled_from([BERLIN, "UTC", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_periods_are_whole_quarters_and_never_overlap_their_previous(
    key: str, now_ms: int, zone_name: str
) -> None:
    timeframe = named_timeframe(key, now_ms, zone_name)
    for moment in (*timeframe.span, *timeframe.previous):
        assert moment % QUARTER_MS == 0
    # Empty only in the first moment of a month, when nothing has passed yet.
    assert timeframe.previous.start_ms <= timeframe.previous.end_ms <= timeframe.span.start_ms
    if key not in {"last-month", "yesterday"}:
        assert timeframe.span.start_ms <= now_ms < timeframe.span.end_ms
