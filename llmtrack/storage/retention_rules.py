"""How long each workspace keeps its single events, as its owner or the operator has set it."""

import sqlite3
from typing import NamedTuple

from llmtrack.domain.errors import InvalidValue
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database
from llmtrack.storage.scope import ScopedReading

DAYS_MIN = 1
DAYS_MAX = 36_500


class Retention(NamedTuple):
    """Events older than `event_days` go, and with them their totals unless those are kept."""

    event_days: int
    keep_totals: bool


SET_RETENTION = """
-- retention_rules.set_retention
insert into retention (workspace_id, id, event_days, keep_totals, set_ms, set_by)
values (:workspace_id, 1, :event_days, :keep_totals, :now_ms, :set_by)
on conflict (workspace_id, id) do update set
  event_days = excluded.event_days,
  keep_totals = excluded.keep_totals,
  set_ms = excluded.set_ms,
  set_by = excluded.set_by
"""
END_RETENTION = """
-- retention_rules.set_retention
delete from retention where workspace_id = :workspace_id
"""


def set_retention(
    connection: sqlite3.Connection,
    workspace_id: int,
    *,
    rule: Retention | None,
    actor: Actor,
    now_ms: int,
) -> None:
    """None keeps everything. Raises InvalidValue."""
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="retention.set",
        target="events",
        details=rule._asdict() if rule else {"event_days": None},
        now_ms=now_ms,
    )
    if rule is None:
        connection.execute(END_RETENTION, {"workspace_id": workspace_id})
        return
    if not DAYS_MIN <= rule.event_days <= DAYS_MAX:
        raise InvalidValue("days", f"days must be {DAYS_MIN} to {DAYS_MAX}")
    values = {
        "workspace_id": workspace_id,
        "event_days": rule.event_days,
        "keep_totals": int(rule.keep_totals),
        "set_by": actor.text,
        "now_ms": now_ms,
    }
    connection.execute(SET_RETENTION, values)


READ_RETENTION = """
-- retention_rules.retention_of
select event_days, keep_totals from retention where workspace_id = :workspace_id
"""


async def retention_of(reading: ScopedReading) -> Retention | None:
    """None: everything is kept."""
    rows = await reading.rows(READ_RETENTION)
    return Retention(rows[0][0], bool(rows[0][1])) if rows else None


class KeptTime(NamedTuple):
    """A workspace's rule, and whose days it counts."""

    event_days: int
    keep_totals: bool
    time_zone: str


READ_KEPT_TIMES = """
-- retention_rules.kept_times
select r.workspace_id, r.event_days, r.keep_totals, w.time_zone
from retention r
join workspace w on w.id = r.workspace_id
"""


async def kept_times(database: Database) -> dict[int, KeptTime]:
    """By workspace, of those that do not keep everything: for the way in, which serves all."""
    rows = await database.rows(READ_KEPT_TIMES)
    return {row[0]: KeptTime(row[1], bool(row[2]), row[3]) for row in rows}
