"""Keeps the database below a size: near it the oldest single events go, and every total stays.

What is removed is in the ledger of deletions and in the audit log like any other deletion.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from llmtrack.domain.errors import LLMtrackError
from llmtrack.domain.periods import QUARTER_MS, day_of, day_start_ms
from llmtrack.services.deletion import delete
from llmtrack.services.deletion_runs import begin
from llmtrack.services.jobs import run_job
from llmtrack.storage.audit import Actor
from llmtrack.storage.database import Database
from llmtrack.storage.job_states import note_job
from llmtrack.storage.maintenance_sizes import (
    EventsLeft,
    all_events_left,
    all_nth_event_ms,
    bytes_in_use_now,
)
from llmtrack.storage.writer import Connection

log = logging.getLogger(__name__)

PERIOD_S = 1.0
RETRY_S = 600.0
START_PERCENT, GOAL_PERCENT = 95, 90
"""Begins before the limit, so that what comes in meanwhile still has room."""
JOB = "size_limit"
SERVER = Actor(None, "server (disk.max_db_size)")


class SizeLimitMissed(LLMtrackError):
    """No single event is left, and the rest alone is above the limit."""


class Cutoff(NamedTuple):
    workspace: str
    before_ms: int


class SizeLimit:
    """Looks every PERIOD_S; `limit_bytes` may change meanwhile, 0 is no limit."""

    def __init__(self, directory: Path, *, limit_bytes: int) -> None:
        self._directory = directory
        self.limit_bytes = limit_bytes
        self.used_bytes = 0

    async def watch(self, database: Database, clock_ms: Callable[[], int]) -> None:
        """Until cancelled."""
        while True:
            is_kept = True
            try:
                is_kept = await self.look(database, clock_ms)
            except Exception:  # such as a disk that fails: events are refused for that
                log.exception("cannot keep the database below its limit")
            await asyncio.sleep(PERIOD_S if is_kept else RETRY_S)

    async def look(self, database: Database, clock_ms: Callable[[], int]) -> bool:
        """Remove what is too much; False if that failed."""
        self.used_bytes = await bytes_in_use_now(database)
        if not self._is_near():
            return True
        await database.write(note_job, JOB, now_ms=clock_ms())
        return await run_job(database, JOB, lambda: self._prune(database, clock_ms), clock_ms)

    def _is_near(self) -> bool:
        return self.used_bytes * 100 > self.limit_bytes * START_PERCENT > 0

    async def _prune(self, database: Database, clock_ms: Callable[[], int]) -> str:
        began_with, removed, is_coarse = self.used_bytes, 0, False
        while self._is_near():
            goal = self.limit_bytes * GOAL_PERCENT // 100
            share = (self.used_bytes - goal) / self.used_bytes
            cutoffs = await database.write(_cutoffs, share, is_coarse=is_coarse, now_ms=clock_ms())
            gone = 0
            for cutoff in cutoffs:
                gone += await self._remove(database, cutoff, clock_ms())
            if not gone and (is_coarse or not cutoffs):
                raise SizeLimitMissed(
                    f"no single event is left to remove, and the rest takes {self.used_bytes:,} "
                    f"bytes of disk.max_db_size, which is {self.limit_bytes:,}"
                )
            # Where one millisecond has more than is wanted, no finer cut is possible.
            is_coarse = not gone
            removed += gone
            self.used_bytes = await bytes_in_use_now(database)
        log.warning("near disk.max_db_size: %d oldest events removed, totals kept", removed)
        before, now = began_with // 2**20, self.used_bytes // 2**20
        return f"{removed:,} events removed, totals kept: {before:,} MiB in use before, {now:,} now"

    async def _remove(self, database: Database, cutoff: Cutoff, now_ms: int) -> int:
        deletion = await begin(
            database,
            self._directory,
            kind="events",
            workspace_public_id=cutoff.workspace,
            subject=str(cutoff.before_ms),
            actor=SERVER,
            now_ms=now_ms,
        )
        return (await delete(database, deletion, now_ms=now_ms)).rows.get("events", 0)


def _cutoffs(connection: Connection, share: float, *, is_coarse: bool, now_ms: int) -> list[Cutoff]:
    """For each workspace that has some of the oldest `share` of all events: what goes there.

    Whole local days where they are over, see `retention.cutoff_ms`; of the day that is not over
    as few events as will do, or with `is_coarse` whole quarters.
    """
    left = all_events_left(connection)
    if not left:
        return []
    last, part_of_last = _boundary(left, share)
    newest = {part.workspace_id: part for part in left if part.bucket <= last}
    found = []
    for part in newest.values():
        day = day_of(last * QUARTER_MS, part.time_zone)
        before_ms = day_start_ms(day + 1, part.time_zone)
        if before_ms > now_ms:
            before_ms = (last + 1) * QUARTER_MS
            if part.bucket == last and not is_coarse:
                number = math.ceil(part.events * part_of_last)
                start_ms = last * QUARTER_MS
                nth_ms = all_nth_event_ms(
                    connection, part.workspace_id, start_ms=start_ms, number=number
                )
                before_ms = min(before_ms, nth_ms or before_ms)
        found.append(Cutoff(part.workspace, before_ms))
    return found


def _boundary(left: Sequence[EventsLeft], share: float) -> tuple[int, float]:
    """The last quarter that the oldest `share` of events reaches into, and how far."""
    missing = math.ceil(sum(part.events for part in left) * share)
    by_bucket: dict[int, int] = {}
    for part in left:
        by_bucket[part.bucket] = by_bucket.get(part.bucket, 0) + part.events
    for bucket, events in by_bucket.items():
        if missing <= events:
            return bucket, missing / events
        missing -= events
    return left[-1].bucket, 1.0
