from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrack.domain.margins import revenue_pico
from llmtrack.domain.periods import day_number


def days(first: date, end: date) -> range:
    return range(day_number(first), day_number(end))


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
    assert revenue_pico(99 * 10**12 + 1, days(first, end)) == months * (99 * 10**12 + 1)


def test_a_day_is_its_months_part() -> None:
    assert revenue_pico(30, days(date(2026, 11, 3), date(2026, 11, 4))) == 1
    assert revenue_pico(30, days(date(2026, 10, 3), date(2026, 10, 4))) == 0


@given(st.integers(0, 10**18), st.integers(15_000, 25_000), st.integers(0, 400))
def test_it_never_exceeds_what_the_days_are_worth(price: int, first: int, count: int) -> None:
    found = revenue_pico(price, range(first, first + count))
    assert 0 <= found <= price * count // 28
