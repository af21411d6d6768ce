"""How large the database is, and which single events of which workspaces it still has."""

import sqlite3
from typing import NamedTuple

from llmtrack.storage.database import Database
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.purge import PURGED_KIND


def all_bytes_in_use(connection: sqlite3.Connection) -> int:
    """Without the pages that are free to be used again."""
    [pages, free, size] = (
        connection.execute(f"pragma {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


async def bytes_in_use_now(database: Database) -> int:
    """The same of the database that a server has open."""
    found = [
        (await database.rows(f"pragma {name}"))[0][0]
        for name in ("page_count", "freelist_count", "page_size")
    ]
    return int((found[0] - found[1]) * found[2])


class EventsLeft(NamedTuple):
    """The single events of one quarter hour in one workspace that were not removed yet."""

    bucket: int
    workspace_id: int
    workspace: str
    """Its public id."""
    time_zone: str
    events: int


ALL_EVENTS_LEFT = f"""
-- maintenance_sizes.all_events_left
select u.bucket, w.id, w.public_id, w.time_zone,
  sum(case u.kind when {PURGED_KIND} then -u.events else u.events end) as remaining
from workspace w join usage_quarter u on u.workspace_id = w.id
where u.kind in ({int(Kind.TOTAL)}, {PURGED_KIND})
group by u.bucket, w.id
having remaining > 0
order by u.bucket, w.id
"""  # noqa: S608 - numbers


def all_events_left(connection: sqlite3.Connection) -> list[EventsLeft]:
    """The oldest first. From the totals, which is quick; they must be settled."""
    return [EventsLeft(*row) for row in connection.execute(ALL_EVENTS_LEFT)]


ALL_NTH_EVENT = """
-- maintenance_sizes.all_nth_event_ms
select timestamp_ms
from event
where workspace_id = :workspace_id and timestamp_ms >= :start_ms
order by timestamp_ms, id
limit 1 offset :number
"""


def all_nth_event_ms(
    connection: sqlite3.Connection, workspace_id: int, *, start_ms: int, number: int
) -> int | None:
    """When the one came that has `number` others between it and `start_ms`."""
    values = {"workspace_id": workspace_id, "start_ms": start_ms, "number": number}
    row = connection.execute(ALL_NTH_EVENT, values).fetchone()
    return None if row is None else int(row[0])
