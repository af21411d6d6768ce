from hypothesis import given
from hypothesis import strategies as st

from llmtrack.domain.forecasts import month_forecast
from llmtrack.domain.periods import DAY_MS

amounts = st.integers(0, 10**20)


def test_a_forecast_is_spent_plus_the_daily_mean_for_the_days_left() -> None:
    forecast = month_forecast(100, [10, 20, 30], 5 * DAY_MS)
    assert forecast is not None
    assert forecast.cost_pico == 100 + 20 * 5
    assert forecast.daily_pico == 20
    assert forecast.method == (
        "spent so far, plus the mean of the last 3 full days for the 5.0 days left"
    )


def test_only_the_last_seven_days_count() -> None:
    forecast = month_forecast(0, [10**15, *[7] * 7], DAY_MS)
    assert forecast is not None
    assert (forecast.cost_pico, forecast.full_days) == (7, 7)


def test_days_without_cost_forecast_what_is_spent() -> None:
    forecast = month_forecast(50, [0, 0], 3 * DAY_MS)
    assert forecast is not None
    assert forecast.cost_pico == 50


def test_without_a_full_day_there_is_no_forecast() -> None:
    assert month_forecast(100, [], DAY_MS) is None


@given(amounts, st.lists(amounts, min_size=1, max_size=9), st.integers(0, 31 * DAY_MS))
def test_a_forecast_is_a_whole_number_between_its_bounds(
    spent: int, days: list[int], remaining_ms: int
) -> None:
    forecast = month_forecast(spent, days, remaining_ms)
    assert forecast is not None
    assert type(forecast.cost_pico) is int
    assert spent <= forecast.cost_pico <= spent + max(days) * -(-remaining_ms // DAY_MS)
