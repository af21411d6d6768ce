"""Packs the days that are over, of every workspace, so that long periods are read quickly."""

import asyncio
import logging
import secrets
from collections.abc import Callable

from llmtrack.domain.periods import day_of
from llmtrack.storage.database import Database
from llmtrack.storage.packing import fill, packed, reserve, shelves, unpacked
from llmtrack.storage.packs import Block
from llmtrack.storage.scope import Scope
from llmtrack.storage.workspaces import list_workspaces, scope_for_admin

log = logging.getLogger(__name__)

FIRST_S, PERIOD_S = 5.0, 600.0
SETTLED_DAYS = 1
"""Full days after a block before it is packed: most late events have come by then."""
DAY_SETTLED_MS = 3_600_000
"""After a day before it is packed by itself, which takes a tenth of that: it is looked at most."""


async def keep_packing(database: Database, clock_ms: Callable[[], int]) -> None:
    """Until cancelled: soon after the start, and then from time to time."""
    await asyncio.sleep(FIRST_S)
    while True:
        try:
            await pack_days(database, now_ms=clock_ms())
        except Exception:  # without packs everything is right, only slower
            log.exception("packing failed")
        await asyncio.sleep(PERIOD_S)


async def pack_days(database: Database, *, now_ms: int) -> int:
    """How many blocks of days were packed; one that changed meanwhile is left for next time."""
    count = 0
    for workspace in await list_workspaces(database):
        scope = await scope_for_admin(database, workspace.public_id)
        until_day = day_of(now_ms, scope.time_zone) - SETTLED_DAYS
        single_until_day = day_of(now_ms - DAY_SETTLED_MS, scope.time_zone)
        async with scope.reading() as reading:
            blocks = await unpacked(reading, until_day=until_day, single_until_day=single_until_day)
        for block in blocks:
            count += await _pack(scope, block)
            await asyncio.sleep(0)
    return count


async def _pack(scope: Scope, block: Block) -> bool:
    number = secrets.randbits(62)
    async with scope.reading() as reading:
        wanted = await shelves(reading, block)
    if not await scope.write(reserve, block, wanted, number):
        return False
    packs = {}
    for shelf in wanted:
        async with scope.reading() as reading:
            packs[shelf] = await packed(reading, block, shelf)
    return bool(await scope.write(fill, block, packs, number))
