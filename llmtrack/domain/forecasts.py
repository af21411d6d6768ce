"""What this month will have cost by its end, by a method that can be said in a sentence."""

from collections.abc import Sequence
from typing import NamedTuple

from llmtrack.domain.periods import DAY_MS

FULL_DAYS = 7


class Forecast(NamedTuple):
    cost_pico: int
    spent_pico: int
    daily_pico: int
    full_days: int
    remaining_ms: int

    @property
    def method(self) -> str:
        days = "day" if self.full_days == 1 else f"{self.full_days} full days"
        return (
            f"spent so far, plus the mean of the last {days} "
            f"for the {self.remaining_ms / DAY_MS:.1f} days left"
        )


def month_forecast(
    spent_pico: int, full_days_pico: Sequence[int], remaining_ms: int
) -> Forecast | None:
    """Spent so far + mean of the last full days x the time left. None without a full day.

    `full_days_pico`: the cost of each of the last full days since the first event, at most
    FULL_DAYS of them count.
    """
    days = list(full_days_pico)[-FULL_DAYS:]
    if not days:
        return None
    rest_pico = sum(days) * remaining_ms // (len(days) * DAY_MS)
    return Forecast(
        cost_pico=spent_pico + rest_pico,
        spent_pico=spent_pico,
        daily_pico=sum(days) // len(days),
        full_days=len(days),
        remaining_ms=remaining_ms,
    )
