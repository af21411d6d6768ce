"""Which zone's days the day tables of a workspace count.

While a change of the zone is under way (`zone_changes`), quarters before `moved_quarter` are
counted by the new zone's days and the others by the old one's. Whoever writes asks inside of
the transaction; whoever reads gets a zone only when all rows are its days.
"""

import sqlite3
from typing import NamedTuple

from llmtrack.domain.periods import QUARTER_MS, day_of
from llmtrack.storage.scope import ScopedReading


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


async def are_days_of(reading: ScopedReading, time_zone: str) -> bool:
    """Whether every row of the day tables is about a day of that zone."""
    if reading.day_zone is None:
        [row] = await reading.rows(READ_DAY_ZONE)
        reading.day_zone = row[0] if row[1] is None else ""
    return reading.day_zone == time_zone
