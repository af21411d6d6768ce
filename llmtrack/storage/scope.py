"""One workspace's view of the database: the only thing a page or a key's request holds.

A `Scope` is made from an API key's row (`storage.keys`), from a signed-in user's membership row
(`storage.memberships`) and from a shared link's row (`storage.shared_links`). What is not of its
workspace cannot be looked up.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

from llmtrack.domain.roles import Role
from llmtrack.storage.database import Database, ReadingBehind
from llmtrack.storage.kept_rows import KeptRows
from llmtrack.storage.recent_answers import RecentAnswers

REMEMBERED_ROWS_MAX = 100
"""Of a query that may be asked again in the same reading: longer answers are not kept."""
STEPS_MAX = 1_000_000_000
"""Steps of SQLite's machine that the queries of one page may take: 10 to 20 seconds."""

T = TypeVar("T")
P = ParamSpec("P")


class ScopedReading:
    """Reads of one workspace, all of one moment."""

    def __init__(
        self, reading: ReadingBehind, workspace_id: int, recent: RecentAnswers, kept: KeptRows
    ) -> None:
        self._reading = reading
        self._workspace_id = workspace_id
        self._recent, self._begun_at = recent, recent.generation
        self._kept = kept
        self.day_zone: str | None = None
        """What `day_zones` found out; "" while days are moved from one zone to another."""
        self.lacks_deleted = False
        """Whether an answer was read from single events where some, still in the sums, are gone."""
        self._answers: dict[tuple[object, ...], Sequence[sqlite3.Row]] = {}

    async def rows(self, sql: str, /, **values: Any) -> Sequence[sqlite3.Row]:
        """Rows of a query that names `:workspace_id`; its value cannot be passed in.

        The parts of a page ask some things over and over, and the answer is of one moment.
        """
        if ":workspace_id" not in sql:
            raise ValueError("a scoped query must filter by :workspace_id")
        asked = (sql, *values.items())
        known = self._answers.get(asked)
        if known is not None:
            return known
        rows = await self._reading.rows(sql, **{**values, "workspace_id": self._workspace_id})
        if len(rows) <= REMEMBERED_ROWS_MAX:
            self._answers[asked] = rows
        return rows

    async def run(self, reads: Coroutine[Any, Any, T]) -> T:
        """Run `reads`, which awaits nothing but this reading, as one piece of work off the loop."""
        return await self._reading.run(reads)

    def recent(self, question: Hashable) -> Any | None:
        """An answer that may be a minute old; None if it has to be read."""
        return self._recent.get(self._workspace_id, question)

    def keep_recent(self, question: Hashable, answer: Any) -> None:
        self._recent.keep(self._workspace_id, question, answer, seen_at=self._begun_at)

    def kept_rows(self, question: Hashable) -> bytes | None:
        return self._kept.get(self._workspace_id, question)

    def keep_rows(self, question: Hashable, packed: bytes) -> None:
        """For any reading that asks the same: `question` says of which state the rows are."""
        self._kept.keep(self._workspace_id, question, packed)


class Scope:
    """A workspace as one asker may see it."""

    def __init__(
        self,
        database: Database,
        *,
        workspace_id: int,
        public_id: str,
        name: str,
        time_zone: str,
        role: Role,
        steps_max: int | None = STEPS_MAX,
    ) -> None:
        self._database = database
        self.workspace_id = workspace_id
        self.public_id = public_id
        self.name = name
        self.time_zone = time_zone
        self.role = role
        self._steps_max = steps_max

    @asynccontextmanager
    async def reading(self, *, exactly: bool = False) -> AsyncIterator[ScopedReading]:
        within = self._database.reading_within(self.workspace_id, self._steps_max, exactly=exactly)
        async with within as reading:
            yield ScopedReading(
                reading, self.workspace_id, self._database.recent, self._database.kept_rows
            )

    async def rows(self, sql: str, /, **values: Any) -> Sequence[sqlite3.Row]:
        async with self.reading() as reading:
            return await reading.rows(sql, **values)

    async def write(
        self,
        function: Callable[Concatenate[sqlite3.Connection, int, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function(connection, workspace_id, ...)` in one transaction, behind the wall."""
        return await self._database.write_within(self.workspace_id, function, *args, **kwargs)
