"""Copies of the database that are known to be good, and the way back from one.

A copy counts only once it was opened, checked and is durably on the disk; until then its
name ends in `.part`.
"""

import contextlib
import os
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from llmtrack.domain.errors import AlreadyExists, LLMtrackError, Refused
from llmtrack.services.files import give_to_owner_of, make_directory, put_in_place, sync
from llmtrack.services.lock import DirectoryLock
from llmtrack.storage.maintenance import (
    all_copied,
    all_counts,
    all_problems,
    all_settled,
    bytes_in_use,
    folded,
    open_to_read,
    schema_version,
)

COPY_ATTEMPTS = 3


class BackupUnusable(LLMtrackError):
    """A copy that is damaged or incomplete."""


class BackupFacts(NamedTuple):
    """What is in a copy; `rows` by table."""

    path: Path
    size: int
    schema: int
    rows: dict[str, int]


class Restored(NamedTuple):
    """What now stands in the data directory, and where what stood there before has gone."""

    facts: BackupFacts
    undo: Path | None


def default_name(now_ms: int) -> str:
    return f"llmtrack-{datetime.fromtimestamp(now_ms / 1000, UTC):%Y%m%d-%H%M%S}.db"


def create(database: Path, target: Path) -> BackupFacts:
    """Copy the database while others use it. Raises AlreadyExists, BackupUnusable, OSError."""
    if target.exists():
        raise AlreadyExists(f"{target} exists already", fix="name another file with --out")
    part = target.with_name(target.name + ".part")
    _check_space(bytes_in_use(database), target.parent)
    try:
        _copy_whole(database, part)
        facts = verify(part)
        put_in_place(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return facts._replace(path=target)


def verify(path: Path) -> BackupFacts:
    """Read every page of a copy. Raises BackupUnusable, DatabaseUnusable, SchemaTooNew."""
    with closing(open_to_read(path)) as connection:
        problems = all_problems(connection)
        if problems:
            raise BackupUnusable(
                f"{path} is damaged: {'; '.join(problems[:3])}", fix="use another copy"
            )
        return BackupFacts(
            path, path.stat().st_size, schema_version(connection), all_counts(connection)
        )


def restore(copy: Path, database: Path, *, overwrite: bool, now_ms: int) -> Restored:
    """Put a copy in the database's place. Raises Refused, AlreadyRunning, BackupUnusable."""
    facts = verify(copy)
    directory = database.parent
    make_directory(directory)
    with DirectoryLock.take(directory, "llmtrack backup restore"):
        if database.exists() and not overwrite:
            raise Refused(
                f"{database} exists and would be replaced",
                fix="say --yes to replace it (it is kept aside), or restore elsewhere with --to",
            )
        part = database.with_name(database.name + ".part")
        _check_space(bytes_in_use(copy), directory)
        try:
            _start_empty(part)
            all_copied(copy, part)
            _compare(facts, verify(part))
            # Only now is anything of the old state touched.
            undo = _keep_aside(database, now_ms) if database.exists() else None
            put_in_place(part, database)
        finally:
            part.unlink(missing_ok=True)
        _remove_leftovers(database)
        all_settled(database)
        give_to_owner_of(directory, database)
        return Restored(verify(database), undo)


def _copy_whole(database: Path, part: Path) -> None:
    missing: list[str] = []
    for _ in range(COPY_ATTEMPTS):
        missing = _copy(database, part)
        if not missing:
            return
    raise BackupUnusable(f"the copy is incomplete: {'; '.join(missing)}")


def _copy(database: Path, part: Path) -> list[str]:
    """Copy, and say which tables lack rows.

    The copy is of a moment between two counts; each table's count must lie between them. A
    purge that runs while events come in can break that without a fault: hence attempts.
    """
    with closing(open_to_read(database)) as connection:
        before = all_counts(connection)
        _start_empty(part)
        all_copied(database, part)
        after = all_counts(connection)
    with closing(open_to_read(part)) as connection:
        copied = all_counts(connection)
    return [
        f"{table} has {copied.get(table, 0)} rows"
        for table in before
        if not min(before[table], after[table])
        <= copied.get(table, 0)
        <= max(before[table], after[table])
    ]


def _start_empty(part: Path) -> None:
    """An empty file of mode 0600 for the copy: made by SQLite, it would be open to others."""
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _check_space(needed: int, directory: Path) -> None:
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise OSError(
            f"{directory} has {free // 2**20} MiB free, and the copy takes {needed // 2**20} MiB"
        )


def _compare(expected: BackupFacts, found: BackupFacts) -> None:
    if expected.rows != found.rows:
        tables = [name for name in expected.rows if expected.rows[name] != found.rows.get(name)]
        raise BackupUnusable(f"the copy differs from {expected.path} in {', '.join(tables)}")


def _keep_aside(database: Path, now_ms: int) -> Path:
    """Keep the state that is about to be replaced, as a file that can be restored in turn."""
    undo = database.parent / f"restore-undo-{default_name(now_ms).removesuffix('.db')}"
    make_directory(undo)
    _keep_wal(database, undo)
    try:
        # A second name, so that there is a database under the first one at every moment.
        (undo / database.name).hardlink_to(database)
    except OSError:  # a file system without hard links
        shutil.copy2(database, undo / database.name)
    sync(undo)
    sync(undo.parent)
    return undo / database.name


def _keep_wal(database: Path, undo: Path) -> None:
    """Fold the WAL into the database; where that fails keep a copy of it for a rescue."""
    wal = database.with_name(database.name + "-wal")
    kept = undo / wal.name
    if wal.exists():
        # Beforehand: SQLite removes the WAL of a file that it cannot make sense of.
        shutil.copy2(wal, kept)
    if folded(database):
        kept.unlink(missing_ok=True)


def _remove_leftovers(database: Path) -> None:
    """A WAL of the old file, applied to the new one, would bring the old state back."""
    for suffix in ("-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            database.with_name(database.name + suffix).unlink()
    sync(database.parent)
