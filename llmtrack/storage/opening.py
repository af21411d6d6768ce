"""Opens the file for writing, after a look at whether it is ours: pragmas for durable writes."""

import sqlite3
import time
from pathlib import Path

from llmtrack.domain.errors import LLMtrackError
from llmtrack.storage.connections import BUSY_TIMEOUT_MS, open_writing
from llmtrack.storage.faults import Fault, fault_of
from llmtrack.storage.migrating import schema_version
from llmtrack.storage.schema import APPLICATION_ID, MIGRATIONS

WAL_LIMIT_BYTES = 64 * 1024 * 1024
WAL_TRIES, WAL_RETRY_S = 10, 0.05
_WRONG_DIRECTORY = "name another --data-dir, or restore a backup: llmtrack backup restore FILE"


class DatabaseUnusable(LLMtrackError):
    """The file cannot be opened or is not ours; the text has the path and the fix."""


class SchemaTooNew(LLMtrackError):
    """Written by a newer version; this one must not touch it."""


def connect_writer(
    path: Path, *, create: bool = False, busy_timeout_ms: int = BUSY_TIMEOUT_MS
) -> sqlite3.Connection:
    """A connection set up for durable writing. Raises DatabaseUnusable."""
    if not path.exists() and not create:
        raise DatabaseUnusable(
            f"no database at {path}", fix="name the data directory with --data-dir, or run serve"
        )
    if path.is_dir():
        raise DatabaseUnusable(f"{path} is a directory", fix="name another --data-dir")
    try:
        connection = open_writing(path)
    except sqlite3.Error as error:
        raise _cannot_open(path, error) from error
    try:
        connection.row_factory = sqlite3.Row
        connection.execute(f"pragma busy_timeout={busy_timeout_ms}")
        # Before anything is changed: another program's file stays as it is.
        check_identity(connection, path, may_be_new=True)
        # Every acknowledged event must survive a power loss, hence synchronous=full
        # (https://www.sqlite.org/pragma.html#pragma_synchronous).
        _turn_to_wal(connection)
        connection.execute("pragma synchronous=full")
        connection.execute("pragma foreign_keys=on")
        connection.execute("pragma trusted_schema=off")
        connection.execute("pragma secure_delete=on")
        connection.execute("pragma cell_size_check=on")
        connection.execute("pragma temp_store=memory")
        connection.execute("pragma cache_size=-32768")
        connection.execute(f"pragma journal_size_limit={WAL_LIMIT_BYTES}")
        path.chmod(0o600)
    except (sqlite3.Error, OSError) as error:
        connection.close()
        raise _cannot_open(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _turn_to_wal(connection: sqlite3.Connection) -> None:
    """SQLite refuses at once, lest they wait for each other, when two turn one file to WAL."""
    for tries_left in reversed(range(WAL_TRIES)):
        try:
            connection.execute("pragma journal_mode=wal")
        except sqlite3.OperationalError as error:
            if fault_of(error) is not Fault.BUSY or not tries_left:
                raise
            time.sleep(WAL_RETRY_S)
        else:
            return


def check_identity(connection: sqlite3.Connection, path: Path, *, may_be_new: bool) -> None:
    """Raise DatabaseUnusable or SchemaTooNew unless the file is ours to use (or still empty)."""
    fix = _WRONG_DIRECTORY if may_be_new else "name a database or a backup of LLMtrack"
    try:
        # Tables first: another process that makes them names itself in the same transaction.
        tables = connection.execute("select count(*) from sqlite_schema").fetchone()[0]
        application_id = connection.execute("pragma application_id").fetchone()[0]
        version = schema_version(connection)
    except sqlite3.DatabaseError as error:
        if fault_of(error) is Fault.NOT_A_DATABASE:
            raise DatabaseUnusable(f"{path} is no SQLite database", fix=fix) from error
        raise DatabaseUnusable(f"cannot read {path}: {error}") from error
    is_new = may_be_new and not tables and not application_id
    if application_id != APPLICATION_ID and not is_new:
        raise DatabaseUnusable(f"{path} is a SQLite database, but not one of LLMtrack", fix=fix)
    if version > len(MIGRATIONS):
        raise SchemaTooNew(
            f"{path} has schema {version}, and this version knows {len(MIGRATIONS)} at most",
            fix="install the version that wrote it, or restore an older backup",
        )


def _cannot_open(path: Path, error: Exception) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"cannot open {path}: {error}", fix=f"check who owns {path.parent} and its free space"
    )
