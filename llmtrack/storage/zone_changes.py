"""Changes a workspace's time zone: its days are moved a stretch at a time.

The zone of the pages is the new one at once. Totals of days follow from the oldest quarter to
the newest, in transactions short enough for events to come in between. How far it has come is
in `zone_change`, so a change that was cut short goes on where it stopped.
"""

import sqlite3
from typing import NamedTuple

from llmtrack.domain.errors import Refused
from llmtrack.domain.periods import day_of_quarter, zone
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.moved_days import Move, move
from llmtrack.storage.scope import ScopedReading

MOVE_EVENTS = 2_000
"""Events of one transaction; a quarter that holds more is moved as a whole."""
MOVE_QUARTERS = 2_000


class ZoneChange(NamedTuple):
    """A change that is under way."""

    old_zone: str
    new_zone: str
    first_quarter: int
    moved_quarter: int
    end_quarter: int
    started_ms: int

    @property
    def percent(self) -> int:
        length = max(1, self.end_quarter - self.first_quarter)
        return min(99, max(0, (self.moved_quarter - self.first_quarter) * 100 // length))


READ_CHANGE = f"""
-- zone_changes.change_of
select c.old_zone, w.time_zone, c.first_quarter, c.moved_quarter,
  coalesce((
    select max(bucket) + 1 from usage_quarter
    where workspace_id = :workspace_id and kind = {int(Kind.TOTAL)}
  ), c.moved_quarter),
  c.started_ms
from zone_change c
join workspace w on w.id = c.workspace_id
where c.workspace_id = :workspace_id
"""  # noqa: S608 - a number


async def zone_change_of(reading: ScopedReading) -> ZoneChange | None:
    """None: the days are where they belong."""
    rows = await reading.rows(READ_CHANGE)
    return ZoneChange(*rows[0]) if rows else None


READ_ZONE = """
-- zone_changes.set_time_zone
select time_zone, public_id from workspace where id = :workspace_id
"""
SET_ZONE = """
-- zone_changes.set_time_zone
update workspace set time_zone = :time_zone where id = :workspace_id
"""
ADD_CHANGE = f"""
-- zone_changes.set_time_zone
insert into zone_change (workspace_id, old_zone, first_quarter, moved_quarter, started_ms)
select :workspace_id, :old_zone, first, first, :now_ms
from (
  select coalesce(min(bucket), 0) as first from usage_quarter
  where workspace_id = :workspace_id and kind = {int(Kind.TOTAL)}
)
"""  # noqa: S608 - a number


def set_time_zone(
    connection: sqlite3.Connection, workspace_id: int, *, time_zone: str, actor: Actor, now_ms: int
) -> bool:
    """Begin to count by another zone's days; False if they are this zone's already.

    `move_days` does the work. Raises InvalidValue, and Refused while another change is under way.
    """
    new_zone = zone(time_zone).key
    values = {"workspace_id": workspace_id}
    old_zone, public_id = connection.execute(READ_ZONE, values).fetchone()
    if new_zone == old_zone:
        return False
    change = connection.execute(READ_CHANGE, values).fetchone()
    if change is not None:
        raise Refused(
            f"the days are still being moved to {old_zone}: {ZoneChange(*change).percent} %",
            fix="wait until that is done",
        )
    connection.execute(ADD_CHANGE, values | {"old_zone": old_zone, "now_ms": now_ms})
    connection.execute(SET_ZONE, values | {"time_zone": new_zone})
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="workspace.set_time_zone",
        target=public_id,
        details={"from": old_zone, "to": new_zone},
        now_ms=now_ms,
    )
    return True


NEXT_QUARTERS = f"""
-- zone_changes.move_days
select bucket, events
from usage_quarter
where workspace_id = :workspace_id
  and kind = {int(Kind.TOTAL)}
  and bucket >= :moved_quarter
order by bucket
limit {MOVE_QUARTERS}
"""  # noqa: S608 - numbers
SET_MOVED = """
-- zone_changes.move_days
update zone_change set moved_quarter = :moved_quarter where workspace_id = :workspace_id
"""
END_CHANGE = """
-- zone_changes.move_days
delete from zone_change where workspace_id = :workspace_id
"""


def move_days(connection: sqlite3.Connection, workspace_id: int) -> ZoneChange | None:
    """Move the next stretch; how far it has come, None when all days are where they belong."""
    values = {"workspace_id": workspace_id}
    row = connection.execute(READ_CHANGE, values).fetchone()
    if row is None:
        return None
    change = ZoneChange(*row)
    where = values | {"moved_quarter": change.moved_quarter}
    quarters = connection.execute(NEXT_QUARTERS, where).fetchall()
    if not quarters:
        connection.execute(END_CHANGE, values)
        return None
    moves, moved_quarter = _next_moves(quarters, change)
    for each in moves:
        move(connection, workspace_id, each)
    connection.execute(SET_MOVED, values | {"moved_quarter": moved_quarter})
    return change._replace(moved_quarter=moved_quarter)


def _next_moves(quarters: list[tuple[int, int]], change: ZoneChange) -> tuple[list[Move], int]:
    """What to move of these quarters, and the first quarter that is left for the next time."""
    moves: list[Move] = []
    events = 0
    for quarter, count in quarters:
        old_day = day_of_quarter(quarter, change.old_zone)
        new_day = day_of_quarter(quarter, change.new_zone)
        if old_day == new_day:
            continue
        if events >= MOVE_EVENTS:
            return moves, quarter
        events += count
        last = moves[-1] if moves else None
        if last is not None and (last.old_day, last.new_day) == (old_day, new_day):
            moves[-1] = last._replace(end=quarter + 1)
        else:
            moves.append(Move(quarter, quarter + 1, old_day, new_day))
    return moves, quarters[-1][0] + 1
