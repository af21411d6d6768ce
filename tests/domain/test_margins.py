from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrack.domain.margins import months_in, revenue_pico
from llmtrack.domain.periods import day_number, day_start_ms
from llmtrack.domain.spans import Span

NEW_YORK = "America/New_York"
HOUR_MS = 3_600_000


def days(first: int, end: int, zone: str = NEW_YORK) -> Span:
    return Span(day_start_ms(first, zone), day_start_ms(end, zone))


@pytest.mark.parametrize(
    ("first", "end", "months"),
    [
        (date(2026, 2, 1), date(2026, 3, 1), 1),
        (date(2024, 2, 1), date(2024, 3, 1), 1),
        (date(2026, 1, 1), date(2027, 1, 1), 12),
        (date(2026, 11, 5), date(2026, 11, 5), 0),
    ],
)
def test_whole_months_are_whole_prices(first: date, end: date, months: int) -> None:
    span = days(day_number(first), day_number(end))
    assert revenue_pico(99 * 10**12 + 1, months_in(span, NEW_YORK)) == months * (99 * 10**12 + 1)


def test_a_day_is_its_months_part() -> None:
    of_november, of_october = day_number(date(2026, 11, 3)), day_number(date(2026, 10, 3))
    assert revenue_pico(30, months_in(days(of_november, of_november + 1), NEW_YORK)) == 1
    assert revenue_pico(30, months_in(days(of_october, of_october + 1), NEW_YORK)) == 0


def test_an_hour_is_its_days_part_of_however_many_hours() -> None:
    """On 1 November 2026 the clocks of New York go back: that day has 25 hours."""
    for day, hours in ((date(2026, 11, 1), 25), (date(2026, 11, 2), 24), (date(2026, 3, 8), 23)):
        start_ms = day_start_ms(day_number(day), NEW_YORK) + HOUR_MS
        of_month = 30 if day.month == 11 else 31
        price = 300 * 10**12
        found = revenue_pico(price, months_in(Span(start_ms, start_ms + HOUR_MS), NEW_YORK))
        assert found == price // (of_month * hours)


@given(st.integers(0, 10**18), st.integers(15_000, 25_000), st.integers(0, 400))
def test_it_never_exceeds_what_the_days_are_worth(price: int, first: int, count: int) -> None:
    found = revenue_pico(price, months_in(days(first, first + count), NEW_YORK))
    assert 0 <= found <= price * count // 28
