"""The state of the installation as its admins see it on a page."""

import asyncio
from typing import NamedTuple

from llmtrack import __version__
from llmtrack.services.disk_guard import Room
from llmtrack.services.rotation import copies_in
from llmtrack.services.vitals import Vitals, size_of
from llmtrack.storage.database import Database
from llmtrack.storage.engine import sqlite_version
from llmtrack.storage.job_states import JobState, job_states
from llmtrack.storage.maintenance import schema_version_of
from llmtrack.storage.schema import MIGRATIONS


class SystemState(NamedTuple):
    version: str
    sqlite: str
    schema: int
    schema_known: int
    directory: str
    database_bytes: int
    limit_bytes: int
    """0: the database may grow as it will."""
    wal_bytes: int
    free_bytes: int | None
    """None where nobody watches the disk."""
    room: Room
    started_ms: int
    certificate_ends_ms: int | None
    """None: plain http, or TLS is somebody else's."""
    backups: int
    last_backup_ms: int | None
    jobs: list[JobState]


async def system_state(database: Database, vitals: Vitals) -> SystemState:
    path = database.path
    directory = vitals.backup_directory or path.parent / "backups"
    copies = await asyncio.to_thread(copies_in, directory)
    guard = vitals.guard
    return SystemState(
        version=__version__,
        sqlite=sqlite_version(),
        schema=await schema_version_of(database),
        schema_known=len(MIGRATIONS),
        directory=str(path.parent),
        database_bytes=size_of(path),
        limit_bytes=vitals.limit.limit_bytes if vitals.limit else 0,
        wal_bytes=size_of(path.with_name(f"{path.name}-wal")),
        free_bytes=guard.free_bytes if guard else None,
        room=guard.room if guard else Room.OK,
        started_ms=vitals.started_ms,
        certificate_ends_ms=vitals.certificate_ends_ms(),
        backups=len(copies),
        last_backup_ms=copies[0].created_ms if copies else None,
        jobs=list((await job_states(database)).values()),
    )
