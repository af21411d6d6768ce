"""Made-up traffic: as many calls as were asked for, none of them later than now."""

import pytest

from llmtrack.domain.demo_traffic import DemoTraffic, day_shares
from llmtrack.domain.periods import DAY_MS

MIDNIGHT_MS = 20_600 * DAY_MS


@pytest.mark.parametrize("gone_ms", [0, 1, 3_600_000, 3_600_001, 40_000_000, DAY_MS - 1])
@pytest.mark.parametrize("days", [1, 30])
def test_today_has_had_its_part_until_now(gone_ms: int, days: int) -> None:
    now_ms = MIDNIGHT_MS + gone_ms
    shares = day_shares(days, now_ms)
    assert len(shares) == days
    assert sum(shares) == pytest.approx(1)

    times = [call.event.timestamp_ms for call in DemoTraffic(1).today(now_ms, 500)]
    assert len(times) == 500
    assert times == sorted(times)
    assert times[0] >= MIDNIGHT_MS
    assert times[-1] <= now_ms


def test_a_day_that_has_just_begun_has_had_few_calls() -> None:
    early, late = (day_shares(30, MIDNIGHT_MS + ms)[-1] for ms in (600_000, DAY_MS - 600_000))
    assert 0 < early < late / 50
