"""Whether every page of the file can be read as what it is, before it is built upon.

A small file is looked at before anybody is served. A large one would keep the clients waiting,
and what they send meanwhile would be lost: it is looked at table by table while it serves.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

from llmtrack.domain.errors import LLMtrackError
from llmtrack.services.backup import verify
from llmtrack.services.rotation import copies_in
from llmtrack.storage.maintenance import all_bad_pages, all_tables, open_to_read
from llmtrack.storage.writer import Connection, interrupt

AT_ONCE_BYTES = 32 * 2**20
"""About half a second of one processor."""
INTERRUPT_S = 0.05
LEAST_PRIORITY = 19


class DatabaseDamaged(LLMtrackError):
    """Pages of the file are not what they should be; `fix` names the newest good backup."""


def check_or_defer(database: Path, backups: Path) -> Callable[[], Awaitable[None]] | None:
    """Check a small file now; for a large one give back what checks it while it serves."""
    if database.exists() and database.stat().st_size > AT_ONCE_BYTES:
        return partial(check_pages_meanwhile, database, backups)
    check_pages(database, backups)
    return None


def check_pages(database: Path, backups: Path) -> None:
    """All of them, now. Raises DatabaseDamaged."""
    if not database.exists():
        return
    with closing(open_to_read(database)) as connection:
        problems = all_bad_pages(connection)
    if problems:
        raise _damaged(database, problems[0], backups)


async def check_pages_meanwhile(database: Path, backups: Path) -> None:
    """Table by table, so that no reader holds up the log for long. Raises DatabaseDamaged."""
    for table in await asyncio.to_thread(_tables, database):
        problems = await _problems(database, table)
        if problems:
            raise await asyncio.to_thread(_damaged, database, problems[0], backups)


def _tables(database: Path) -> list[str]:
    with closing(open_to_read(database)) as connection:
        return all_tables(connection)


async def _problems(database: Path, table: str) -> list[str]:
    """Interrupted at once when cancelled: a large table takes longer than an end may."""
    open_now: list[Connection] = []

    def look() -> list[str]:
        with closing(open_to_read(database)) as connection:
            open_now.append(connection)
            return all_bad_pages(connection, table)

    with ThreadPoolExecutor(1, "page-check", _give_way) as thread:
        looking = asyncio.get_running_loop().run_in_executor(thread, look)
        try:
            return await asyncio.shield(looking)
        except asyncio.CancelledError:
            while not looking.done():  # again and again: it is not heard before it begins
                for connection in open_now:
                    interrupt(connection)
                await asyncio.wait([looking], timeout=INTERRUPT_S)
            looking.exception()  # that it was interrupted
            raise


def _give_way() -> None:
    """Have whoever serves go first. For good: a thread of its own, not one that is used again."""
    if sys.platform == "linux":  # elsewhere it would be all threads
        os.setpriority(os.PRIO_PROCESS, 0, LEAST_PRIORITY)


def _damaged(database: Path, problem: str, backups: Path) -> DatabaseDamaged:
    good = _newest_good(backups)
    keep = f"keep a copy of {database.parent}, then"
    return DatabaseDamaged(
        f"{database} is damaged, and nothing is served from it: {problem}",
        fix=f"{keep}: llmtrack backup restore {good} --yes"
        if good
        else f"{keep} look for a backup: there is no good one in {backups}",
    )


def _newest_good(backups: Path) -> Path | None:
    for copy in copies_in(backups):
        try:
            verify(copy.path)
        except (LLMtrackError, OSError):
            continue
        return copy.path
    return None
