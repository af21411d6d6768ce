"""Group commit: whoever waits when the writer is free shares one durable transaction.

Nobody waits for a timer: the writer takes all that came while its last commit ran. The
queue is bounded, and an event that could not be taken within the hold is given back
unstored (`Overloaded`), so that its sender may try again.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from llmtrack.domain.errors import Overloaded
from llmtrack.services.plain_refusal import HANDSHAKES
from llmtrack.services.write_trouble import WriteTrouble
from llmtrack.storage.database import Database
from llmtrack.storage.priced_events import PricedEvent
from llmtrack.storage.usage import Outcome, UsageWriter
from llmtrack.storage.writer import Connection, FileFault, transaction

QUEUE_EVENTS_MAX = 20_000
COMMIT_EVENTS_MAX = 1000
BATCHES_AT_ONCE = 8
HALF_EVENTS_MIN = 32
JOIN_TURNS_MAX = 4
"""Turns of the event loop that a batch may grow over while each brings more of it."""
JOIN_HANDSHAKES_S = 0.004
"""How long a batch may wait while each turn brings a handshake on: a commit of its own costs an
event as much as the rest of its storing."""
HOLD_S = 4.0
"""The official clients give up after 5 s an attempt."""
SWEEP_S = 0.25
RETRY_S = 0.05
UNSUMMED_EVENTS_MAX = 2000
"""So many share the writing of their sums, which holds up the next batch meanwhile."""
UNSUMMED_EVENTS_CALM = 128
"""As many where nothing waits: dearer an event, but sooner done with when the next one comes."""
CALM_EVENTS_MAX = 12
"""Of one commit. With more, the senders only wait for their answers, and will be back at once."""
SETTLE_S = 1.0
"""How long sums may wait where nobody asks for them."""

log = logging.getLogger(__name__)

Result = Outcome | BaseException


class Submission:
    """Events of one request, which share its fate in the queue."""

    __slots__ = ("events", "since")

    def __init__(self, events: Sequence[PricedEvent]) -> None:
        self.events = events
        self.since = time.monotonic()

    def answer(self, results: list[Result]) -> None:
        """Called once on the event loop: after the commit, or when the hold ran out."""
        raise NotImplementedError


class _Awaited(Submission):
    """One that a task waits for."""

    __slots__ = ("future",)

    def __init__(self, events: Sequence[PricedEvent], since: float) -> None:
        super().__init__(events)
        self.since = since
        self.future: asyncio.Future[list[Result]] = asyncio.get_running_loop().create_future()

    def answer(self, results: list[Result]) -> None:
        if not self.future.done():
            self.future.set_result(results)


class Ingest:
    """The queue before the writer. Made and used on one event loop."""

    def __init__(self, database: Database, *, queue_events_max: int = QUEUE_EVENTS_MAX) -> None:
        self._database = database
        self._queue_events_max = queue_events_max
        self._trouble = WriteTrouble()
        self._sums = database.sums
        self._usage = UsageWriter(self._sums)
        self._settled = time.monotonic()
        self._is_settling = False
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()  # guards the three below: loop and writer share them
        self._pending: deque[Submission] = deque()
        self._pending_events = 0
        self._scheduled = False
        self._space = asyncio.Event()
        self._batch_turns = asyncio.Semaphore(BATCHES_AT_ONCE)
        self._sweeper = self._loop.create_task(self._sweep())

    @asynccontextmanager
    async def batch_turn(self) -> AsyncIterator[float]:
        """Of the few batches that are decoded at once; gives since when this one has waited.

        Decoded, a batch takes ten times the memory of its bytes, and so many keep the writer
        busy. Raises Overloaded when the hold ran out.
        """
        since = time.monotonic()
        try:
            async with asyncio.timeout(HOLD_S):
                await self._batch_turns.acquire()
        except TimeoutError:
            raise Overloaded("too many batches at once", fix="try again in a second") from None
        try:
            yield since
        finally:
            self._batch_turns.release()

    async def add(
        self, events: Sequence[PricedEvent], *, since: float | None = None
    ) -> list[Result]:
        """Store events; returns after the commit, an outcome or a fault for each.

        Raises Overloaded when the hold ran out, counted from `since` (monotonic, else now); then
        none of them is stored.
        """
        since = time.monotonic() if since is None else since
        submission = _Awaited(events, since)
        while not self.offer(submission):
            await self._wait_for_space(since)
        results = await submission.future
        if results and isinstance(results[0], Overloaded):
            raise results[0]
        return results

    def offer(self, submission: Submission) -> bool:
        """Queue it, unless the queue is too full for it."""
        events = submission.events
        if self._pending_events and self._pending_events + len(events) > self._queue_events_max:
            return False
        with self._lock:
            self._pending.append(submission)
            self._pending_events += len(events)
            schedule = not self._scheduled
            self._scheduled = True
        if schedule:
            until_s = submission.since + JOIN_HANDSHAKES_S
            self._loop.call_soon(self._wake_writer, 0, JOIN_TURNS_MAX, HANDSHAKES.steps, until_s)
        return True

    def _wake_writer(self, events_before: int, turns: int, steps: int, until_s: float) -> None:
        """Hand over once a turn of the loop brought nothing more: not a timer, and no wait.

        Requests that are being read right now would each come a little too late for the batch
        of the first, and pay for a commit of their own; so would those whose connections are
        being made, as the official client makes one for each event.
        """
        events = self._pending_events
        is_arriving = events < HALF_EVENTS_MIN and HANDSHAKES.steps != steps
        if is_arriving and time.monotonic() < until_s:
            self._loop.call_soon(self._wake_writer, events, turns, HANDSHAKES.steps, until_s)
        elif turns and events_before < events < COMMIT_EVENTS_MAX:
            self._loop.call_soon(self._wake_writer, events, turns - 1, HANDSHAKES.steps, until_s)
        else:
            self._database.submit(self._store_pending)

    async def close(self) -> None:
        """Call once no request is left; what was accepted has been answered by then."""
        self._sweeper.cancel()
        await asyncio.gather(self._sweeper, return_exceptions=True)
        await self._database.settle()

    async def _wait_for_space(self, since: float) -> None:
        remaining_s = since + HOLD_S - time.monotonic()
        self._space.clear()
        try:
            await asyncio.wait_for(self._space.wait(), max(remaining_s, 0))
        except TimeoutError:
            raise Overloaded("the ingest queue is full", fix="try again in a second") from None

    async def _sweep(self) -> None:
        """Give back what has waited for longer than its sender will."""
        while True:
            await asyncio.sleep(SWEEP_S)
            oldest = time.monotonic() - HOLD_S
            expired: list[Submission] = []
            with self._lock:
                while self._pending and self._pending[0].since < oldest:
                    expired.append(self._pending.popleft())
                    self._pending_events -= len(expired[-1].events)
            for submission in expired:
                error = Overloaded("the database is busy", fix="try again in a second")
                submission.answer([error] * len(submission.events))
            if expired:
                self._space.set()
            is_due = time.monotonic() - self._settled > SETTLE_S
            if self._sums.noted and is_due and not self._is_settling:
                self._is_settling = True
                self._database.submit(self._settle)

    def _store_pending(self, connection: Connection) -> None:
        """The writer's job: one transaction of what waits now, then back to the queue."""
        taken: list[Submission] = []
        results: list[Result] = []
        try:
            with transaction(connection):
                # Taken only now that the write lock is held: until then it can be given back.
                taken = self._take()
                results = list(self._add(connection, _events_of(taken)))
            self._trouble.succeeded()
        except FileFault as error:  # the disk or a lock: it concerns them all
            self._usage.forget()
            self._trouble.failed(error)
            results = [error] * len(_events_of(taken))
        except Exception:  # noqa: BLE001 - something in one event: find which
            self._usage.forget()
            results = self._store_apart(connection, _events_of(taken))
        else:
            self._sums.committed(connection)
        self._loop.call_soon_threadsafe(self._answer, taken, results)
        is_calm = not self._pending and len(results) < CALM_EVENTS_MAX
        if self._sums.noted >= (UNSUMMED_EVENTS_CALM if is_calm else UNSUMMED_EVENTS_MAX):
            self._settle(connection)
        with self._lock:
            again = self._scheduled = bool(self._pending)
        if again:
            if not taken:  # the file cannot be written at all: do not spin
                time.sleep(RETRY_S)
            self._database.submit(self._store_pending)

    def _settle(self, connection: Connection) -> None:
        self._settled = time.monotonic()
        try:
            with transaction(connection):
                self._sums.settle(connection)
            self._sums.settled()
        except FileFault as error:  # they stay noted, and the next batch tells of the fault
            log.warning("sums were not written: %s", error)
        except Exception:  # events go on being stored, whatever is wrong with the sums
            log.exception("sums were not written")
        self._is_settling = False

    def _add(self, connection: Connection, events: Sequence[PricedEvent]) -> Sequence[Result]:
        generation = self._database.notice_commits(connection)
        return self._usage.add(connection, events, generation)

    def _store_apart(self, connection: Connection, events: Sequence[PricedEvent]) -> list[Result]:
        """Halve until the one that cannot be stored stands alone, and fails alone."""
        if len(events) > 1:
            middle = len(events) // 2
            return [
                *self._store_apart(connection, events[:middle]),
                *self._store_apart(connection, events[middle:]),
            ]
        try:
            with transaction(connection):
                results = list(self._add(connection, events))
        except Exception as error:  # noqa: BLE001 - it is this event's answer
            self._usage.forget()
            self._trouble.failed(error)
            return [error]
        self._sums.committed(connection)
        return results

    def _take(self) -> list[Submission]:
        taken: list[Submission] = []
        count = 0
        with self._lock:
            # Half of what waits: were it all, loop and writer would take turns, each idle
            # while the other works.
            most = min(max(self._pending_events // 2, HALF_EVENTS_MIN), COMMIT_EVENTS_MAX)
            while self._pending and count < most:
                submission = self._pending.popleft()
                taken.append(submission)
                count += len(submission.events)
            self._pending_events -= count
        return taken

    def _answer(self, taken: Sequence[Submission], results: Sequence[Result]) -> None:
        start = 0
        for submission in taken:
            end = start + len(submission.events)
            submission.answer(list(results[start:end]))
            start = end
        self._space.set()


def _events_of(submissions: Sequence[Submission]) -> list[PricedEvent]:
    return [event for submission in submissions for event in submission.events]
