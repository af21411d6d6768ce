"""Begins deletions, completes those that were interrupted, and applies retention."""

import logging
from collections.abc import Sequence
from pathlib import Path

from llmtrack.services.deletion import Progress, delete
from llmtrack.services.deletion_file import note_in_file, read_deletions, write_deletions
from llmtrack.services.retention import cutoff_ms
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database
from llmtrack.storage.deletions import Deletion, add_deletions, all_deletions, note_deletion
from llmtrack.storage.erasure import workspace_of
from llmtrack.storage.purge import purgeable
from llmtrack.storage.retention_rules import retention_of
from llmtrack.storage.scope import Scope
from llmtrack.storage.workspaces import list_workspaces, scope_for_admin
from llmtrack.storage.writer import Connection

log = logging.getLogger(__name__)

SERVER = Actor(None, "server (retention)")
"""Who deletes when nobody has asked."""


async def ledger(database: Database) -> list[Deletion]:
    return await database.write(all_deletions)


async def begin(
    database: Database,
    directory: Path,
    *,
    kind: str,
    workspace_public_id: str = "",
    subject: str,
    keep_totals: bool = True,
    actor: Actor = SERVER,
    now_ms: int,
) -> Deletion:
    """Write down, in the database and beside it, what is about to be deleted, and by whom."""

    def note(connection: Connection) -> Deletion:
        deletion = note_deletion(
            connection,
            kind=kind,
            workspace_public_id=workspace_public_id,
            subject=subject,
            keep_totals=keep_totals,
            now_ms=now_ms,
        )
        # A workspace's own log goes with it; and of a customer nothing but the digest is kept.
        own = None if kind == "workspace" else workspace_of(connection, workspace_public_id)
        record(
            connection,
            workspace_id=own,
            actor=actor,
            action=f"{kind}.delete",
            target=deletion.public_id,
            details={"subject": subject, "keep_totals": keep_totals},
            now_ms=now_ms,
        )
        return deletion

    deletion = await database.write(note)
    note_in_file(directory, deletion)
    return deletion


async def unfinished(database: Database) -> list[Deletion]:
    return [found for found in await ledger(database) if found.finished_ms is None]


async def resume(database: Database, *, now_ms: int, progress: Progress | None = None) -> int:
    """Complete what a crash has interrupted; how many there were."""
    found = await unfinished(database)
    for deletion in found:
        await delete(database, deletion, now_ms=now_ms, progress=progress)
    return len(found)


async def align_file(database: Database, directory: Path, *, now_ms: int) -> int:
    """Let the file beside the database say what the ledger says; how many that is.

    What the file knows and the ledger does not was deleted from a database in whose place
    somebody has put an older one, past `restore`: it is deleted again.
    """
    in_file = read_deletions(directory)
    known = {deletion.public_id for deletion in await ledger(database)}
    revived = [each._replace(finished_ms=None) for each in in_file if each.public_id not in known]
    if revived:
        log.warning(
            "an older database was put here by hand: %d deletions are done again", len(revived)
        )
        await database.write(add_deletions, revived)
        for deletion in revived:
            await delete(database, deletion, now_ms=now_ms)
    every = await ledger(database)
    write_deletions(directory, every)
    return len(every)


async def scopes(database: Database, workspace: str | None) -> Sequence[Scope]:
    if workspace is not None:
        return [await scope_for_admin(database, workspace)]
    every = await list_workspaces(database)
    return [await scope_for_admin(database, found.public_id) for found in every]


async def apply_retention(
    database: Database, directory: Path, *, now_ms: int, progress: Progress | None = None
) -> dict[str, int]:
    """Remove what each workspace's rule no longer keeps; events removed by workspace name."""
    removed: dict[str, int] = {}
    for scope in await scopes(database, None):
        async with scope.reading() as reading:
            rule = await retention_of(reading)
            if rule is None:
                continue
            before_ms = cutoff_ms(now_ms, rule.event_days, scope.time_zone)
            there = await purgeable(reading, before_ms)
        if not there.events and rule.keep_totals:
            continue
        deletion = await begin(
            database,
            directory,
            kind="events",
            workspace_public_id=scope.public_id,
            subject=str(before_ms),
            keep_totals=rule.keep_totals,
            now_ms=now_ms,
        )
        done = await delete(database, deletion, now_ms=now_ms, progress=progress)
        removed[scope.name] = done.rows.get("events", 0)
    return removed
