"""What the checks say of what they found."""

import pytest

from llmtrack.services.inspection import RecountedDays, recount_findings


@pytest.mark.parametrize(("days", "spelt"), [(1, "of 1 day is right"), (2, "of 2 days is right")])
def test_days_are_counted_in_words(days: int, spelt: str) -> None:
    (finding,) = recount_findings("Acme", RecountedDays(days, 0, [], is_moving=False))
    assert spelt in finding.text
