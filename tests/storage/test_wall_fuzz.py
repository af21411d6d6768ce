"""No interference: behind the wall a shared file answers as one that holds nothing else.

`WALL_QUERIES` asks for more than the usual number, `WALL_SEED` for others.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llmtrack.storage.connections import connect_walled
from llmtrack.storage.wall import Walled
from tests.storage.filled import OWN, columns_of, fill, leave_one, tables_in
from tests.storage.random_queries import Queries, Schema
from tests.storage.seeded import repeatable

COUNT = int(os.environ.get("WALL_QUERIES", "2000"))
SEED = os.environ.get("WALL_SEED", "1")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("wall")
    shared, alone = folder / "shared.db", folder / "alone.db"
    fill(shared)
    leave_one(shared, alone)
    return shared, alone


@pytest.fixture(scope="module")
def schema(files: tuple[Path, Path]) -> Schema:
    with closing(sqlite3.connect(files[0])) as connection:
        return {
            table: [name for name, _ in columns_of(connection, table)]
            for table in tables_in(connection)
        }


@pytest.fixture
def walled(files: tuple[Path, Path]) -> Iterator[tuple[Walled, Walled]]:
    shared, alone = (connect_walled(path) for path in files)
    for connection in (shared, alone):
        connection.enter(OWN, None)
    yield shared, alone
    shared.close()
    alone.close()


def answer(connection: sqlite3.Connection, sql: str) -> Any:
    """The rows, or the error that stands for them."""
    try:
        return [tuple(row) for row in connection.execute(sql).fetchall()]
    except sqlite3.Error as error:
        return str(error)


def test_random_queries_answer_as_if_nobody_else_were_there(
    walled: tuple[Walled, Walled], schema: Schema
) -> None:
    shared, alone = walled
    queries = Queries(schema, repeatable(SEED))
    answered = rows = 0
    for _ in range(COUNT):
        sql = queries.next()
        found = answer(shared, sql)
        assert found == answer(alone, sql), sql
        answered += not isinstance(found, str)
        rows += bool(found) and not isinstance(found, str)
    # A fuzzer whose queries are all refused would prove nothing.
    assert answered > COUNT / 2
    assert rows > COUNT / 4


def test_without_the_wall_the_same_queries_tell_of_others(
    files: tuple[Path, Path], schema: Schema
) -> None:
    queries = Queries(schema, repeatable(SEED))
    with closing(sqlite3.connect(files[0])) as shared, closing(sqlite3.connect(files[1])) as alone:
        texts = [queries.next() for _ in range(200)]
        differing = sum(answer(shared, sql) != answer(alone, sql) for sql in texts)
    assert differing > 50


def test_a_statement_that_is_kept_follows_the_workspace(walled: tuple[Walled, Walled]) -> None:
    shared, _ = walled
    source = repeatable("switch")
    for _ in range(5000):
        workspace_id = source.choice([1, 2, 3])
        shared.enter(workspace_id, None)
        found = shared.execute("select distinct workspace_id from api_key").fetchall()
        assert [tuple(row) for row in found] == [(workspace_id,)]
