"""Usage as rows of plain values, the same for `llmtrack usage` and `GET /api/usage`.

Costs are decimal US dollars as text; a count that no event reported is null.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from llmtrack.domain.errors import InvalidValue, NotFound
from llmtrack.domain.money import usd_text
from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.spans import Span
from llmtrack.domain.tags import key_of
from llmtrack.services.deletion_notes import deletion_notes
from llmtrack.services.tag_notes import tag_notes
from llmtrack.storage.dimensions import OTHER_VALUE, Dimension, Kind, Tag
from llmtrack.storage.labels import value_of
from llmtrack.storage.questions import Question
from llmtrack.storage.reports import UsageRow, breakdown, breakdown_by_day
from llmtrack.storage.scope import Scope
from llmtrack.storage.sums import Sums
from llmtrack.storage.tracked_tags import tags_of

DIMENSIONS = ("provider", "model", "feature", "key", "customer", "environment", "status")
BY_DAY = "day"
LONGEST_DAYS = 73_200
"""200 years: all there can be, for who asks from 2000 to 2100."""


async def usage_question(
    scope: Scope, by: str, span: Span, filters: Mapping[str, str] | None = None
) -> Question:
    """About the usage by one of DIMENSIONS or a tracked tag (`tag:KEY`), or by day.

    `filters`: values of those that events must have. Raises NotFound for an unknown one and for
    a tag that is not tracked, InvalidValue for more than 200 years.
    """
    if span.length_ms > LONGEST_DAYS * DAY_MS:
        raise InvalidValue("from", "from is more than 200 years before the end")
    values: dict[Dimension, int] = {}
    async with scope.reading() as reading:
        tags = {tag.key: tag for tag in await tags_of(reading)}
        kind = Kind.TOTAL if by == BY_DAY else _dimension(by, tags)
        for name, slug in (filters or {}).items():
            dimension = _dimension(name, tags)
            value = await value_of(reading, dimension, slug)
            if value is None:
                raise NotFound(f"there is no {name} {slug[:60]!r} here")
            values[dimension] = value
    return Question(kind, span, scope.time_zone, values)


def _dimension(name: str, tags: Mapping[str, Tag]) -> Dimension:
    key = key_of(name)
    if key is None:
        return Kind[name.upper()]
    if key not in tags:
        known = ", ".join(tags) or "none"
        raise NotFound(f"the tag {key[:60]!r} is not tracked here; tracked: {known}")
    return tags[key]


class UsageRows(NamedTuple):
    rows: list[dict[str, Any]]
    notes: list[str]
    """What the rows do not know, in sentences."""


async def usage_rows(scope: Scope, by: str, question: Question) -> UsageRows:
    """The dearest first, or days in their order; `question` as `usage_question` makes it."""
    kinds = [question.kind, *question.filters]
    notes = tag_notes(kinds, question.span.start_ms, question.time_zone)
    async with scope.reading() as reading:
        if by == BY_DAY:
            days = await reading.run(breakdown_by_day(reading, question))
            rows = [{"day": row.date} | _fields(row.sums) for row in days]
        else:
            rows = _of_values(by, await reading.run(breakdown(reading, question)))
        return UsageRows(rows, notes + deletion_notes(reading))


def _of_values(by: str, found: Sequence[UsageRow]) -> list[dict[str, Any]]:
    rows = []
    for row in found:
        value: dict[str, Any] = {by: row.label.slug if row.value is not None else None}
        if by == "key":
            value |= {"key_name": row.label.text, "key_prefix": row.label.detail}
        elif by == "customer":
            value |= {"customer_name": row.label.text if row.label.detail else None}
        elif key_of(by):
            # All values together that are not counted on their own; null alone: not set.
            is_other = row.value == OTHER_VALUE
            value = {by: value[by] or None, "is_other_values": is_other}
        rows.append(value | _fields(row.sums))
    return rows


def _fields(sums: Sums) -> dict[str, Any]:
    return {
        "events": sums.events,
        "failed": sums.failures,
        "errors": sums.errors,
        "timeouts": sums.timeouts,
        "cancelled": sums.cancelled,
        "input_tokens": sums.input_tokens,
        "output_tokens": sums.output_tokens,
        "cache_read_tokens": sums.cache_read_tokens,
        "cache_write_tokens": sums.cache_write_tokens,
        "reasoning_tokens": sums.reasoning_tokens,
        "cost_usd": usd_text(sums.cost_pico),
        "unpriced_events": sums.unpriced_events,
        "partial_events": sums.partial_events,
        "unknown_usage_events": sums.unknown_usage_events,
    }
