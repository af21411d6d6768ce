# ruff: noqa: S608 - statements are what these tests are made of
"""A file with rows of three workspaces in every table, and one with those of a single one.

Rows are made from the schema, so a table that is added tomorrow is in the tests of the wall
without anybody thinking of it.
"""

import random
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from llmtrack.storage.migrating import migrate
from llmtrack.storage.opening import connect_writer
from llmtrack.storage.schema import LOOKUP_TABLES
from llmtrack.storage.wall import PARTS, SHARED
from tests.storage.seeded import repeatable

WORKSPACES = (1, 2, 3)
OWN = 2
PEOPLE = (
    f"select user_id from membership where workspace_id = {OWN}"
    f" union select user_id from access_grant where workspace_id = {OWN}"
)
ROWS_EACH = 6
TRIES = 60
_CHOICES = re.compile(r"check\s*\(\s*(\w+)\s+in\s*\(([^)]*)\)", re.IGNORECASE)


def columns_of(connection: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    """Names and types."""
    return [(row[1], row[2]) for row in connection.execute(f'pragma table_info("{table}")')]


def tables_in(connection: sqlite3.Connection) -> list[str]:
    sql = "select name from sqlite_schema where type = 'table' and name not like 'sqlite%'"
    return [row[0] for row in connection.execute(f"{sql} order by name")]


def fill(path: Path) -> None:
    """Make the file that three workspaces share."""
    source = repeatable("wall")
    with closing(connect_writer(path, create=True)) as connection:
        migrate(connection)
        connection.execute("pragma foreign_keys=off")
        for (trigger,) in connection.execute(
            "select name from sqlite_schema where type = 'trigger'"
        ).fetchall():
            connection.execute(f'drop trigger "{trigger}"')
        for table in tables_in(connection):
            for workspace_id in WORKSPACES:
                _add_rows(connection, table, workspace_id, source)
        connection.execute("analyze")


def leave_one(shared: Path, alone: Path) -> None:
    """The same file without a trace of other workspaces, and with the same statistics."""
    with closing(sqlite3.connect(shared, isolation_level=None)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    shutil.copy(shared, alone)
    with closing(connect_writer(alone)) as connection:
        connection.execute("pragma foreign_keys=off")
        connection.execute(f"delete from user where id not in ({PEOPLE})")
        connection.execute(f"delete from workspace where id != {OWN}")
        for table in tables_in(connection):
            names = [name for name, _ in columns_of(connection, table)]
            if table in LOOKUP_TABLES:
                connection.execute(f'delete from "{table}"')
            elif "workspace_id" in names:
                connection.execute(f'delete from "{table}" where workspace_id != {OWN}')
            elif table not in SHARED | PARTS.keys():
                connection.execute(f'delete from "{table}"')


def _add_rows(
    connection: sqlite3.Connection, table: str, workspace_id: int, source: random.Random
) -> None:
    sql = connection.execute("select sql from sqlite_schema where name = ?", (table,)).fetchone()[0]
    choices = {
        name: re.findall(r"'([^']*)'", values) for name, values in _CHOICES.findall(sql) if values
    }
    columns = columns_of(connection, table)
    added = 0
    for number in range(TRIES):
        values = [
            source.choice(choices[name])
            if choices.get(name)
            else _value(name, kind, workspace_id, number, source)
            for name, kind in columns
        ]
        marks = ", ".join("?" * len(values))
        cursor = connection.execute(f'insert or ignore into "{table}" values ({marks})', values)
        added += cursor.rowcount
        if added == ROWS_EACH:
            return
    assert added, f"no row could be made for {table}: teach tests/storage/filled.py its checks"


def _value(name: str, kind: str, workspace_id: int, number: int, source: random.Random) -> Any:
    if name == "workspace_id" or (name == "id" and number == 0):
        return workspace_id
    unique = workspace_id * 1000 + number
    text = f"u{unique}"
    if 0 < number < TRIES // 3:  # The first must be there, what is left differ from all others.
        text = source.choice(["a", "b", "2026", "{}", f"secret {workspace_id}", text])
    number_like = source.choice([0, 1, 2, 3, 7, 2**40, workspace_id, unique])
    if kind == "INTEGER":
        return unique if name == "id" and number % 2 else number_like
    return {"REAL": float(number_like), "BLOB": text.encode()}.get(kind, text)
