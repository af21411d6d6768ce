"""What a customer pays by the month, against what its requests cost over any days."""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from llmtrack.domain.periods import date_of_day, month_start, next_month


def revenue_pico(monthly_pico: int, days: Iterable[int]) -> int:
    """The part of a monthly price that falls on these days, each month in equal days.

    Rounded down, once; whole months come out as exactly so many prices.
    """
    share = Fraction(0)
    for day in days:
        first = month_start(date_of_day(day))
        share += Fraction(1, days_of_month(first))
    return int(monthly_pico * share)


def days_of_month(first: date) -> int:
    return (next_month(first) - first).days
