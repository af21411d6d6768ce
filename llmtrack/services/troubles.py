"""What administrators must not overlook: failed jobs, a full disk, a certificate that ends."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from llmtrack.domain.periods import DAY_MS
from llmtrack.services.disk_guard import Room
from llmtrack.services.vitals import Vitals
from llmtrack.storage.database import Database
from llmtrack.storage.job_states import JobState, job_states

log = logging.getLogger(__name__)

PERIOD_S = 15.0
CERTIFICATE_DAYS = 7
"""Renewals come weeks before: if it is this near, they fail or nobody makes them."""
_ROOM_TEXTS = {
    Room.FULL: "The disk is full: events are refused until there is room.",
    Room.LOW: "The disk is almost full.",
}
_JOB_TEXTS = {
    "audit_anchor": "The ends of the audit log cannot be sent to the syslog",
    "backup": "The backup failed",
    "restore_drill": "The restore drill failed: the newest backup may be of no use",
    "retention": "Removing events that are no longer kept failed",
    "size_limit": "The database cannot be kept below its size",
}


async def watch_troubles(database: Database, vitals: Vitals, clock_ms: Callable[[], int]) -> None:
    """Keep `vitals.troubles` up to date, until cancelled."""
    while True:
        try:
            jobs = (await job_states(database)).values()
            vitals.troubles = troubles_of(vitals, jobs, clock_ms())
        except Exception:  # what is wrong with the database shows elsewhere
            log.exception("cannot look for troubles")
        await asyncio.sleep(PERIOD_S)


def troubles_of(vitals: Vitals, jobs: Iterable[JobState], now_ms: int) -> tuple[str, ...]:
    """A sentence each, the most urgent first."""
    found = []
    if vitals.guard is not None and vitals.guard.room in _ROOM_TEXTS:
        found.append(_ROOM_TEXTS[vitals.guard.room])
    ends_ms = vitals.certificate_ends_ms()
    if ends_ms is not None and ends_ms < now_ms + CERTIFICATE_DAYS * DAY_MS:
        found.append(_ending_text((ends_ms - now_ms) // DAY_MS))
    for job in jobs:
        if job.failures:
            text = _JOB_TEXTS.get(job.name, f"The job {job.name} failed")
            times = f", {job.failures} times in a row" if job.failures > 1 else ""
            found.append(f"{text}{times}.")
    return tuple(found)


def _ending_text(days: int) -> str:
    if days < 0:
        return "The certificate has expired."
    if days == 0:
        return "The certificate ends within a day."
    return f"The certificate ends in {days} day{'' if days == 1 else 's'}."
