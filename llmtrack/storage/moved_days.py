"""Moves what some quarters add up to from one day to another, in every table of days.

Dimensions that quarters keep are moved by the quarters' own sums, so that purged events move
along. What is kept per day alone (customers, pairs, latency by model and feature) is moved by
the events: of purged events it stays where it is, so that no total is lost.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from llmtrack.domain.latency import latency_step
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.storage.counting import read_tags
from llmtrack.storage.dimensions import (
    DAY_KINDS,
    LATENCY_DAY_KINDS,
    LATENCY_QUARTER_KINDS,
    MEASURES,
    PAIRS,
    QUARTER_KINDS,
    TAG_PARTNERS,
    Dimension,
    Tag,
    pair_code,
)
from llmtrack.storage.dropped_packs import drop_packs
from llmtrack.storage.sums import EVENT_SUMS, ROLLUP_SUMS
from llmtrack.storage.tag_values import OTHER_TAG_VALUE, TAG_VALUE
from llmtrack.storage.usage_rows import EVENT_COLUMNS


class Move(NamedTuple):
    """Quarters `[first, end)` that lie in one day of each zone."""

    first: int
    end: int
    old_day: int
    new_day: int


_COLUMNS = dict(EVENT_COLUMNS)
_OF_QUARTERS = """
where workspace_id = :workspace_id
  and kind = :kind
  and bucket >= :first
  and bucket < :end
"""
_OF_EVENTS = """
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
"""
READ_QUARTERS = f"""
-- moved_days.move
select value,
  {ROLLUP_SUMS}
from usage_quarter
{_OF_QUARTERS}
group by value
"""  # noqa: S608 - names of columns
READ_LATENCY_QUARTERS = f"""
-- moved_days.move
select value, step, sum(events)
from latency_quarter
{_OF_QUARTERS}
group by value, step
"""  # noqa: S608 - names of columns
READ_VALUES = {
    kind: f"""
-- moved_days.move
select {_COLUMNS[kind]} as value,
  {EVENT_SUMS}
{_OF_EVENTS}
  and {_COLUMNS[kind]} is not null
group by 1
"""
    for kind in DAY_KINDS
    if kind not in QUARTER_KINDS
}
READ_PAIRS = {
    (first, second): f"""
-- moved_days.move
select {_COLUMNS[first]} as value, {_COLUMNS[second]} as other,
  {EVENT_SUMS}
{_OF_EVENTS}
  and {_COLUMNS[second]} is not null
group by 1, 2
"""
    for first, second in PAIRS
}


def _read_tag_pairs(other: str) -> str:
    return f"""
-- moved_days.move
select {TAG_VALUE} as value, {other} as other,
  {EVENT_SUMS}
{_OF_EVENTS}
group by 1, 2
having value is not null and other is not null
"""


READ_TAG_PAIRS = {kind: _read_tag_pairs(_COLUMNS[kind]) for kind in TAG_PARTNERS}
READ_TWO_TAGS = _read_tag_pairs(OTHER_TAG_VALUE)
READ_LATENCIES = {
    kind: f"""
-- moved_days.move
select {_COLUMNS[kind]} as value, latency_ms, count(*)
{_OF_EVENTS}
  and latency_ms is not null
group by 1, 2
"""
    for kind in LATENCY_DAY_KINDS
    if kind not in LATENCY_QUARTER_KINDS
}


def _add_to(table: str, keys: Sequence[str], measures: Sequence[str]) -> str:
    columns = (*keys, *measures)
    sums = ", ".join(f"{name} = {name} + excluded.{name}" for name in measures)
    return f"""
-- moved_days.move
insert into {table} ({", ".join(columns)}) values ({", ".join("?" * len(columns))})
on conflict do update set {sums}
"""  # noqa: S608 - names of columns


_KEYS = ("workspace_id", "kind", "bucket", "value")
ADD_DAY = _add_to("usage_day", _KEYS, MEASURES)
ADD_PAIR_DAY = _add_to("usage_pair_day", (*_KEYS, "other"), MEASURES)
ADD_LATENCY_DAY = _add_to("latency_day", (*_KEYS, "step"), ("events",))


def move(connection: sqlite3.Connection, workspace_id: int, moved: Move) -> None:
    """Take the quarters' sums out of the old day and add them to the new one."""
    values = {
        "workspace_id": workspace_id,
        "first": moved.first,
        "end": moved.end,
        "start_ms": moved.first * QUARTER_MS,
        "end_ms": moved.end * QUARTER_MS,
    }
    drop_packs(connection, workspace_id, (moved.old_day, moved.new_day))
    tags = read_tags(connection, workspace_id)
    for kind in (*QUARTER_KINDS, *tags):
        rows = connection.execute(READ_QUARTERS, values | {"kind": kind}).fetchall()
        _shift(
            connection, ADD_DAY, (workspace_id, int(kind)), moved, [(r[:1], r[1:]) for r in rows]
        )
    for kind, sql in READ_VALUES.items():
        rows = connection.execute(sql, values).fetchall()
        _shift(
            connection, ADD_DAY, (workspace_id, int(kind)), moved, [(r[:1], r[1:]) for r in rows]
        )
    for pair, sql in READ_PAIRS.items():
        rows = connection.execute(sql, values).fetchall()
        key = (workspace_id, pair_code(*pair))
        _shift(connection, ADD_PAIR_DAY, key, moved, [(r[:2], r[2:]) for r in rows])
    _move_tag_pairs(connection, workspace_id, moved, tags)
    for kind in LATENCY_QUARTER_KINDS:
        rows = connection.execute(READ_LATENCY_QUARTERS, values | {"kind": kind}).fetchall()
        key = (workspace_id, int(kind))
        _shift(connection, ADD_LATENCY_DAY, key, moved, [(r[:2], r[2:]) for r in rows])
    for kind, sql in READ_LATENCIES.items():
        steps: Counter[tuple[int, int]] = Counter()
        for value, latency_ms, events in connection.execute(sql, values):
            steps[value, latency_step(latency_ms)] += events
        key = (workspace_id, int(kind))
        _shift(connection, ADD_LATENCY_DAY, key, moved, [(k, (n,)) for k, n in steps.items()])


def _move_tag_pairs(
    connection: sqlite3.Connection, workspace_id: int, moved: Move, tags: Sequence[Tag]
) -> None:
    for place, tag in enumerate(tags):
        with_kinds: list[tuple[str, Dimension, dict[str, str | int]]] = [
            (sql, kind, {}) for kind, sql in READ_TAG_PAIRS.items()
        ]
        later = tags[place + 1 :]
        with_tags = [(READ_TWO_TAGS, other, other.parameters("other_")) for other in later]
        for sql, other, more in [*with_kinds, *with_tags]:
            counted = [each.counted_quarter for each in (tag, other) if isinstance(each, Tag)]
            values = {
                "workspace_id": workspace_id,
                "start_ms": max(moved.first, *counted) * QUARTER_MS,
                "end_ms": moved.end * QUARTER_MS,
                **tag.parameters(),
                **more,
            }
            rows = connection.execute(sql, values).fetchall()
            key = (workspace_id, pair_code(tag, other))
            _shift(connection, ADD_PAIR_DAY, key, moved, [(r[:2], r[2:]) for r in rows])


def _shift(
    connection: sqlite3.Connection,
    sql: str,
    key: tuple[int, int],
    moved: Move,
    rows: Sequence[tuple[tuple[int, ...], tuple[int | None, ...]]],
) -> None:
    """`rows`: (values, measures); a measure that nobody told is null and adds nothing."""
    for day, sign in ((moved.old_day, -1), (moved.new_day, 1)):
        connection.executemany(
            sql,
            [
                (*key, day, *values, *(sign * (measure or 0) for measure in measures))
                for values, measures in rows
            ],
        )
