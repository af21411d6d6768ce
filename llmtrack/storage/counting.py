"""How a workspace counts, as who writes sums must know it: by whose days, and by which tags.

While a change of the zone is under way (`zone_changes`), quarters before `moved_quarter` are
counted by the new zone's days and the others by the old one's. While a new tag is counted
(`tag_counting`), quarters before `counted_quarter` are not yet in its sums. Whoever writes
asks inside of the transaction.
"""

import sqlite3
from typing import NamedTuple

from llmtrack.domain.periods import QUARTER_MS, day_of
from llmtrack.storage.dimensions import Tag


class DayZone(NamedTuple):
    time_zone: str
    old_zone: str | None = None
    moved_quarter: int | None = None

    def day_of(self, timestamp_ms: int) -> int:
        """The day that an event of that time is counted in, now."""
        if self.moved_quarter is not None and timestamp_ms // QUARTER_MS >= self.moved_quarter:
            return day_of(timestamp_ms, self.old_zone or self.time_zone)
        return day_of(timestamp_ms, self.time_zone)


READ_DAY_ZONE = """
-- day_zones.day_zone
select w.time_zone, c.old_zone, c.moved_quarter
from workspace w
left join zone_change c on c.workspace_id = w.id
where w.id = :workspace_id
"""


def day_zone(connection: sqlite3.Connection, workspace_id: int) -> DayZone:
    """Good for the transaction that asks."""
    row = connection.execute(READ_DAY_ZONE, {"workspace_id": workspace_id}).fetchone()
    return DayZone(*row)


LIST_TAGS = """
-- counting.read_tags
select number, key, counted_quarter, known_ms
from tracked_tag
where workspace_id = :workspace_id
  and removed_ms is null
order by number
"""


def read_tags(connection: sqlite3.Connection, workspace_id: int) -> tuple[Tag, ...]:
    """Good for the transaction that asks."""
    rows = connection.execute(LIST_TAGS, {"workspace_id": workspace_id})
    return tuple(Tag(*row) for row in rows)


class Counting(NamedTuple):
    zone: DayZone
    tags: tuple[Tag, ...] = ()

    def tags_at(self, quarter: int) -> tuple[Tag, ...]:
        """Those by which events of a quarter are counted already."""
        return tuple(tag for tag in self.tags if quarter >= tag.counted_quarter)


def read_counting(connection: sqlite3.Connection, workspace_id: int) -> Counting:
    """Good for the transaction that asks."""
    return Counting(day_zone(connection, workspace_id), read_tags(connection, workspace_id))


class Countings:
    """How workspaces count, each asked for once. Good for one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[int, Counting] = {}

    def of(self, workspace_id: int) -> Counting:
        found = self._known.get(workspace_id)
        if found is None:  # not from a cache: sums are of what this transaction sees
            found = self._known[workspace_id] = read_counting(self._connection, workspace_id)
        return found
