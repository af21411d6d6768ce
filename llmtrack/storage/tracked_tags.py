"""Which tags a workspace tracks: members of metadata that usage is summed by.

A tag that is new is counted into the sums from the newest event to the oldest (`tag_counting`),
a stretch at a time; until then what is older is read from the events. One that is tracked no
more goes at once from every page, and its rows a batch at a time.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from llmtrack.domain.errors import AlreadyExists, NotFound, Refused
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.domain.tags import TAGS_MAX, checked_key
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.counting import LIST_TAGS, read_tags
from llmtrack.storage.dimensions import Tag
from llmtrack.storage.scope import ScopedReading


class TrackedTag(NamedTuple):
    """A tag as its settings show it; `values`: how many are counted on their own."""

    tag: Tag
    tracked_ms: int
    values: int


async def tags_of(reading: ScopedReading) -> Sequence[Tag]:
    """In the order in which they were chosen. Good for the reading that asks."""
    return [Tag(*row) for row in await reading.rows(LIST_TAGS)]


READ_TRACKED = """
-- tracked_tags.tracked_tags
select t.number, t.key, t.counted_quarter, t.known_ms, t.tracked_ms,
  (select count(*) from tag_value v
   where v.workspace_id = :workspace_id and v.number = t.number) as found
from tracked_tag t
where t.workspace_id = :workspace_id
  and t.removed_ms is null
order by t.number
"""


async def tracked_tags(reading: ScopedReading) -> list[TrackedTag]:
    rows = await reading.rows(READ_TRACKED)
    return [TrackedTag(Tag(*row[:4]), row[4], row[5]) for row in rows]


NEXT_NUMBER = """
-- tracked_tags.track_tag
select coalesce(max(number), 0) + 1 from tracked_tag where workspace_id = ?
"""
LAST_EVENT = """
-- tracked_tags.track_tag
select max(timestamp_ms) from event where workspace_id = ?
"""
ADD_TAG = """
-- tracked_tags.track_tag
insert into tracked_tag (workspace_id, number, key, counted_quarter, tracked_ms)
values (?, ?, ?, ?, ?)
"""


def track_tag(
    connection: sqlite3.Connection, workspace_id: int, *, key: str, actor: Actor, now_ms: int
) -> None:
    """Count events by a member of their metadata from now on; those there are follow.

    Raises InvalidValue, AlreadyExists, and Refused where TAGS_MAX are tracked.
    """
    key = checked_key(key)
    tags = read_tags(connection, workspace_id)
    if key in {tag.key for tag in tags}:
        raise AlreadyExists(f"the tag {key} is tracked already")
    if len(tags) >= TAGS_MAX:
        raise Refused(f"{TAGS_MAX} tags are tracked, no more can be", fix="remove one first")
    [number] = connection.execute(NEXT_NUMBER, (workspace_id,)).fetchone()
    [last_ms] = connection.execute(LAST_EVENT, (workspace_id,)).fetchone()
    # What comes from here on is counted as it comes, whatever its time says.
    quarter = max(now_ms, last_ms or 0) // QUARTER_MS + 1
    connection.execute(ADD_TAG, (workspace_id, number, key, quarter, now_ms))
    who: Any = {"workspace_id": workspace_id, "actor": actor, "now_ms": now_ms}
    record(connection, **who, action="tag.track", target=key, details={})


REMOVE_TAG = """
-- tracked_tags.untrack_tag
update tracked_tag set removed_ms = ? where workspace_id = ? and key = ? and removed_ms is null
"""


def untrack_tag(
    connection: sqlite3.Connection, workspace_id: int, *, key: str, actor: Actor, now_ms: int
) -> None:
    """Count by it no more. Its sums go; events keep their metadata. Raises NotFound."""
    if not connection.execute(REMOVE_TAG, (now_ms, workspace_id, key)).rowcount:
        raise NotFound(f"no tag {key[:60]!r} is tracked")
    who: Any = {"workspace_id": workspace_id, "actor": actor, "now_ms": now_ms}
    record(connection, **who, action="tag.untrack", target=key, details={})
