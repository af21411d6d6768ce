"""Drives changes of time zones to their end: a command its own, the server what is left."""

import asyncio
import logging
from collections.abc import Callable

from llmtrack.storage.database import Database
from llmtrack.storage.maintenance import all_zone_changes
from llmtrack.storage.scope import Scope
from llmtrack.storage.workspaces import scope_for_admin
from llmtrack.storage.zone_changes import ZoneChange, move_days

log = logging.getLogger(__name__)

LOOK_S = 2.0
PAUSE_S = 0.02
"""Between transactions: events must get through."""


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


class ZoneMover:
    """The server's part: what a page has begun, and what a killed command has left."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._generation = -1

    async def watch(self) -> None:
        """Runs until cancelled; a change that is cut off then goes on at the next start."""
        while True:
            try:
                await self.work()
            except Exception:
                log.exception("moving days to another time zone failed; it is tried again")
            await asyncio.sleep(LOOK_S)

    async def work(self) -> None:
        generation = self._database.generation
        if generation == self._generation:
            return
        for public_id in await all_zone_changes(self._database):
            scope = await scope_for_admin(self._database, public_id)
            log.info("moving the days of %s to %s", public_id, scope.time_zone)
            await drive_zone_change(scope)
            log.info("the days of %s are those of %s", public_id, scope.time_zone)
        self._generation = generation
