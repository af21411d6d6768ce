"""The one place where a connection to a database file is opened."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from llmtrack.storage.wall import Walled
from llmtrack.storage.write_wall import Writing

T = TypeVar("T")

BUSY_TIMEOUT_MS = 5_000
_READING: Any = {"uri": True, "isolation_level": None, "cached_statements": 256}


def open_writing(path: Path) -> Writing:
    return sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=512, factory=Writing
    )


def open_alone(path: Path) -> sqlite3.Connection:
    """For what needs the file to itself: does not wait long for others."""
    return sqlite3.connect(path, isolation_level=None, timeout=1)


def open_reading(path: Path) -> sqlite3.Connection:
    """For commands: everything in the file, nothing of it to change."""
    # Where nothing can be written SQLite cannot make its index of the WAL, and refuses. Without
    # a WAL there is nothing to index; with one, `immutable` would leave out what is in it.
    wal = path.with_name(path.name + "-wal")
    is_frozen = os.statvfs(path).f_flag & os.ST_RDONLY and not wal.exists()
    uri = _read_only(path) + ("&immutable=1" if is_frozen else "")
    connection: sqlite3.Connection = sqlite3.connect(uri, **_READING)
    connection.row_factory = sqlite3.Row
    return connection


async def connect_reader(path: Path) -> aiosqlite.Connection:
    """For what belongs to no workspace."""
    connection = await aiosqlite.connect(_read_only(path), **_READING)
    connection.row_factory = sqlite3.Row
    await connection.execute(f"pragma busy_timeout={BUSY_TIMEOUT_MS}")
    await connection.execute("pragma query_only=on")
    await connection.execute("pragma trusted_schema=off")
    await connection.execute("pragma temp_store=memory")
    return connection


class OwnThread(aiosqlite.Connection):
    """A connection on whose own thread more than a query may run."""

    async def run(self, function: Callable[[], T]) -> T:
        """Call `function` there."""
        result: T = await self._execute(function)  # type: ignore[no-untyped-call]
        return result


async def connect_behind(path: Path) -> tuple[OwnThread, Walled]:
    """A connection behind the wall, which is put up on the connection's own thread."""
    made: list[Walled] = []

    def connect() -> Walled:
        made.append(connect_walled(path))
        return made[0]

    connection = OwnThread(connect, iter_chunk_size=64)
    await connection
    return connection, made[0]


def connect_walled(path: Path) -> Walled:
    """A connection that sees one workspace at a time."""
    connection = sqlite3.connect(
        _read_only(path), factory=Walled, timeout=BUSY_TIMEOUT_MS / 1000, **_READING
    )
    connection.row_factory = sqlite3.Row
    return connection


@cache
def has_logarithm() -> bool:
    """Whether SQLite was built with mathematical functions, which not every system's is."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("select ln(2)")
        except sqlite3.OperationalError:
            return False
    return True


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"
