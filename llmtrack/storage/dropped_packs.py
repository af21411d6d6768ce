"""Packs that no longer say what their days do: whoever changes a day drops them."""

import sqlite3
from collections.abc import Collection

LONG_DAYS, SHORT_DAYS, ONE_DAY = 16, 4, 1
LEVELS = (LONG_DAYS, SHORT_DAYS, ONE_DAY)
"""Days of a pack; one begins at every multiple of that. Pairs have only long ones; single days
have customers alone, and their quarters until there is a pack of SHORT_DAYS."""

DROP = """
-- dropped_packs.drop_packs
delete from usage_pack where workspace_id = ? and days = ? and bucket = ?
"""


def drop_packs(connection: sqlite3.Connection, workspace_id: int, days: Collection[int]) -> None:
    """Whoever changes the rows of a day calls this in the same transaction."""
    for level in LEVELS:
        for bucket in {day // level * level for day in days}:
            connection.execute(DROP, (workspace_id, level, bucket))


DROP_ALL = """
-- dropped_packs.drop_all_packs
delete from usage_pack where workspace_id = ?
"""


def drop_all_packs(connection: sqlite3.Connection, workspace_id: int) -> None:
    """For changes of all days at once."""
    connection.execute(DROP_ALL, (workspace_id,))
