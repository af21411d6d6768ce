"""The way back from a backup, without bringing back what was deleted since.

Everything is prepared beside the database: copied, compared with its manifest, migrated,
and every deletion done again. Only then does it take the database's place.
"""

import contextlib
import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from llmtrack.domain.errors import LLMtrackError, Refused
from llmtrack.services.backup import (
    BackupFacts,
    check_space,
    default_name,
    differences,
    plain_copy,
    verify,
)
from llmtrack.services.deletion import replay
from llmtrack.services.deletion_file import read_deletions
from llmtrack.services.files import give_to_owner_of, make_directory, put_in_place, sync
from llmtrack.services.lock import DirectoryLock
from llmtrack.services.manifest import BackupUnusable
from llmtrack.storage.deletions import Deletion, all_deletions
from llmtrack.storage.maintenance import (
    all_forget_sign_ins,
    folded,
    has_table,
    open_to_read,
)
from llmtrack.storage.maintenance_links import all_revoke_links
from llmtrack.storage.migrating import migrate
from llmtrack.storage.opening import connect_writer


class Restored(NamedTuple):
    """What now stands in the data directory, and where what stood there before has gone."""

    facts: BackupFacts
    undo: Path | None
    replayed: list[Deletion]
    """Deletions that the backup did not know of, done again."""


def restore(
    copy: Path,
    database: Path,
    *,
    overwrite: bool,
    now_ms: int,
    identity: Path | None = None,
    ledger: Sequence[Deletion] = (),
    dry_run: bool = False,
) -> Restored:
    """Put a copy in the database's place; with `dry_run` do all but that.

    Deletions are known from the database that is there, from the file beside it, and from
    `ledger`. Raises Refused, AlreadyRunning, BackupUnusable, Unsealable.
    """
    facts = verify(copy, identity=identity)
    directory = database.parent
    make_directory(directory)
    with DirectoryLock.take(directory, "llmtrack backup restore"):
        if database.exists() and not overwrite and not dry_run:
            raise Refused(
                f"{database} exists and would be replaced",
                fix="say --yes to replace it (it is kept aside), or restore elsewhere with --to",
            )
        known = [*_deletions_in(database), *read_deletions(directory), *ledger]
        part = database.with_name(database.name + ".part")
        check_space(copy.stat().st_size, directory)
        try:
            plain_copy(copy, part, identity)
            prepared = _compare(facts, part)
            replayed = _prepare(part, known)
            if dry_run:
                return Restored(prepared, None, replayed)
            # Only now is anything of the old state touched.
            undo = _keep_aside(database, now_ms) if database.exists() else None
            put_in_place(part, database)
        finally:
            _remove_with_leftovers(part)
        _remove_leftovers(database)
        give_to_owner_of(directory, database)
        return Restored(verify(database), undo, replayed)


def _deletions_in(database: Path) -> list[Deletion]:
    """Of the database that is about to be replaced, as far as it can still be read."""
    if not database.exists():
        return []
    try:
        with closing(open_to_read(database)) as connection:
            return all_deletions(connection) if has_table(connection, "deletion_ledger") else []
    except LLMtrackError:
        return []


def _compare(expected: BackupFacts, part: Path) -> BackupFacts:
    """Counts, exact sums and chains: of the copy that was read, and of its manifest."""
    found = verify(part)
    wrong = differences(found, expected.manifest) if expected.manifest else []
    if expected.is_opened and expected.rows != found.rows:
        wrong += [name for name in expected.rows if expected.rows[name] != found.rows.get(name)]
    if expected.is_opened and expected.costs != found.costs:
        wrong.append("the sums of costs")
    if wrong:
        raise BackupUnusable(f"the copy differs from {expected.path} in {', '.join(wrong)}")
    return found


def _prepare(part: Path, known: Sequence[Deletion]) -> list[Deletion]:
    """Migrate the copy, do again what it does not know to be deleted, end its sign-ins."""
    with closing(connect_writer(part)) as connection:
        migrate(connection)
        replayed = replay(connection, known)
        all_forget_sign_ins(connection)
        all_revoke_links(connection)
    if not folded(part):
        raise BackupUnusable(f"{part} was damaged while it was prepared")
    return replayed


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


def _remove_with_leftovers(part: Path) -> None:
    part.unlink(missing_ok=True)
    _remove_leftovers(part)


def _remove_leftovers(database: Path) -> None:
    """A WAL of the old file, applied to the new one, would bring the old state back."""
    for suffix in ("-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            database.with_name(database.name + suffix).unlink()
    sync(database.parent)
