"""Sums by two dimensions: of each of some values of one, by the values of another."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache

from llmtrack.domain.spans import Span
from llmtrack.storage.dimensions import Dimension, Kind, is_partial
from llmtrack.storage.packs import shelf_of
from llmtrack.storage.questions import Pair, Plan, Question
from llmtrack.storage.reports import ByValue, planned_for, usage_by_value
from llmtrack.storage.rollup_rows import PairSums, read_pairs
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.sums import EVENT_SUMS, NO_SUMS, sums_of
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
    """The query of one pass over the events of some spans; None: by a tag."""
    return f"""
-- pair_reports.usage_of_values
select {_FIRST[first]}, {_SECOND[second]},
  {EVENT_SUMS}
from json_each(:spans) s
cross join event
where workspace_id = :workspace_id
  and timestamp_ms >= s.value ->> 0
  and timestamp_ms < s.value ->> 1
{FILTER_EVENTS}
  and {_FIRST[first]} in (select value from json_each(:chosen))
group by 1, 2
"""  # noqa: S608 - names of columns


async def usage_of_values(
    reading: ScopedReading, question: Question, kind: Dimension, values: Sequence[int]
) -> dict[int | None, ByValue]:
    """The question's answer for each value of `kind`, as if that were one filter more.

    Raises TooMuchToRead. All values are read at once, from days and events alike.
    """
    filters = {one: value for one, value in question.filters.items() if one != kind}
    narrowed = {value: replace(question, filters={**filters, kind: value}) for value in values}
    if not narrowed:
        return {}
    planned = await planned_for(reading, narrowed[values[0]])
    if _is_one_by_one(planned, kind, question.kind):
        return {value: await usage_by_value(reading, one) for value, one in narrowed.items()}
    if planned.route is None:
        within = question.read_events_max
        await check_bound(reading, planned.spans, within, filters, passes=len(values))
    else:
        for one in narrowed.values():
            await check_bound(reading, planned.spans, one.read_events_max, one.filters)
    whole = replace(question, filters=filters)
    rows: list[PairSums] = []
    if isinstance(planned.route, Pair) and planned.days is not None:
        rows = await read_pairs(reading, planned.route, planned.days, values)
    rows += await _read_events(reading, whole, kind, values, planned.events)
    for first, second, sums in await _read_events(reading, whole, kind, values, planned.less):
        rows.append((first, second, NO_SUMS - sums))
    return _by_values(rows, values)


def _is_one_by_one(planned: Plan, of: Dimension, kind: Dimension) -> bool:
    """Packs are of one value each, and rows that some events lack follow from a value's total.

    A provider's are those of its models (`provider_models`), which is found out for each.
    """
    found = planned.route
    if found is None:
        return False
    if not isinstance(found, Pair) or is_partial(kind):
        return True
    if found.filters_first and found.first_kind != of:
        return True
    return found.filters_first and shelf_of(found.code, found.values[0]) is not None


async def _read_events(
    reading: ScopedReading,
    question: Question,
    kind: Dimension,
    values: Sequence[int],
    spans: Sequence[Span],
) -> list[PairSums]:
    if not spans:
        return []
    first, of_first = column_of(kind)
    second, of_second = column_of(question.kind, "other_")
    rows = await reading.rows(
        read_event_pairs(first, second),
        spans=json.dumps(spans),
        chosen=json.dumps(list(values)),
        **of_first,
        **of_second,
        **filter_values(question.filters),
    )
    return [(row[0], row[1], sums_of(row, 2)) for row in rows]


def _by_values(rows: Iterable[PairSums], values: Sequence[int]) -> dict[int | None, ByValue]:
    found: dict[int, ByValue] = defaultdict(dict)
    for first, second, sums in rows:
        known = found[first].get(second, NO_SUMS)
        found[first][second] = known + sums
    return {
        value: {second: sums for second, sums in found[value].items() if sums.events > 0}
        for value in values
    }
