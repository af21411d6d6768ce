"""Sums by two dimensions are those that one filter more lets through, however they are read."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.spans import Span
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.pair_reports import usage_of_values
from llmtrack.storage.questions import Question, TooMuchToRead
from llmtrack.storage.reports import SUMMED_KINDS, usage_by_value, usage_total
from tests.storage.seeded import repeatable, seeded

START_MS = 1_774_000_000_000
ZONE = "Asia/Kathmandu"
SPAN = Span(START_MS + 7_000_000, START_MS + 3 * DAY_MS)


@pytest.mark.parametrize("is_filtered", [True, False])
async def test_each_value_has_what_a_filter_by_it_lets_through(
    tmp_path: Path, is_filtered: bool
) -> None:
    source = repeatable(6)
    async with (
        seeded(tmp_path / "l.db", ZONE, START_MS, START_MS + 4 * DAY_MS, 400) as store,
        store.scope.reading() as reading,
    ):
        for kind, sub_kind in product(SUMMED_KINDS, SUMMED_KINDS):
            row = source.choice(store.rows)
            filters = {Kind.PROVIDER: row.provider_id, Kind.STATUS: row.status}
            if not is_filtered:  # sums of pairs are kept of these
                filters = {}
            question = Question(sub_kind, SPAN, ZONE, filters)
            by_value = await usage_by_value(reading, Question(kind, SPAN, ZONE))
            values = [value for value in by_value if value is not None]
            found = await usage_of_values(reading, question, kind, values)
            assert list(found) == values
            for value in values:
                narrowed = replace(question, filters={**filters, kind: value})
                assert found[value] == await usage_by_value(reading, narrowed), narrowed


async def test_one_pass_may_read_what_the_filters_together_may_and_no_more(tmp_path: Path) -> None:
    async with (
        seeded(tmp_path / "l.db", ZONE, START_MS, START_MS + 4 * DAY_MS, 400) as store,
        store.scope.reading() as reading,
    ):
        filters = {Kind.PROVIDER: store.rows[0].provider_id, Kind.STATUS: 0}
        span = Span(START_MS - DAY_MS, START_MS + 5 * DAY_MS)
        # The rarer of the two bounds what the filters let through.
        most = min(
            [
                (await usage_total(reading, Question(Kind.TOTAL, span, ZONE, {kind: value}))).events
                for kind, value in filters.items()
            ]
        )
        values = [store.ids[Kind.FEATURE, "chat"], store.ids[Kind.FEATURE, "search"]]
        enough = Question(Kind.KEY, span, ZONE, filters, read_events_max=-(-most // 2))
        assert await usage_of_values(reading, enough, Kind.FEATURE, values)
        too_few = replace(enough, read_events_max=-(-most // 2) - 1)
        with pytest.raises(TooMuchToRead):
            await usage_of_values(reading, too_few, Kind.FEATURE, values)
