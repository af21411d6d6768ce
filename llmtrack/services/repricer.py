"""The server's part in repricing: begins what pages queue, goes on with what was cut short.

A command drives its own run; this process steps in when one has not moved for a while, which
a killed command and a restart both leave behind.
"""

import asyncio
import logging
from collections.abc import Callable

from llmtrack.services.price_books import PriceBooks
from llmtrack.services.repricing import drive, prices_of
from llmtrack.storage.database import Database
from llmtrack.storage.maintenance import OrphanRun, all_runs_under_way
from llmtrack.storage.reprice_runs import run_of
from llmtrack.storage.workspaces import scope_for_admin

log = logging.getLogger(__name__)

LOOK_S = 2.0
STALLED_MS = 10_000
"""A run that nobody has moved for as long has nobody who drives it."""


class Repricer:
    def __init__(
        self, database: Database, books: PriceBooks, *, clock_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._books = books
        self._clock_ms = clock_ms
        self._asked = asyncio.Event()
        self._generation = -1
        self._may_have_work = True

    def wake(self) -> None:
        """Begin what this process has just queued."""
        self._asked.set()

    async def watch(self) -> None:
        """Runs until cancelled; a run that is cut off then goes on at the next start."""
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._asked.wait()
            except TimeoutError:
                pass
            own = self._asked.is_set()
            self._asked.clear()
            try:
                await self.work(every=own)
            except Exception:
                log.exception("repricing failed; it is tried again")
                await asyncio.sleep(LOOK_S)

    async def work(self, *, every: bool) -> None:
        """Drive the runs that are under way: every one, or those that nobody else does."""
        generation = self._database.generation
        if not (every or self._may_have_work or generation != self._generation):
            return
        found = await all_runs_under_way(self._database)
        self._generation, self._may_have_work = generation, bool(found)
        for orphan in found:
            if every or orphan.touched_ms <= self._clock_ms() - STALLED_MS:
                await self._drive(orphan)

    async def _drive(self, orphan: OrphanRun) -> None:
        scope = await scope_for_admin(self._database, orphan.workspace_public_id)
        prices = await prices_of(scope, self._books)
        run = await run_of(scope, orphan.run_public_id)
        log.info("repricing run %s of %s", run.public_id, scope.public_id)
        run = await drive(scope, run, prices, clock_ms=self._clock_ms)
        log.info("repricing run %s is %s: %d events", run.public_id, run.state, run.changed_events)
