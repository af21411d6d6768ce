# ruff: noqa: PLC0415 - `backup prune` must not load the server's jobs
"""The jobs of a running server, as the settings want them."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from llmtrack.cli.data import Data, now_ms
from llmtrack.config.loading import Config
from llmtrack.config.log_settings import AUDIT_SYSLOG
from llmtrack.config.table import (
    BACKUP_DRILL,
    BACKUP_HEARTBEAT_URL,
    BACKUP_KEEP_DAILY,
    BACKUP_KEEP_WEEKLY,
    BACKUP_MAX_AGE,
    BACKUP_RECIPIENT,
    BACKUP_SCHEDULE,
    RETENTION_RUN_AT,
)
from llmtrack.services.rotation import (
    SCHEDULED,
    Keeping,
    copies_in,
    doomed,
    old_undos,
    remove_copy,
    remove_undo,
)

if TYPE_CHECKING:
    from llmtrack.services.jobs import Job
    from llmtrack.storage.database import Database

DRILL_DAYS = 30
LEDGER_PERIOD_MS = 60_000
ANCHOR_PERIOD_MS = 60_000
CHECKPOINT_PERIOD_MS = 3_600_000


def keeping_of(config: Config) -> Keeping:
    return Keeping(config[BACKUP_KEEP_DAILY], config[BACKUP_KEEP_WEEKLY], config[BACKUP_MAX_AGE])


def pruned(data: Data, keeping: Keeping, now_ms: int, *, dry_run: bool = False) -> list[Path]:
    """Remove what is too old, and say what that was."""
    copies = doomed(copies_in(data.backup_directory), keeping, now_ms)
    undos = old_undos(data.directory, keeping, now_ms)
    if not dry_run:
        for copy in copies:
            remove_copy(copy)
        for undo in undos:
            remove_undo(undo)
    return [*(copy.path for copy in copies), *undos]


def server_jobs(data: Data, database: "Database") -> "list[Job]":
    """By the settings of the start; a reload needs a restart here."""
    from llmtrack.services.jobs import Job, Schedule

    config = data.config
    jobs = [
        Job("deletion_file", Schedule(period_ms=LEDGER_PERIOD_MS), lambda: _ledger(data, database))
    ]
    if address := config[AUDIT_SYSLOG]:
        jobs.append(_anchoring(address, database))
    if (at := config[RETENTION_RUN_AT]) is not None:
        jobs.append(Job("retention", Schedule(at), lambda: _retain(data, database)))
    if (at := config[BACKUP_SCHEDULE]) is not None:
        jobs.append(Job("backup", Schedule(at), lambda: _back_up(data)))
        if config[BACKUP_DRILL]:
            drill_at = (at + 60) % 1440
            jobs.append(
                Job("restore_drill", Schedule(drill_at, days=DRILL_DAYS), lambda: _drill(data))
            )
    return jobs


def _anchoring(address: str, database: "Database") -> "Job":
    from llmtrack.services.audit_anchor import AuditAnchor
    from llmtrack.services.jobs import Job, Schedule

    anchor = AuditAnchor(address)
    schedule = Schedule(period_ms=ANCHOR_PERIOD_MS)
    return Job("audit_anchor", schedule, lambda: anchor.send(database))


async def _back_up(data: Data) -> str:
    from llmtrack.services.heartbeat import beat

    url = data.config[BACKUP_HEARTBEAT_URL]
    text = await asyncio.to_thread(_make_backup, data)
    if url:
        await beat(url)
    return text


def _make_backup(data: Data) -> str:
    from llmtrack.services.backup import create, default_name
    from llmtrack.services.files import make_directory

    directory = data.backup_directory
    make_directory(directory)
    started_ms = now_ms()
    facts = create(
        data.database,
        directory / default_name(started_ms),
        now_ms=started_ms,
        reason=SCHEDULED,
        recipient=data.config[BACKUP_RECIPIENT] or None,
    )
    gone = pruned(data, keeping_of(data.config), started_ms)
    removed = f", {len(gone)} removed" if gone else ""
    return f"{facts.path.name}, {facts.rows['event']:,} events, {facts.size:,} bytes{removed}"


async def _drill(data: Data) -> str:
    return await asyncio.to_thread(_restore_latest, data)


def _restore_latest(data: Data) -> str:
    """Restore the newest backup beside the data, compare, throw it away."""
    from llmtrack.services.backup import verify
    from llmtrack.services.deletion_file import read_deletions
    from llmtrack.services.restoring import restore

    copies = copies_in(data.backup_directory)
    if not copies:
        raise FileNotFoundError(f"there is no backup in {data.backup_directory}")
    latest = copies[0]
    facts = verify(latest.path)
    if not facts.is_opened:
        return f"{latest.path.name}: checksum right; sealed, so the server cannot open it"
    with TemporaryDirectory(prefix="drill-", dir=data.directory) as directory:
        restored = restore(
            latest.path,
            Path(directory) / data.database.name,
            overwrite=False,
            now_ms=now_ms(),
            ledger=read_deletions(data.directory),
        )
    return f"{latest.path.name}: restored, {restored.facts.rows['event']:,} events as it should be"


async def _retain(data: Data, database: "Database") -> str:
    from llmtrack.services.deletion_runs import apply_retention, resume

    resumed = await resume(database, now_ms=now_ms())
    removed = await apply_retention(database, data.directory, now_ms=now_ms())
    return f"{sum(removed.values()):,} events removed" + (
        f", {resumed} deletions completed" if resumed else ""
    )


async def _ledger(data: Data, database: "Database") -> str:
    from llmtrack.services.deletion_runs import align_file

    return f"{await align_file(database, data.directory, now_ms=now_ms())} deletions"
