"""Retention: single events go after a time, in small transactions, while events come in."""

import asyncio
from collections.abc import Callable

from llmtrack.domain.periods import DAY_MS, day_of, day_start_ms
from llmtrack.storage.purge import (
    RESPONSES_START,
    Purged,
    ResponsePlace,
    purge_events,
    purge_responses,
)
from llmtrack.storage.scope import Scope

PAUSE_S = 0.02
"""Between transactions: SQLite's lock is not fair, and a server's commits must get through."""


def cutoff_ms(now_ms: int, days: int, time_zone: str) -> int:
    """The local midnight `days` days before today's: only whole days are purged.

    A day that is half gone would answer one question from its totals and the next from the
    events that are left.
    """
    return day_start_ms(day_of(now_ms - days * DAY_MS, time_zone), time_zone)


async def purge(
    scope: Scope, *, before_ms: int, progress: Callable[[Purged], None] | None = None
) -> Purged:
    """Remove a workspace's events before a time; `progress` hears the count so far."""
    purged = Purged()
    while (batch := await scope.write(purge_events, before_ms=before_ms)).events:
        purged = purged.plus(batch)
        if progress is not None:
            progress(purged)
        await asyncio.sleep(PAUSE_S)
    after: ResponsePlace | None = RESPONSES_START
    while after is not None:
        after = await scope.write(purge_responses, before_ms=before_ms, after=after)
        await asyncio.sleep(PAUSE_S)
    return purged
