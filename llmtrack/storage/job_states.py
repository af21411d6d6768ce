"""When each of the server's own jobs ran last, and what became of it."""

import sqlite3
from typing import NamedTuple

from llmtrack.storage.database import Database


class JobState(NamedTuple):
    """`failures`: how often in a row; `result` of the last run, good or bad."""

    name: str
    started_ms: int | None
    finished_ms: int | None
    succeeded_ms: int | None
    failures: int
    result: str


LIST_JOBS = """
-- job_states.job_states
select name, started_ms, finished_ms, succeeded_ms, failures, result from job order by name
"""


async def job_states(database: Database) -> dict[str, JobState]:
    return {row["name"]: JobState(*row) for row in await database.rows(LIST_JOBS)}


NOTE_JOB = """
-- job_states.note_job
insert into job (name, started_ms) values (:name, :now_ms) on conflict do nothing
"""
START_JOB = """
-- job_states.start_job
update job set started_ms = :now_ms, finished_ms = null where name = :name
"""
FINISH_JOB = """
-- job_states.finish_job
update job
set
  finished_ms = :now_ms,
  succeeded_ms = case when :succeeded then :now_ms else succeeded_ms end,
  failures = case when :succeeded then 0 else failures + 1 end,
  result = :result
where name = :name
"""


def note_job(connection: sqlite3.Connection, name: str, *, now_ms: int) -> None:
    connection.execute(NOTE_JOB, {"name": name, "now_ms": now_ms})


def start_job(connection: sqlite3.Connection, name: str, *, now_ms: int) -> None:
    connection.execute(START_JOB, {"name": name, "now_ms": now_ms})


def finish_job(
    connection: sqlite3.Connection, name: str, *, succeeded: bool, result: str, now_ms: int
) -> None:
    values = {"name": name, "succeeded": succeeded, "result": result[:500], "now_ms": now_ms}
    connection.execute(FINISH_JOB, values)
