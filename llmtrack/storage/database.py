"""Opens the one SQLite file: pragmas, migrations, one writer, a few readers."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from contextvars import copy_context
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar, cast

import aiosqlite

from llmtrack.storage.connections import (
    BUSY_TIMEOUT_MS,
    OwnThread,
    connect_behind,
    connect_reader,
)
from llmtrack.storage.kept_rows import KeptRows
from llmtrack.storage.migrating import migrate
from llmtrack.storage.opening import connect_writer
from llmtrack.storage.pending_sums import PendingSums, settle
from llmtrack.storage.recent_answers import LIFE_S, RecentAnswers
from llmtrack.storage.wall import TooSlow, Walled
from llmtrack.storage.write_wall import INSTANCE, Writing
from llmtrack.storage.writer import Job, Writer, transaction

SEE_ONE_STATE = "-- database.reading_within\nselect 1 from event limit 1"

log = logging.getLogger(__name__)

T = TypeVar("T")
P = ParamSpec("P")

SETTLE_S = 2.0
"""How long a page waits for sums to be written."""
WALLED_COUNT = 3
INSTANCE_COUNT = 2


class Reading:
    """One connection for a while, seeing one state of the file throughout."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def rows(self, sql: str, /, **values: Any) -> Sequence[sqlite3.Row]:
        found = await self._connection.execute_fetchall(sql, values)
        return list(found)


class Behind(NamedTuple):
    """A connection behind the wall, and the object that its own thread uses."""

    connection: OwnThread
    walled: Walled


class ReadingBehind(Reading):
    """Behind the wall, where a page asks dozens of questions."""

    def __init__(self, behind: Behind) -> None:
        super().__init__(behind.connection)
        self._behind = behind
        self._is_on_thread = False
        """Whether it is the connection's own thread that asks, within `run`."""

    async def rows(self, sql: str, /, **values: Any) -> Sequence[sqlite3.Row]:
        if self._is_on_thread:
            return self._behind.walled.execute(sql, values).fetchall()
        return await super().rows(sql, **values)

    async def run(self, reads: Coroutine[Any, Any, T]) -> T:
        """Run `reads`, which awaits nothing else than this reading, on the connection's thread.

        Each query by itself is handed to that thread and back, which takes longer than most
        queries do, and under load as long as the event loop takes to come round.
        """
        if self._is_on_thread:
            return await reads
        return await self._behind.connection.run(partial(copy_context().run, self._finish, reads))

    def _finish(self, reads: Coroutine[Any, Any, T]) -> T:
        self._is_on_thread = True
        try:
            while reads.send(None) is None:  # `asyncio.sleep(0)`: nobody waits for its turn here
                pass
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            self._is_on_thread = False
            reads.close()
        raise RuntimeError("what runs on a reading's thread may wait for nothing else")


Readers = list[aiosqlite.Connection]


class Database:
    """The open file. `web` pages get a `Scope` of it, never the whole."""

    def __init__(self, path: Path, writer: Writer, readers: Readers, walled: list[Behind]) -> None:
        self.path = path
        # Counts every change that was not an ingest batch: what is cached from the file is
        # good for as long as this stays the same.
        self.generation = 0
        self.recent = RecentAnswers(lambda: self.generation)
        self.kept_rows = KeptRows()
        self.sums = PendingSums()
        self._data_version = -1
        self._writer = writer
        self._readers = [*readers, *(behind.connection for behind in walled)]
        self._idle: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        self._idle_walled: asyncio.LifoQueue[Behind] = asyncio.LifoQueue()
        for reader in readers:
            self._idle.put_nowait(reader)
        for behind in walled:
            self._idle_walled.put_nowait(behind)

    @classmethod
    async def open(
        cls, path: Path, *, create: bool = False, busy_timeout_ms: int = BUSY_TIMEOUT_MS
    ) -> "Database":
        """Open and migrate. Only `create` makes a file that is not there."""
        connection = connect_writer(path, create=create, busy_timeout_ms=busy_timeout_ms)
        try:
            migrate(connection)
            with transaction(connection):
                settle(connection)  # what a process left that died
        except BaseException:
            connection.close()
            raise
        readers = [await connect_reader(path) for _ in range(INSTANCE_COUNT)]
        walled = [Behind(*await connect_behind(path)) for _ in range(WALLED_COUNT)]
        return cls(path, Writer(connection), readers, walled)

    async def close(self) -> None:
        for reader in self._readers:
            await reader.close()
        await self._writer.close()

    async def write(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function(connection, ...)` in one transaction on the writer's thread.

        All sums are written before it: what it changes, it changes in both.
        """

        def call(connection: sqlite3.Connection) -> T:
            self.sums.settle(connection)
            return function(connection, *args, **kwargs)

        # After the commit: who reads before it must not keep the old rows as the new ones.
        return await self._writer.call(call, self._committed)

    async def write_within(
        self,
        workspace_id: int,
        function: Callable[Concatenate[sqlite3.Connection, int, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`write` behind the wall: what `function` changes is of that one workspace."""

        def call(connection: Writing) -> T:
            with connection.within(workspace_id):
                return function(connection, workspace_id, *args, **kwargs)

        return await self.write(cast("Callable[[sqlite3.Connection], T]", call))

    async def write_outside(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`write` where no workspace is: what belongs to one cannot be changed."""

        def call(connection: sqlite3.Connection, _: int) -> T:
            return function(connection, *args, **kwargs)

        return await self.write_within(INSTANCE, call)

    async def analyse(self) -> None:
        """Have the planner know tables that have changed much (`pragma optimize`).

        For a server's start. It reads before it writes, and is refused at once when another
        process has written in between; not inside a transaction that began as a write.
        """

        def optimize(connection: sqlite3.Connection) -> None:
            connection.execute("pragma optimize=0x10002")

        await self.write(optimize)

    async def turn(self) -> None:
        """Wait until the writer has come round: it lives and is not stuck."""
        await self._writer.turn()

    def submit(self, job: Job) -> None:
        """Hand the writer a job that manages its own transactions (the ingest batches)."""
        self._writer.submit(job)

    async def settle(self) -> None:
        """Write the sums of what was stored so far, or go on without where that cannot be."""
        if not self.sums.workspaces:
            return
        call = self._writer.call(self.sums.settle, self.sums.settled)
        settling = asyncio.ensure_future(call)
        done, _ = await asyncio.wait([settling], timeout=SETTLE_S)
        if not done or settling.exception() is not None:
            log.warning("sums are read without the last %d events", self.sums.events)
            settling.add_done_callback(asyncio.Future.exception)  # nobody else asks for it

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """What belongs to no workspace: all rows are of one moment.

        For what leads to a workspace (keys, sessions, memberships) and for commands. What a
        workspace shows is read through a `Scope`.
        """
        connection = await self._idle.get()
        try:
            await connection.execute("begin")
            yield Reading(connection)
        finally:
            try:
                await connection.rollback()
            finally:
                self._idle.put_nowait(connection)

    @asynccontextmanager
    async def reading_within(
        self, workspace_id: int, steps_max: int | None, *, exactly: bool = False
    ) -> AsyncIterator[ReadingBehind]:
        """A connection behind the wall; its queries may take `steps_max` steps together.

        What is stored meanwhile may be among the events a moment before it is in the sums;
        `exactly` rules that out, and has everybody who writes wait until reading begins.
        """
        behind = await self._idle_walled.get()
        try:
            behind.walled.enter(workspace_id, steps_max)
            if exactly:
                async with self._writer.held(self.sums.settle):
                    await behind.connection.execute("begin")
                    await behind.connection.execute_fetchall(SEE_ONE_STATE)
            else:
                if workspace_id in self.sums.workspaces:  # others' sums are as they were
                    await self.settle()
                await behind.connection.execute("begin")
            yield ReadingBehind(behind)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise TooSlow("this question took too long", fix="choose less of it") from error
            raise
        finally:
            try:
                await behind.connection.rollback()
            finally:
                behind.walled.leave()
                self._idle_walled.put_nowait(behind)

    async def rows(self, sql: str, /, **values: Any) -> Sequence[sqlite3.Row]:
        async with self.reading() as reading:
            return await reading.rows(sql, **values)

    def notice_commits(self, connection: sqlite3.Connection) -> int:
        """The generation, one higher when another process has committed. Writer's thread only."""
        data_version = connection.execute("pragma data_version").fetchone()[0]
        if data_version != self._data_version:
            self._data_version = data_version
            self.generation += 1
        return self.generation

    async def watch(self, period_s: float) -> None:
        """Keep `generation` honest while nothing is written here, and recent answers recent.

        Runs until cancelled.
        """
        for turn in count(1):
            await asyncio.sleep(period_s)
            self._writer.submit(self._notice)
            if turn % round(LIFE_S / period_s) == 0:
                self.recent.forget()

    def _committed(self) -> None:
        self.sums.settled()
        self.generation += 1

    def _notice(self, connection: sqlite3.Connection) -> None:
        self.notice_commits(connection)
