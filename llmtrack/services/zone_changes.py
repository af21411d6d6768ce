"""Drives changes of time zones to their end: a command its own, the server what is left."""

import asyncio
from collections.abc import Callable

from llmtrack.services.finishing import PAUSE_S, Finisher
from llmtrack.storage.database import Database
from llmtrack.storage.maintenance import all_zone_changes
from llmtrack.storage.scope import Scope
from llmtrack.storage.zone_changes import ZoneChange, move_days


async def drive_zone_change(
    scope: Scope, *, progress: Callable[[ZoneChange], None] | None = None
) -> None:
    """Move the days of a workspace until all are where they belong.

    Two drivers do no harm: each transaction begins where the last one, whosever, ended.
    """
    while (change := await scope.write(move_days)) is not None:
        if progress is not None:
            progress(change)
        await asyncio.sleep(PAUSE_S)


def zone_mover(database: Database) -> Finisher:
    """The server's part."""
    what = "moving days to another time zone"
    return Finisher(database, what, all_zone_changes, drive_zone_change)
