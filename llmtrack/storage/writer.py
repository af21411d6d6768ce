"""The one writer: a thread that owns the only writing connection of this process.

Everything that writes is a function of that connection. Functions run one after another,
each in a transaction of its own, so none ever meets another half way.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TypeVar

T = TypeVar("T")
Connection = sqlite3.Connection
FileFault = sqlite3.OperationalError
"""The disk or a lock: what fails for all that is written, not for one row."""
HELD_S_MAX = 2.0
Job = Callable[[sqlite3.Connection], None]


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """`begin immediate` ... commit; any fault rolls all of it back.

    Immediate, because a transaction that starts by reading cannot be upgraded once another
    process has written (SQLITE_BUSY_SNAPSHOT). Always with the wait for the disk: what was
    committed without one, and then dropped by a sync that failed, would be a hole in the WAL,
    and the next start would read the WAL no further than to there.
    """
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        # A full disk rolls back by itself; a second rollback would hide the first fault.
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def interrupt(connection: Connection) -> None:
    """End what it is doing, from another thread; nothing if it is closed by now."""
    with suppress(sqlite3.ProgrammingError):
        connection.interrupt()


class Writer:
    """Runs jobs on its own thread, in the order in which they were submitted."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer")
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job that handles its own faults and its own transaction."""
        self._jobs.put(job)

    async def call(
        self,
        function: Callable[[sqlite3.Connection], T],
        committed: Callable[[], None] = lambda: None,
    ) -> T:
        """Run one function in one transaction and give back what it returned or raised.

        `committed` is called on this thread right after the commit, whoever still waits.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def job(connection: sqlite3.Connection) -> None:
            try:
                with transaction(connection):
                    result = function(connection)
                committed()
            except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
                loop.call_soon_threadsafe(_fail, future, error)
            else:
                loop.call_soon_threadsafe(_resolve, future, result)

        self._jobs.put(job)
        return await future

    @asynccontextmanager
    async def held(self, prepare: Callable[[sqlite3.Connection], bool]) -> AsyncIterator[None]:
        """Nobody writes to the file inside this, here or in another process.

        `prepare` runs before, in transactions of its own, until it finds nothing to change.
        """
        loop, released = asyncio.get_running_loop(), threading.Event()
        holding: asyncio.Future[None] = loop.create_future()

        def job(connection: sqlite3.Connection) -> None:
            try:
                has_changed = True
                while has_changed:
                    with transaction(connection):
                        has_changed = prepare(connection)
                        if not has_changed:
                            loop.call_soon_threadsafe(_resolve, holding, None)
                            released.wait(HELD_S_MAX)
            except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
                loop.call_soon_threadsafe(_fail, holding, error)

        self._jobs.put(job)
        try:
            await holding
            yield
        finally:
            released.set()

    async def turn(self) -> None:
        """Wait until the thread has come round: it lives and is not stuck."""
        loop, turned = asyncio.get_running_loop(), asyncio.Event()

        def wake(_: Connection) -> None:
            loop.call_soon_threadsafe(turned.set)

        self._jobs.put(wake)
        await turned.wait()

    async def close(self) -> None:
        """Finish what is queued, move the WAL into the file, close."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job(self._connection)
        self._connection.close()


def _resolve(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[T], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
