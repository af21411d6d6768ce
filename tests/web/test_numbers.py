"""Figures as people read them."""

import pytest

from llmtrack.web.numbers import NOTHING, milliseconds

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        (None, NOTHING),
        (0, "0 ms"),
        (999, "999 ms"),
        (1_234, "1.23 s"),
        (99 * SECOND, "99.0 s"),
        (100 * SECOND, "1.7 min"),
        (59 * MINUTE, "59.0 min"),
        (59 * MINUTE + 40 * SECOND, "1 h"),
        (334 * MINUTE + 6 * SECOND, "5 h 34 min"),
        (24 * HOUR - SECOND, "1 d"),
        (3 * DAY + 2 * HOUR + MINUTE, "3 d 2 h"),
        (45 * DAY, "45 d"),
    ],
)
def test_a_duration_has_the_units_that_its_size_asks_for(
    duration_ms: int | None, text: str
) -> None:
    assert milliseconds(duration_ms) == text
