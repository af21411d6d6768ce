"""What a customer pays by the month, against what its requests cost over any time."""

from datetime import date
from fractions import Fraction

from llmtrack.domain.periods import date_of_day, day_of, day_start_ms, month_start, next_month
from llmtrack.domain.spans import Span


def revenue_pico(monthly_pico: int, months: Fraction) -> int:
    """What a monthly price brings in so many months; rounded down, once."""
    return int(monthly_pico * months)


def months_in(span: Span, zone_name: str) -> Fraction:
    """How many months a span is, each month in equal days; whole months are whole numbers.

    Of a day that the span cuts it is the share of that day's hours.
    """
    share = Fraction(0)
    if span.length_ms > 0:
        for day in range(day_of(span.start_ms, zone_name), day_of(span.end_ms - 1, zone_name) + 1):
            begins, ends = day_start_ms(day, zone_name), day_start_ms(day + 1, zone_name)
            covered_ms = min(span.end_ms, ends) - max(span.start_ms, begins)
            of_month = days_of_month(month_start(date_of_day(day)))
            share += Fraction(covered_ms, (ends - begins) * of_month)
    return share


def days_of_month(first: date) -> int:
    return (next_month(first) - first).days
