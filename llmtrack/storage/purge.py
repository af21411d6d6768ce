"""Removes old single events and what only they need; every total stays.

What is removed is added to rows of its own kind in `usage_quarter`, in the same transaction:
so `recount` can tell an event that was purged from one that was lost, and a purge that was
killed goes on where it stopped.
"""

import sqlite3
from typing import NamedTuple

from llmtrack.domain.money import join_pico
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.storage.dimensions import MEASURES
from llmtrack.storage.event_digests import RESPONSES
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.sums import EVENT_SUMS

PURGED_KIND = 15
"""The `kind` of those rows. Not a dimension that a report could ask for."""

BATCH_EVENTS = 1000
BATCH_RESPONSES = 10_000


class Purged(NamedTuple):
    """Events that went, and what they had cost."""

    events: int = 0
    cost_pico: int = 0

    def plus(self, other: "Purged") -> "Purged":
        return Purged(self.events + other.events, self.cost_pico + other.cost_pico)


def remembering(events: str) -> str:
    """SQL that adds events to the rows of what was purged; `events` is their `from ... where`."""
    return f"""
insert into usage_quarter (workspace_id, kind, bucket, value, {", ".join(MEASURES)})
select :workspace_id, {PURGED_KIND}, bucket, 0, {", ".join(f"coalesce({m}, 0)" for m in MEASURES)}
from (
  select timestamp_ms / {QUARTER_MS} as bucket, {EVENT_SUMS}
{events}
  group by 1
)
where true
on conflict do update set {", ".join(f"{m} = {m} + excluded.{m}" for m in MEASURES)}
"""  # noqa: S608 - constants


COUNT_EVENTS = """
-- purge.purgeable
select
  count(*),
  coalesce(sum(cost_pico / 1000000), 0),
  coalesce(sum(cost_pico % 1000000), 0)
from event
where workspace_id = :workspace_id
  and timestamp_ms < :before_ms
"""


async def purgeable(reading: ScopedReading, before_ms: int) -> Purged:
    [row] = await reading.rows(COUNT_EVENTS, before_ms=before_ms)
    return Purged(row[0], join_pico(row[1], row[2]))


# The oldest events of the workspace, up to a boundary.
_OLDEST = """
from event
where workspace_id = :workspace_id
  and (timestamp_ms, id) <= (:last_ms, :last_id)
"""
FIND_BOUNDARY = """
-- purge.purge_events
select timestamp_ms, id
from (
  select timestamp_ms, id
  from event
  where workspace_id = :workspace_id
    and timestamp_ms < :before_ms
  order by timestamp_ms, id
  limit :most
)
order by timestamp_ms desc, id desc
limit 1
"""
COUNT_OLDEST = f"""
-- purge.purge_events
select
  count(*),
  coalesce(sum(cost_pico / 1000000), 0),
  coalesce(sum(cost_pico % 1000000), 0)
{_OLDEST}
"""
REMEMBER_OLDEST = f"-- purge.purge_events\n{remembering(_OLDEST)}"
DELETE_OLDEST = f"""
-- purge.purge_events
delete {_OLDEST}
"""


def purge_events(connection: sqlite3.Connection, workspace_id: int, *, before_ms: int) -> Purged:
    """Remove the oldest BATCH_EVENTS events before a time; none were left if it removed none."""
    values = {"workspace_id": workspace_id, "before_ms": before_ms, "most": BATCH_EVENTS}
    boundary = connection.execute(FIND_BOUNDARY, values).fetchone()
    if boundary is None:
        return Purged()
    oldest = {"workspace_id": workspace_id, "last_ms": boundary[0], "last_id": boundary[1]}
    row = connection.execute(COUNT_OLDEST, oldest).fetchone()
    connection.execute(REMEMBER_OLDEST, oldest)
    connection.execute(DELETE_OLDEST, oldest)
    return Purged(row[0], join_pico(row[1], row[2]))


ResponsePlace = tuple[int, bytes]
RESPONSES_START: ResponsePlace = (0, b"")
"""Which of the tables of responses, and behind which of its digests."""


def _last_response(table: str) -> str:
    return f"""
-- purge.purge_responses
select max(digest)
from (
  select digest
  from {table}
  where workspace_id = :workspace_id
    and digest > :after
  order by digest
  limit :most
)
"""  # noqa: S608 - a name of ours


def _delete_responses(table: str) -> str:
    return f"""
-- purge.purge_responses
delete from {table}
where workspace_id = :workspace_id
  and digest > :after
  and digest <= :last
  and timestamp_ms < :before_ms
"""  # noqa: S608


_FIND_LAST_RESPONSE = [_last_response(table) for table in RESPONSES.tables]
_DELETE_RESPONSES = [_delete_responses(table) for table in RESPONSES.tables]


def purge_responses(
    connection: sqlite3.Connection, workspace_id: int, *, before_ms: int, after: ResponsePlace
) -> ResponsePlace | None:
    """Go through BATCH_RESPONSES rows behind `after`; where to go on, None at the end.

    The tables are in the order of their digests, which know no time: all of each is read, once.
    """
    table, digest = after
    values = {"workspace_id": workspace_id, "after": digest, "most": BATCH_RESPONSES}
    [last] = connection.execute(_FIND_LAST_RESPONSE[table], values).fetchone()
    if last is None:
        return (table + 1, b"") if table + 1 < len(RESPONSES.tables) else None
    connection.execute(
        _DELETE_RESPONSES[table],
        {"workspace_id": workspace_id, "after": digest, "last": last, "before_ms": before_ms},
    )
    return table, bytes(last)
