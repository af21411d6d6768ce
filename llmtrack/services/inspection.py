"""What is wrong with a data directory, as far as it can be seen without changing anything."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from llmtrack.domain.nouns import counted
from llmtrack.domain.periods import date_of_day
from llmtrack.services.lock import holder_of
from llmtrack.storage.day_zones import are_days_of
from llmtrack.storage.engine import sqlite_version
from llmtrack.storage.maintenance import all_problems, open_to_read
from llmtrack.storage.maintenance_audit import all_audit_verdict
from llmtrack.storage.migrating import schema_version
from llmtrack.storage.packs import Block
from llmtrack.storage.recount import Difference, differences, is_purged, next_day
from llmtrack.storage.recount_packs import packed_blocks, wrong_packs
from llmtrack.storage.recount_proof import draw_weights
from llmtrack.storage.schema import MIGRATIONS
from llmtrack.storage.scope import Scope

FIRST_DAY = -1  # 1970-01-01 in UTC begins on the day before in western zones
_WAL_RESET_FIXED = ((3, 51, 3), (3, 50, 7), (3, 44, 6))


class Finding(NamedTuple):
    """One line of a check; `fix` says what to do about what is not `ok`."""

    check: str
    ok: bool
    text: str
    fix: str | None = None


class RecountedDays(NamedTuple):
    """How far a recount has come, and what it has found on the way."""

    days: int
    purged_days: int
    found: list[Difference]
    is_moving: bool = False
    """Stopped, because days are being moved to another time zone."""


def directory_findings(directory: Path) -> list[Finding]:
    holder = holder_of(directory)
    running = f"in use by {holder}" if holder else "no server is running"
    return [Finding("directory", True, f"{directory}, {running}")]


def permission_findings(directory: Path) -> list[Finding]:
    """Keys' digests and everybody's costs are in there: nobody else may read them."""
    found = []
    for path in (directory, *sorted(directory.iterdir())):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            wanted = "700" if path.is_dir() else "600"
            text = f"{path} can be used by other users (mode {mode:03o})"
            found.append(Finding("permissions", False, text, f"chmod {wanted} {path}"))
        if path.stat().st_uid != directory.stat().st_uid:
            owner = directory.stat().st_uid
            text = f"{path} belongs to uid {path.stat().st_uid}, not to {owner}"
            found.append(Finding("permissions", False, text, f"chown {owner} {path}"))
    if not os.access(directory, os.W_OK):
        found.append(Finding("permissions", False, f"{directory} cannot be written"))
    return found or [Finding("permissions", True, "only the owner has access")]


def file_findings(database: Path) -> list[Finding]:
    """Engine, schema and pages of the file. Raises DatabaseUnusable, SchemaTooNew."""
    found = [_engine_finding()]
    with closing(open_to_read(database)) as connection:
        version = schema_version(connection)
        behind = "" if version == len(MIGRATIONS) else ", brought up to date at the next start"
        found.append(Finding("schema", True, f"{version} of {len(MIGRATIONS)}{behind}"))
        problems = all_problems(connection, quick=True)
    fix = "stop the server and restore the last good backup: llmtrack backup restore FILE"
    found += [Finding("file", False, problem, fix) for problem in problems]
    if not problems:
        found.append(Finding("file", True, f"{database.stat().st_size:,} bytes without a fault"))
    return found


DAYS_AT_ONCE = 2
"""SQLite adds up outside of the interpreter's lock, so two cores are twice as fast."""


async def recounted(
    scope: Scope, *, progress: Callable[[int, int], None] | None = None
) -> RecountedDays:
    """Hold every day of a workspace against its events; `progress` hears of days done, of all."""
    weights = draw_weights()
    days = [day async for day in _days(scope)]
    slots = asyncio.Semaphore(DAYS_AT_ONCE)
    done = 0

    async def look(day: int) -> tuple[list[Difference], bool] | None:
        nonlocal done
        async with slots, scope.reading(exactly=True) as reading:
            if not await are_days_of(reading, scope.time_zone):
                return None
            found = await differences(reading, day, scope.time_zone, weights)
            purged = await is_purged(reading, day, scope.time_zone)
        done += 1
        if progress is not None:
            progress(done, len(days))
        return found, purged

    looks = await asyncio.gather(*map(look, days))
    looked = [one for one in looks if one is not None]
    differing = [difference for found, _ in looked for difference in found]
    differing += await _wrong_packs(scope)
    purged_days = sum(purged for _, purged in looked)
    return RecountedDays(len(looked), purged_days, differing, is_moving=len(looked) < len(days))


async def _wrong_packs(scope: Scope) -> list[Difference]:
    slots = asyncio.Semaphore(DAYS_AT_ONCE)

    async def look(block: Block) -> list[Block]:
        async with slots, scope.reading() as reading:
            return await wrong_packs(reading, [block])

    async with scope.reading() as reading:
        blocks = await packed_blocks(reading)
    wrong = [block for found in await asyncio.gather(*map(look, blocks)) for block in found]
    return [Difference("usage_pack", f"{one.days} days", one.bucket, 1) for one in wrong]


def recount_findings(name: str, recounted_days: RecountedDays) -> list[Finding]:
    days, purged_days, differing, is_moving = recounted_days
    if is_moving and not differing:
        text = "its days are being moved to another time zone; check again when that is done"
        return [Finding("data", True, f"{name}: {text}")]
    if not differing:
        purged = f" ({purged_days} of them purged)" if purged_days else ""
        return [
            Finding("data", True, f"{name}: every total of {counted(days, 'day')} is right{purged}")
        ]
    fix = "keep a copy of the data directory and report it: this is a fault of the program"
    return [
        Finding(
            "data",
            False,
            f"{name}: {item.table} by {item.what} on {date_of_day(item.day)}: "
            f"{item.rows} rows are not what the events add up to",
            fix,
        )
        for item in differing
    ]


def chain_findings(database: Path) -> list[Finding]:
    """Whether every entry of the audit log is the one that was written, and follows the last."""
    with closing(open_to_read(database)) as connection:
        verdict = all_audit_verdict(connection)
    if not verdict.faults:
        return [Finding("data", True, f"audit log: {verdict.entries} entries, chains unbroken")]
    fix = "somebody changed the file: compare with a backup, see llmtrack audit verify"
    return [Finding("data", False, f"audit log: {fault}", fix) for fault in verdict.faults]


async def _days(scope: Scope) -> AsyncIterator[int]:
    day: int | None = FIRST_DAY
    while day is not None:
        async with scope.reading() as reading:
            day = await next_day(reading, day, scope.time_zone)
        if day is not None:
            yield day
            day += 1


def _engine_finding() -> Finding:
    """Whether SQLite has the WAL-reset bug (two processes writing, fixed in April 2026)."""
    text = sqlite_version()
    version = tuple(int(part) for part in text.split("."))
    fixed = version >= _WAL_RESET_FIXED[0] or any(
        version[:2] == branch[:2] and version >= branch for branch in _WAL_RESET_FIXED[1:]
    )
    note = "" if fixed else " (older than 3.51.3: purge while the server is stopped)"
    return Finding("sqlite", True, text + note)
