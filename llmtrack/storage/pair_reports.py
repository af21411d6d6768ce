"""Sums by two dimensions: of each of some values of one, by the values of another."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from llmtrack.storage.dimensions import Dimension, Kind
from llmtrack.storage.questions import Question, route
from llmtrack.storage.reports import ByValue, usage_by_value
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.sums import EVENT_SUMS, sums_of
from llmtrack.storage.tag_values import OTHER_TAG_VALUE
from llmtrack.storage.usage_rows import (
    COLUMNS_BY_KIND,
    FILTER_EVENTS,
    check_bound,
    column_of,
    filter_values,
)

_FIRST: dict[Kind | None, str] = COLUMNS_BY_KIND
_SECOND: dict[Kind | None, str] = {**COLUMNS_BY_KIND, None: OTHER_TAG_VALUE}


@cache
def read_event_pairs(first: Kind | None, second: Kind | None) -> str:
    """The query of one pass over the events of a span; None: by a tag."""
    return f"""
-- pair_reports.usage_of_values
select {_FIRST[first]}, {_SECOND[second]},
  {EVENT_SUMS}
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
{FILTER_EVENTS}
  and {_FIRST[first]} in (select value from json_each(:chosen))
group by 1, 2
"""  # noqa: S608 - names of columns


async def usage_of_values(
    reading: ScopedReading, question: Question, kind: Dimension, values: Sequence[int]
) -> dict[int | None, ByValue]:
    """The question's answer for each value of `kind`, as if that were one filter more.

    Raises TooMuchToRead. What no table has is read in one pass over the events, for all values.
    """
    filters = {one: value for one, value in question.filters.items() if one != kind}
    narrowed = {value: replace(question, filters={**filters, kind: value}) for value in values}
    if not narrowed or route(narrowed[values[0]]) is not None:
        return {value: await usage_by_value(reading, one) for value, one in narrowed.items()}
    span = question.span
    await check_bound(reading, [span], question.read_events_max, filters, passes=len(values))
    first, of_first = column_of(kind)
    second, of_second = column_of(question.kind, "other_")
    rows = await reading.rows(
        read_event_pairs(first, second),
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        chosen=json.dumps(list(values)),
        **of_first,
        **of_second,
        **filter_values(filters),
    )
    found: dict[int, ByValue] = defaultdict(dict)
    for row in rows:
        found[row[0]][row[1]] = sums_of(row, 2)
    return {value: found[value] for value in values}
