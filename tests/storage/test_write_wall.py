"""What a workspace writes names its workspace: every statement of storage, and what is refused."""

import inspect
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import llmtrack
import llmtrack.storage
from llmtrack.domain.roles import Role
from llmtrack.storage.audit import record
from llmtrack.storage.connections import open_writing
from llmtrack.storage.member_changes import set_role
from llmtrack.storage.migrating import migrate
from llmtrack.storage.users import create_user
from llmtrack.storage.write_wall import (
    ForbiddenWrite,
    check_form,
    check_outside,
    tenant_tables,
)
from tests.conftest import WHO, World

OF_THE_OPERATOR = {"workspaces.ADD_WORKSPACE", "workspaces.SET_PLAN", "workspaces.SET_SUSPENDED"}
"""What commands do to a workspace as a whole."""

GOOD = [
    "insert into name (workspace_id, id, kind, text) values (?, ?, ?, ?)",
    "insert into name (workspace_id, id) values (?, ?) on conflict do update set text = 'x'",
    "update api_key set name = 'a' where workspace_id = :workspace_id and (id = 1 or id = 2)",
    "update workspace set name = 'a' where id = :workspace_id returning public_id",
    "delete from saved_view where id = ? and workspace_id = ?2",
    "update user set disabled_ms = 1 where id = 7",  # of the instance
    "-- a note\nselect 1",
]
BAD = [
    "insert into name (id, kind, text) values (?, ?, ?)",
    "insert into name values (1, 2, 3, 4, 5)",
    "insert or replace into name (id) values (1)",
    "replace into name (id) values (1)",
    "update api_key set name = 'a'",
    "update api_key set name = 'a' where id = :id",
    "update api_key set name = 'a' where workspace_id = :workspace_id or id = :id",
    "update api_key set name = 'a' where not workspace_id = :workspace_id",
    "update api_key set name = 'a' where workspace_id = workspace_id",
    "update api_key set name = 'a' where workspace_id >= :workspace_id",
    "update api_key set name = 'a' where workspace_id = :other and id = 1",
    "update api_key set name = 'a' where (workspace_id = :workspace_id or 1)",
    "update api_key set name = 'a' where id in (select id from name where workspace_id = ?)",
    "update api_key set workspace_id = 3 where workspace_id = :workspace_id",
    "update api_key set (workspace_id, id) = (3, 4) where workspace_id = :workspace_id",
    'update api_key set "workspace_id"=3 where workspace_id = :workspace_id',
    "update api_key set name = 'a' from name n where n.workspace_id = :workspace_id",
    "update or replace api_key set name = 'a' where id = 1",
    'UPDATE\n"api_key" SET name = 1 WHERE id = 1',
    "update main.api_key set name = 1 where id = 1",
    "update api_key set name = 'a' -- where workspace_id = ?\nwhere id = 1",
    "update api_key set name = 'a' /* where workspace_id = ? */",
    "delete from api_key",
    "delete from [api_key] where id = 1 returning workspace_id = :workspace_id",
    "with x as (select 1) delete from api_key where id = 1",
    "update workspace set name = 'a' where public_id = :public_id",
    "delete from workspace",
]


@pytest.fixture(scope="module")
def tenants() -> Iterator[frozenset[str]]:
    with closing(open_writing(Path(":memory:"))) as connection:
        migrate(connection)
        yield tenant_tables(connection)


def _statements() -> Iterator[tuple[str, str]]:
    for module in iter_modules(llmtrack.storage.__path__):
        if module.name.startswith(("maintenance", "schema")):  # a migration is of all workspaces
            continue
        loaded = import_module(f"llmtrack.storage.{module.name}")
        for name, value in inspect.getmembers(loaded):
            if isinstance(value, str) and value.startswith(("\n-- ", "-- ")):
                yield f"{module.name}.{name}", value


def test_every_statement_of_storage_names_its_workspace(tenants: frozenset[str]) -> None:
    refused, written = set(), 0
    for name, sql in _statements():
        written += any(verb in sql for verb in ("insert into", "update ", "delete from"))
        try:
            check_form(sql, tenants)
        except ForbiddenWrite:
            refused.add(name)
    assert refused == OF_THE_OPERATOR
    assert written > 80


@pytest.mark.parametrize("sql", GOOD)
def test_a_statement_of_one_workspace_passes(tenants: frozenset[str], sql: str) -> None:
    check_form(sql, tenants)


@pytest.mark.parametrize("sql", BAD)
def test_a_statement_that_could_reach_others_is_refused(tenants: frozenset[str], sql: str) -> None:
    with pytest.raises(ForbiddenWrite):
        check_form(sql, tenants)


async def test_a_page_cannot_write_past_its_workspace(world: World) -> None:
    scope = await world.scope(world.charlie)

    def rename_all(connection: sqlite3.Connection, workspace_id: int) -> None:
        connection.execute(
            "update workspace set name = 'mine' where id = :workspace_id",
            {"workspace_id": workspace_id},
        )
        connection.execute("update workspace set name = 'mine'")

    def rename_other(connection: sqlite3.Connection, _: int) -> None:
        connection.execute(
            "update workspace set name = 'mine' where id = :workspace_id",
            {"workspace_id": world.acme.id},
        )

    before = [tuple(row) for row in await world.database.rows("select id, name from workspace")]
    for bad in (rename_all, rename_other):
        with pytest.raises(ForbiddenWrite):
            await scope.write(bad)
    after = [tuple(row) for row in await world.database.rows("select id, name from workspace")]
    assert before == after
    # The same connection goes on for those who are within no workspace.
    await world.database.write(
        lambda connection: connection.execute("update workspace set name = name")
    )


OUTSIDE = [
    "update user set disabled_ms = 1 where id = 7",
    "insert into session (token_digest, user_id) values (?, ?)",
    "insert into audit_log (workspace_id, id) values (:workspace_id, :id)",
]


async def test_outside_of_workspaces_none_can_be_changed(
    world: World, tenants: frozenset[str]
) -> None:
    for sql in OUTSIDE:
        check_outside(sql, tenants)
    for sql in {*GOOD, *BAD} - {GOOD[5], GOOD[6]}:
        with pytest.raises(ForbiddenWrite):
            check_outside(sql, tenants)
    await world.database.write_outside(
        create_user, email="dora@example.com", password_hash=None, **WHO
    )
    member = (world.acme.id, world.bob.public_id)
    with pytest.raises(ForbiddenWrite):
        await world.database.write_outside(set_role, *member, role=Role.OWNER, **WHO)
    with pytest.raises(ForbiddenWrite):  # the log of a workspace
        await world.database.write_outside(
            record, workspace_id=world.acme.id, action="a.b", target="c", details={}, **WHO
        )


def test_nobody_goes_round_the_check_by_a_cursor() -> None:
    sources = list(Path(llmtrack.__path__[0]).rglob("*.py"))
    assert len(sources) > 200
    for path in sources:
        assert not re.search(r"\.(cursor|executescript)\(", path.read_text()), path
