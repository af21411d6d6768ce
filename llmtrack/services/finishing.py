"""Changes that are made a step at a time: the server finishes those that are under way."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from llmtrack.storage.database import Database
from llmtrack.storage.scope import Scope
from llmtrack.storage.workspaces import scope_for_admin

log = logging.getLogger(__name__)

LOOK_S = 2.0
PAUSE_S = 0.02
"""Between transactions: events must get through."""


class Finisher:
    """What a page has begun, and what a killed command has left. `what` is said in the log."""

    def __init__(
        self,
        database: Database,
        what: str,
        find: Callable[[Database], Awaitable[list[str]]],
        drive: Callable[[Scope], Awaitable[None]],
    ) -> None:
        self._database = database
        self._what = what
        self._find = find
        self._drive = drive
        self._generation = -1

    async def watch(self) -> None:
        """Runs until cancelled; a change that is cut off then goes on at the next start."""
        while True:
            try:
                await self.work()
            except Exception:
                log.exception("%s failed; it is tried again", self._what)
            await asyncio.sleep(LOOK_S)

    async def work(self) -> None:
        generation = self._database.generation
        if generation == self._generation:
            return
        for public_id in await self._find(self._database):
            scope = await scope_for_admin(self._database, public_id)
            log.info("%s: %s", public_id, self._what)
            await self._drive(scope)
            log.info("%s: %s is done", public_id, self._what)
        self._generation = generation
