"""What the server does by itself, by the clock; what became of it is in the `job` table.

A time that was missed because the server was down is made up for. A job that failed is tried
again after a while, and shows as failed until it has succeeded.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from llmtrack.domain.periods import DAY_MS
from llmtrack.storage.database import Database
from llmtrack.storage.job_states import (
    JobState,
    finish_job,
    job_states,
    note_job,
    start_job,
)

log = logging.getLogger(__name__)

LOOK_S = 20.0
RETRY_MS = 30 * 60_000


class Schedule(NamedTuple):
    """`minute` of the day in UTC, every `days` days; or, without it, every `period_ms`."""

    minute: int | None = None
    days: int = 1
    period_ms: int = DAY_MS

    @property
    def text(self) -> str:
        if self.minute is None:
            return f"every {timedelta(milliseconds=self.period_ms)}"
        every = "daily" if self.days == 1 else f"every {self.days} days"
        return f"{every} at {self.minute // 60:02}:{self.minute % 60:02} UTC"

    def due_ms(self, last_started_ms: int) -> int:
        """When it is next due after a start."""
        if self.minute is None:
            return last_started_ms + self.period_ms
        day = datetime.fromtimestamp(last_started_ms / 1000, UTC).replace(
            hour=self.minute // 60, minute=self.minute % 60, second=0, microsecond=0
        )
        at_ms = int(day.timestamp()) * 1000
        if at_ms <= last_started_ms:
            at_ms += DAY_MS
        return at_ms + (self.days - 1) * DAY_MS


class Job(NamedTuple):
    """`run` returns what to show of it; whatever it raises is a failure."""

    name: str
    schedule: Schedule
    run: Callable[[], Awaitable[str]]


class Jobs:
    """Runs jobs one at a time: none of them is in a hurry."""

    def __init__(
        self, database: Database, jobs: Sequence[Job], clock_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._clock_ms = clock_ms

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.run_due()
            await asyncio.sleep(LOOK_S)

    async def run_due(self) -> None:
        states = await job_states(self._database)
        for job in self._jobs:
            now_ms = self._clock_ms()
            state = states.get(job.name)
            if state is None:
                # New here: its first time is the next one on the clock, not now.
                await self._database.write(note_job, job.name, now_ms=now_ms)
            elif is_due(job.schedule, state, now_ms):
                await run_job(self._database, job.name, job.run, self._clock_ms)


async def run_job(
    database: Database,
    name: str,
    run: Callable[[], Awaitable[str]],
    clock_ms: Callable[[], int],
) -> bool:
    """Run it now and note what became of it; whether it succeeded."""
    await database.write(start_job, name, now_ms=clock_ms())
    try:
        result, succeeded = await run(), True
    except Exception as error:
        log.exception("job %s failed", name)
        result, succeeded = f"{type(error).__name__}: {error}", False
    await database.write(finish_job, name, succeeded=succeeded, result=result, now_ms=clock_ms())
    return succeeded


def is_due(schedule: Schedule, state: JobState, now_ms: int) -> bool:
    started_ms = state.started_ms or 0
    if started_ms > now_ms:
        return True  # the clock was set back: better once too often
    if state.failures and now_ms - started_ms >= RETRY_MS:
        return True
    return now_ms >= schedule.due_ms(started_ms)
