"""Bringing a database to this version's schema: never without a way back."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from llmtrack.services.backup import BackupFacts, check_space, create, default_name, start_empty
from llmtrack.services.files import make_directory
from llmtrack.storage.maintenance import all_copied, bytes_in_use, open_to_read
from llmtrack.storage.migrating import migrate, schema_version
from llmtrack.storage.opening import connect_writer
from llmtrack.storage.schema import MIGRATIONS

PRE_UPGRADE = "pre-upgrade"


class Rehearsal(NamedTuple):
    """What a migration of a copy took; `size` is the copy's afterwards."""

    seconds: float
    size: int


def schema_of(database: Path) -> int:
    """Raises DatabaseUnusable, SchemaTooNew."""
    with closing(open_to_read(database)) as connection:
        return schema_version(connection)


def pending_steps(database: Path) -> int:
    """How many migrations are still to be done; 0 for a database that is not there yet."""
    return len(MIGRATIONS) - schema_of(database) if database.exists() else 0


def back_up_first(
    database: Path, directory: Path, *, recipient: str | None, now_ms: int
) -> BackupFacts | None:
    """A backup if there is something to migrate: the old version can go on from it."""
    if not pending_steps(database):
        return None
    make_directory(directory)
    named_ms = now_ms
    # A start that was cut off and the next one may fall into the same second.
    while any(directory.glob(f"{default_name(named_ms).removesuffix('.db')}-*")):
        named_ms += 1000
    name = default_name(named_ms).removesuffix(".db")
    target = directory / f"{name}-schema-{schema_of(database)}.db"
    return create(database, target, now_ms=now_ms, reason=PRE_UPGRADE, recipient=recipient)


def rehearse(database: Path) -> Rehearsal:
    """Migrate a copy beside the database, and throw it away."""
    part = database.with_name(database.name + ".rehearsal.part")
    check_space(2 * bytes_in_use(database), database.parent)
    try:
        start_empty(part)
        all_copied(database, part)
        begun = time.monotonic()
        with closing(connect_writer(part)) as connection:
            migrate(connection)
        return Rehearsal(time.monotonic() - begun, part.stat().st_size)
    finally:
        for suffix in ("", "-wal", "-shm"):
            part.with_name(part.name + suffix).unlink(missing_ok=True)


def upgrade(database: Path, *, begins: Callable[[int], None] | None = None) -> int:
    """Do what is pending; the schema then. `begins` hears the number of each step."""
    with closing(connect_writer(database)) as connection:
        migrate(connection, begins=begins)
    return schema_of(database)
