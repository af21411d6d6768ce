"""Brings a database to this version's schema, a step at a time."""

import sqlite3
from collections.abc import Callable

from llmtrack.storage.schema import APPLICATION_ID, MIGRATIONS
from llmtrack.storage.writer import transaction

INSTRUCTIONS = 100_000
"""Of SQLite, between two looks for a signal: some milliseconds."""


def migrate(connection: sqlite3.Connection, *, begins: Callable[[int], None] | None = None) -> None:
    """Each step in a transaction of its own; `begins` hears its number, from 1, before it."""
    # A step may be one statement that runs for minutes, and Python hears of a signal only
    # between its own instructions.
    connection.set_progress_handler(lambda: 0, INSTRUCTIONS)
    try:
        while (number := schema_version(connection)) < len(MIGRATIONS):
            if begins is not None:
                begins(number + 1)
            with transaction(connection):
                if schema_version(connection) != number:  # another process was quicker
                    continue
                for statement in MIGRATIONS[number].split(";\n"):
                    connection.execute(statement)
                connection.execute(f"pragma user_version={number + 1}")
                connection.execute(f"pragma application_id={APPLICATION_ID}")
    finally:
        connection.set_progress_handler(None, 0)


def schema_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])
