"""Knows which workspaces keep content, and counts what was taken out of the others' events."""

import asyncio

from llmtrack.domain.events import UsageEvent
from llmtrack.domain.periods import DAY_MS
from llmtrack.storage.content_rules import Counts, ScrubbedDay, add_counts, keepers
from llmtrack.storage.database import Database

FLUSH_S = 5.0


class ContentGuard:
    """Counts are written now and then: a commit for each event would cost too much."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._generation = -1
        self._keepers: frozenset[int] = frozenset()
        self._counts: dict[ScrubbedDay, Counts] = {}

    async def keeps(self, workspace_id: int) -> bool:
        generation = self._database.generation
        if generation != self._generation:
            self._keepers = await keepers(self._database)
            self._generation = generation
        return workspace_id in self._keepers

    def keeps_now(self, workspace_id: int) -> bool | None:
        """`keeps` without a look into the file; None if there has to be one."""
        if self._database.generation != self._generation:
            return None
        return workspace_id in self._keepers

    def note(self, workspace_id: int, key_id: int, event: UsageEvent) -> None:
        if any(event.scrubbed):
            day = ScrubbedDay(workspace_id, event.received_ms // DAY_MS, key_id)
            found = Counts(1, *event.scrubbed)
            self._counts[day] = self._counts.get(day, Counts()).plus(found)

    async def keep_counting(self) -> None:
        """Write the counts every FLUSH_S seconds. Runs until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        counts, self._counts = self._counts, {}
        if counts:
            await self._database.write(add_counts, counts)
