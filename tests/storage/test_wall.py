# ruff: noqa: S608 - statements are what these tests are made of
"""What the wall lets through, and a list of ways around it that all end there."""

import inspect
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import llmtrack.storage
from llmtrack.domain.roles import Role
from llmtrack.storage.connections import connect_walled
from llmtrack.storage.database import Database
from llmtrack.storage.scope import Scope
from llmtrack.storage.wall import PARTS, SHARED, ForbiddenText, TooSlow, Walled, tables_of
from tests.conftest import World
from tests.storage.filled import OWN, PEOPLE, columns_of, fill, tables_in

LEGITIMATE = [
    "select distinct workspace_id from event",
    "select distinct workspace_id from api_key order by name limit 3",
    "with e as (select * from event) select distinct workspace_id from e",
    "with recursive n(i) as (select 1) select distinct workspace_id from n join event",
    "select distinct a.workspace_id from event a join name b on b.id = a.model_id or 1",
    "select distinct workspace_id from (select *, row_number() over (order by id) from event)",
    "select distinct workspace_id from name, json_each('[1,2,3,7]') j where name.id = j.value or 1",
    "select distinct id from workspace",
    "select distinct workspace_id from event union select workspace_id from usage_day",
    "select distinct workspace_id from audit_log",
]

ATTACKS = [
    "select * from main.event",
    'select * from "main".event',
    "select * from MAIN . event",
    "select ?1main.event",
    "select [main].event.id from event",
    "with event as (select * from main.event) select * from event",
    "select * from temp.sqlite_schema",
    "select * from sqlite_schema",
    "select sql from sqlite_temp_master",
    "select * from sqlite_stat1",
    "select * from pragma_table_info('event')",
    "pragma query_only=off",
    "pragma table_info(event)",
    "attach ':memory:' as other",
    "attach 'file:other.db?mode=rwc' as other",
    "detach main",
    "vacuum into 'copy.db'",
    "vacuum",
    "reindex",
    "analyze",
    "create table t (a)",
    "create temp table t (a)",
    "create temp view v as select 1",
    "create temp trigger t instead of insert on event begin select 1; end",
    "drop view event",
    "drop table event",
    "alter table event rename to e",
    "insert into event (id) values (1)",
    "insert into event (id) values (1) returning *",
    "update api_key set name = 'x'",
    "update api_key set name = 'x' returning *",
    "delete from event",
    "delete from event returning *",
    "replace into name (id) values (1)",
    "select current_workspace()",
    "select * from event where current_workspace() is not null",
    "select load_extension('x')",
    "select readfile('/etc/passwd')",
    "select writefile('x', 'y')",
    "select fts3_tokenizer('x')",
    "select randomblob(900000000)",
    "select zeroblob(900000000)",
    "select random()",
    "select changes()",
    "select total_changes()",
    "select last_insert_rowid()",
    "select sqlite_version()",
    "select sqlite_source_id()",
    "select sqlite_compileoption_get(1)",
    "select * from dbstat",
    "select * from bytecode('select 1')",
    "select * from tables_used('select 1')",
    "explain select * from sqlite_schema",
    "explain query plan select * from main.event",
    "select password_hash from user",
    "select user.password_hash from user natural join (select 1)",
    "select token_digest from session",
    "select digest from key_digest",
    "select token_digest from login_link",
    "select x.email from user join (select 1 as password_hash) x using (password_hash)",
    "select x.t from session join (select x'00' as token_digest, 1 as t) x using (token_digest)",
    "select x.t from (select x'00' as digest, 1 as t) x natural join key_digest where digest > ''",
    "select rowid from event",
    "select * from event_gate",
    "select quote(zeroblob(900000000))",
    "select printf('%.900000000c', 'x')",
    # Subqueries: newer engines take any number of mere parentheses, which harm nobody.
    f"select {'(select ' * 300}1{')' * 300}",
    "select " + " + ".join(["1"] * 5000),
    " union ".join(["select 1"] * 200),
    "select '" + "x" * 50_000 + "'",
    "select 'a' like '" + "%a" * 5000 + "'",
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wall") / "shared.db"
    fill(path)
    return path


@pytest.fixture
def walled(shared: Path) -> Iterator[Walled]:
    connection = connect_walled(shared)
    connection.enter(OWN, 100_000_000)
    yield connection
    connection.close()


@pytest.mark.parametrize("sql", LEGITIMATE)
def test_a_query_without_a_filter_sees_its_own_workspace_only(walled: Walled, sql: str) -> None:
    assert [tuple(row) for row in walled.execute(sql).fetchall()] == [(OWN,)]


@pytest.mark.parametrize("sql", ATTACKS)
def test_a_way_around_ends_at_the_wall(walled: Walled, sql: str) -> None:
    # Refused, each in its way; what is not refused must have found nothing.
    try:
        found = walled.execute(sql).fetchall()
    except (sqlite3.Error, ForbiddenText):
        return
    assert [row for row in map(tuple, found) if any(value is not None for value in row)] == []


def test_the_authorizer_alone_stops_what_names_the_base_table(walled: Walled) -> None:
    """The text check is one layer; without it `main.x` is still refused where it is read."""
    raw = super(Walled, walled).execute
    for sql in (
        "select * from main.event",
        "with event as (select * from main.event) select * from event",
        "select * from main.sqlite_schema",
        "pragma query_only=off",
    ):
        with pytest.raises(sqlite3.DatabaseError):
            raw(sql).fetchall()


def test_outside_a_workspace_there_is_nothing(walled: Walled) -> None:
    walled.leave()
    for table in ("event", "api_key", "workspace", "user", "audit_log"):
        assert walled.execute(f"select * from {table}").fetchall() == []


@pytest.mark.parametrize("wrong", [0, -1, None, True, "2", 2.0])
def test_only_a_number_of_a_workspace_opens_it(walled: Walled, wrong: object) -> None:
    with pytest.raises(ValueError, match="no workspace"):
        walled.enter(wrong, None)  # type: ignore[arg-type]


def test_every_table_of_the_file_is_behind_a_view(shared: Path, walled: Walled) -> None:
    with closing(sqlite3.connect(shared)) as connection:
        tables = tables_in(connection)
        views = walled.execute
        parts = {table.name: table.columns for table in tables_of(connection.execute)}
        for table in tables:
            names = [name for name, _ in columns_of(connection, table)]
            shown = parts[table]
            if not shown:
                with pytest.raises(sqlite3.DatabaseError, match="prohibited"):
                    views(f'select * from "{table}"')
            else:
                found = views(f'select * from "{table}" limit 0').description
                assert [row[0] for row in found] == shown
                assert "workspace_id" in names or table in SHARED | PARTS.keys()
    assert len(tables) > 20


def test_who_may_enter_is_all_that_a_workspace_sees_of_users(shared: Path, walled: Walled) -> None:
    with closing(sqlite3.connect(shared)) as connection:
        people = connection.execute(f"select id from user where id in ({PEOPLE})").fetchall()
    seen = [tuple(row) for row in walled.execute("select id from user order by id").fetchall()]
    assert seen == sorted(people)
    assert "password_hash" not in walled.execute("select * from user limit 1").description


def test_views_use_the_primary_keys(shared: Path, walled: Walled) -> None:
    """The plan behind the wall is the plan of the hand-written filter."""
    with closing(sqlite3.connect(shared)) as connection:
        plain = _plan(connection, "select * from event where workspace_id = 2 and timestamp_ms > 5")
    # The authorizer has no say on a plan of our own views: asked before it is put up.
    behind = _plan(walled, "select * from event where timestamp_ms > 5")
    assert plain == behind
    assert "USING PRIMARY KEY (workspace_id=? AND timestamp_ms>?)" in behind


def _plan(connection: sqlite3.Connection, sql: str) -> str:
    rows = connection.execute(f"explain query plan {sql}").fetchall()
    return "\n".join(row[3] for row in rows).replace("main.", "")


async def test_a_page_s_queries_are_stopped_when_they_take_too_long(world: World) -> None:
    scope = Scope(
        world.database,
        workspace_id=world.acme.id,
        public_id="",
        name="",
        time_zone="UTC",
        role=Role.VIEWER,
        steps_max=5_000_000,
    )
    endless = (
        "with recursive n(i) as (select 1 union all select i + 1 from n)"
        " select count(*) from n where :workspace_id"
    )
    begun = time.monotonic()
    with pytest.raises(TooSlow):
        await scope.rows(endless)
    assert time.monotonic() - begun < 5
    assert await scope.rows("select name from workspace where id = :workspace_id")


async def test_a_workspace_made_later_is_behind_the_same_wall(world: World) -> None:
    rows = await (await world.scope(world.charlie)).rows(
        "select distinct workspace_id from membership where :workspace_id"
    )
    assert [tuple(row) for row in rows] == [(world.globex.id,)]


WRITERS_OWN = {"at_risk.FIND_OFF"}
"""Queries of temporary tables, which the writer alone has."""
OF_THE_INSTANCE = {"access_reviews.LIST_PROOFS"}
"""Factors and sessions of a workspace's members: the instance has them, no workspace does."""


def _statements() -> Iterator[tuple[str, str]]:
    """Every constant of storage that is a query of a workspace."""
    for module in iter_modules(llmtrack.storage.__path__):
        if module.name.startswith("maintenance"):
            continue
        loaded = import_module(f"llmtrack.storage.{module.name}")
        for name, value in inspect.getmembers(loaded):
            if not isinstance(value, str) or not value.startswith("\n-- "):
                continue
            verb = value.split("\n", 2)[2].lstrip().split(None, 1)[0].lower()
            if f"{module.name}.{name}" in WRITERS_OWN | OF_THE_INSTANCE:
                continue
            if verb in {"select", "with"} and ":workspace_id" in value:
                yield f"{module.name}.{name}", value


def test_every_query_of_a_workspace_compiles_behind_the_wall(walled: Walled) -> None:
    refused = {}
    count = 0
    for name, sql in _statements():
        count += 1
        try:
            walled.execute(f"explain {sql}", _Anything()).fetchall()
        except (sqlite3.Error, ForbiddenText) as error:
            refused[name] = str(error)
    assert refused == {}
    assert count > 20


class _Anything(dict[str, object]):
    """A value for whatever name a query binds."""

    def __missing__(self, name: str) -> object:
        return OWN if name == "workspace_id" else None


async def test_instance_reads_are_not_behind_the_wall(database: Database) -> None:
    assert await database.rows("select count(*) from sqlite_schema")
