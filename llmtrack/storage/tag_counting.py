"""Counts the events that were there before a tag was tracked, and removes what is tracked no more.

Each step is a transaction short enough for events to come in between. How far counting has come
is in `tracked_tag.counted_quarter`, so one that was cut short goes on where it stopped.
"""

import sqlite3

from llmtrack.domain.periods import QUARTER_MS
from llmtrack.storage.counting import read_counting
from llmtrack.storage.dimensions import TAG_KINDS, TAG_PARTNERS, Kind, pair_code
from llmtrack.storage.event_rows import COLUMNS, EventRow
from llmtrack.storage.purge import PURGED_KIND
from llmtrack.storage.rollups import add_told, write_tags
from llmtrack.storage.tag_sums import TagSums

COUNT_EVENTS = 500
"""Events of one step; a quarter that holds more is counted as a whole."""
COUNT_QUARTERS = 2_000
REMOVE_ROWS = 2_000

NEXT_QUARTERS = f"""
-- tag_counting.count_tags
select bucket, events
from usage_quarter
where workspace_id = :workspace_id
  and kind = {int(Kind.TOTAL)}
  and bucket < :end
order by bucket desc
limit {COUNT_QUARTERS}
"""  # noqa: S608 - numbers
READ_EVENTS = f"""
-- tag_counting.count_tags
select {COLUMNS}
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
"""  # noqa: S608 - names of columns
SET_COUNTED = """
-- tag_counting.count_tags
update tracked_tag set counted_quarter = :first
where workspace_id = :workspace_id
  and counted_quarter = :end
  and removed_ms is null
"""
# What was deleted before it could be counted is in the totals, and nobody knows its tags.
END_COUNT = f"""
-- tag_counting.count_tags
update tracked_tag set counted_quarter = 0, known_ms = (
  select (max(bucket) + 1) * {QUARTER_MS} from usage_quarter
  where workspace_id = :workspace_id and kind = {PURGED_KIND}
)
where workspace_id = :workspace_id
  and counted_quarter = :end
  and removed_ms is null
"""  # noqa: S608 - numbers


def count_tags(connection: sqlite3.Connection, workspace_id: int) -> bool:
    """Count the next stretch of events; False when all are counted."""
    counting = read_counting(connection, workspace_id)
    end = max((tag.counted_quarter for tag in counting.tags), default=0)
    if not end:
        return False
    new = [tag for tag in counting.tags if tag.counted_quarter == end]
    values = {"workspace_id": workspace_id, "end": end}
    quarters = connection.execute(NEXT_QUARTERS, values).fetchall()
    if not quarters:
        connection.execute(END_COUNT, values)
        return True
    first, events = end, 0
    for bucket, count in quarters:
        first, events = bucket, events + count
        if events >= COUNT_EVENTS:
            break
    sums = TagSums(new)
    span = {"start_ms": first * QUARTER_MS, "end_ms": end * QUARTER_MS}
    for row in connection.execute(READ_EVENTS, values | span):
        event = EventRow(*row)
        # Pairs of two tags are counted when the second of them is.
        known = counting.tags_at(event.timestamp_ms // QUARTER_MS)
        tags = [tag for tag in counting.tags if tag in new or tag in known]
        add_told(sums, event, counting.zone.day_of(event.timestamp_ms), tags)
    write_tags(connection, sums, 1)
    connection.execute(SET_COUNTED, values | {"first": first})
    return True


FIND_REMOVED = """
-- tag_counting.remove_tags
select number from tracked_tag where workspace_id = ? and removed_ms is not null limit 1
"""
LIST_NUMBERS = """
-- tag_counting.remove_tags
select number from tracked_tag where workspace_id = ?
"""


def _remove(table: str, key: str) -> str:
    return f"""
-- tag_counting.remove_tags
delete from {table}
where workspace_id = :workspace_id
  and kind = :kind
  and ({key}) in (
    select {key} from {table}
    where workspace_id = :workspace_id and kind = :kind
    limit {REMOVE_ROWS}
  )
"""  # noqa: S608 - names of tables


REMOVE_QUARTERS = _remove("usage_quarter", "bucket, value")
REMOVE_DAYS = _remove("usage_day", "bucket, value")
REMOVE_PAIRS = _remove("usage_pair_day", "bucket, value, other")
REMOVE_VALUES = """
-- tag_counting.remove_tags
delete from tag_value where workspace_id = ? and number = ?
"""
FORGET_TAG = """
-- tag_counting.remove_tags
delete from tracked_tag where workspace_id = ? and number = ?
"""


def remove_tags(connection: sqlite3.Connection, workspace_id: int) -> bool:
    """Remove some rows of a tag that is tracked no more; False when none are left."""
    row = connection.execute(FIND_REMOVED, (workspace_id,)).fetchone()
    if row is None:
        return False
    kind = TAG_KINDS + row[0]
    numbers = connection.execute(LIST_NUMBERS, (workspace_id,)).fetchall()
    tags = [TAG_KINDS + number for (number,) in numbers]
    pairs = [pair_code(kind, partner) for partner in TAG_PARTNERS]
    pairs += [pair_code(min(kind, tag), max(kind, tag)) for tag in tags if tag != kind]
    steps = [
        (REMOVE_QUARTERS, kind),
        (REMOVE_DAYS, kind),
        *((REMOVE_PAIRS, pair) for pair in pairs),
    ]
    for sql, each in steps:
        if connection.execute(sql, {"workspace_id": workspace_id, "kind": each}).rowcount:
            return True
    connection.execute(REMOVE_VALUES, (workspace_id, row[0]))
    connection.execute(FORGET_TAG, (workspace_id, row[0]))
    return True
