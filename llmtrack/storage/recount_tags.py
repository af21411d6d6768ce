"""Counts the sums by tracked tags again from the events of a day."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llmtrack.domain.periods import QUARTER_MS
from llmtrack.storage.dimensions import TAG_KINDS, TAG_PARTNERS, Tag, pair_code
from llmtrack.storage.recount_queries import counted, differing
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.tag_values import OTHER_TAG_VALUE, TAG_VALUE
from llmtrack.storage.usage_rows import EVENT_COLUMNS

_COLUMNS = dict(EVENT_COLUMNS)

TAG_QUARTERS_DIFFER = differing(
    "usage_quarter",
    "bucket, value",
    counted(
        {"bucket": f"timestamp_ms / {QUARTER_MS}", "value": TAG_VALUE}, having="value is not null"
    ),
)
TAG_DAY_DIFFERS = differing(
    "usage_day", "value", counted({"value": TAG_VALUE}, having="value is not null")
)


def _pairs_differ(other: str) -> str:
    by_both = counted(
        {"value": TAG_VALUE, "other": other}, having="value is not null and other is not null"
    )
    return differing("usage_pair_day", "value, other", by_both)


TAG_PAIRS_DIFFER = {kind: _pairs_differ(_COLUMNS[kind]) for kind in TAG_PARTNERS}
TWO_TAGS_DIFFER = _pairs_differ(OTHER_TAG_VALUE)


class _Rows(NamedTuple):
    sql: str
    table: str
    what: str
    kind: int
    buckets: tuple[int, int]
    other: Tag | None = None


async def wrong_tags(
    reading: ScopedReading, tags: Sequence[Tag], *, day: int, quarters: range
) -> list[tuple[str, str, int]]:
    """(table, what, how many rows) of the sums by tags that are not what the events add up to."""
    found = []
    for tag in tags:
        for rows in _rows(tag, tags, day, quarters):
            # Events that are not counted yet have no rows.
            first = max(quarters.start, tag.counted_quarter)
            if rows.other is not None:
                first = max(first, rows.other.counted_quarter)
            [row] = await reading.rows(
                rows.sql,
                kind=rows.kind,
                start_ms=first * QUARTER_MS,
                end_ms=quarters.stop * QUARTER_MS,
                first=rows.buckets[0],
                end=rows.buckets[1],
                **tag.parameters(),
                **(rows.other.parameters("other_") if rows.other is not None else {}),
            )
            if row[0]:
                found.append((rows.table, rows.what, row[0]))
    return found


def _rows(tag: Tag, tags: Sequence[Tag], day: int, quarters: range) -> Iterator[_Rows]:
    days, what = (day, day + 1), f"tag {tag.key}"
    of_quarters = (quarters.start, quarters.stop)
    yield _Rows(TAG_QUARTERS_DIFFER, "usage_quarter", what, tag, of_quarters)
    yield _Rows(TAG_DAY_DIFFERS, "usage_day", what, tag, days)
    for kind, sql in TAG_PAIRS_DIFFER.items():
        both = f"{what} x {kind.name.lower()}"
        yield _Rows(sql, "usage_pair_day", both, pair_code(tag, kind), days)
    for other in tags:
        if tag < other:
            both, code = f"{what} x tag {other.key}", pair_code(tag, other)
            yield _Rows(TWO_TAGS_DIFFER, "usage_pair_day", both, code, days, other)


def _first_bucket(table: str, bucket: str) -> str:
    return f"""(
  select min((
    select min(bucket) from {table}
    where workspace_id = :workspace_id and kind = {TAG_KINDS} + t.number and bucket >= :{bucket}
  )) from tracked_tag t where t.workspace_id = :workspace_id and t.removed_ms is null
)"""  # noqa: S608 - names of ours


FIRST_TAG_BUCKETS = f"""
-- recount_tags.first_tag_buckets
select {_first_bucket("usage_quarter", "quarter")}, {_first_bucket("usage_day", "day")}
"""


async def first_tag_buckets(
    reading: ScopedReading, quarter: int, day: int
) -> tuple[int | None, int | None]:
    """The first quarter and the first day, not before these, that have rows by tags."""
    [row] = await reading.rows(FIRST_TAG_BUCKETS, quarter=quarter, day=day)
    return row[0], row[1]
