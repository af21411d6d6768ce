"""The server's own jobs: on time, made up for when missed, tried again when they fail."""

import asyncio

import pytest

from llmtrack.domain.periods import DAY_MS
from llmtrack.services.jobs import RETRY_MS, Job, Jobs, Schedule
from llmtrack.storage.database import Database
from llmtrack.storage.job_states import JobState, job_states
from tests.conftest import NOW_MS

AT_1400 = Schedule(minute=14 * 60)  # NOW_MS is noon
HOUR_MS = 3_600_000


class Clock:
    def __init__(self) -> None:
        self.ms = NOW_MS

    def __call__(self) -> int:
        return self.ms


class Counting:
    """A job that counts its runs, and fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.runs = 0
        self.failures = failures

    async def run(self) -> str:
        self.runs += 1
        if self.runs <= self.failures:
            raise OSError("no space")
        return f"run {self.runs}"


async def state(database: Database) -> JobState:
    return (await job_states(database))["j"]


async def test_a_job_runs_at_its_time_and_once(database: Database) -> None:
    clock, work = Clock(), Counting()
    jobs = Jobs(database, [Job("j", AT_1400, work.run)], clock)
    runs = []
    for _ in range(27):
        await jobs.run_due()
        runs.append(work.runs)
        clock.ms += HOUR_MS

    assert runs == [0, 0] + [1] * 24 + [2]
    assert (await state(database)).result == "run 2"


async def test_a_missed_time_is_made_up_for(database: Database) -> None:
    clock, work = Clock(), Counting()
    jobs = Jobs(database, [Job("j", AT_1400, work.run)], clock)
    await jobs.run_due()
    clock.ms += 3 * DAY_MS + 5 * HOUR_MS  # switched off for days
    await jobs.run_due()
    await jobs.run_due()

    assert work.runs == 1


async def test_a_failure_is_told_and_tried_again_until_it_succeeds(database: Database) -> None:
    clock, work = Clock(), Counting(failures=2)
    jobs = Jobs(database, [Job("j", AT_1400, work.run)], clock)
    await jobs.run_due()
    clock.ms += 2 * HOUR_MS
    await jobs.run_due()
    failed = await state(database)
    await jobs.run_due()
    assert (work.runs, failed.failures, failed.succeeded_ms) == (1, 1, None)
    assert failed.result == "OSError: no space"
    for _ in range(2):
        clock.ms += RETRY_MS
        await jobs.run_due()

    assert work.runs == 3
    assert (await state(database)).failures == 0
    assert (await state(database)).succeeded_ms == clock.ms


async def test_one_job_s_failure_is_not_another_s(database: Database) -> None:
    clock, bad, good = Clock(), Counting(failures=9), Counting()
    often = Schedule(period_ms=1000)
    jobs = Jobs(database, [Job("a", often, bad.run), Job("b", often, good.run)], clock)
    await jobs.run_due()
    clock.ms += 1000
    await jobs.run_due()

    assert (bad.runs, good.runs) == (1, 1)


async def test_a_clock_that_was_set_back_stops_no_job(database: Database) -> None:
    clock, work = Clock(), Counting()
    jobs = Jobs(database, [Job("j", AT_1400, work.run)], clock)
    clock.ms += 400 * DAY_MS
    await jobs.run_due()
    clock.ms = NOW_MS
    await jobs.run_due()

    assert work.runs == 1


async def test_an_interrupted_job_runs_again_next_time(database: Database) -> None:
    clock = Clock()

    async def hang() -> str:
        await asyncio.sleep(60)
        return ""

    jobs = Jobs(database, [Job("j", Schedule(period_ms=1000), hang)], clock)
    await jobs.run_due()
    clock.ms += 1000
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(jobs.run_due(), 0.05)
    assert (await state(database)).finished_ms is None
    clock.ms += 1000
    work = Counting()
    await Jobs(database, [Job("j", Schedule(period_ms=1000), work.run)], clock).run_due()

    assert work.runs == 1


def test_schedules_read_well() -> None:
    assert AT_1400.text == "daily at 14:00 UTC"
    assert Schedule(195, days=30).text == "every 30 days at 03:15 UTC"
    assert Schedule(period_ms=60_000).text == "every 0:01:00"
