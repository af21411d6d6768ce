"""The audit log: append-only, chained, seen by its own workspace only."""

import json
import sqlite3
from contextlib import closing

import pytest

from llmtrack.storage.audit import (
    Actor,
    Filters,
    Verdict,
    actions_and_actors,
    list_entries,
    record,
)
from llmtrack.storage.database import Database
from llmtrack.storage.key_changes import deactivate_key
from llmtrack.storage.keys import create_key
from llmtrack.storage.maintenance_audit import (
    AuditHead,
    all_audit_heads,
    all_audit_missing,
    all_audit_verdict,
)
from llmtrack.storage.opening import connect_writer
from tests.conftest import NOW_MS, WHO, World

ALICE = Actor(7, "alice@example.com", "192.0.2.1")


def verdict(database: Database) -> Verdict:
    with closing(connect_writer(database.path)) as connection:
        return all_audit_verdict(connection)


def tamper(database: Database, *statements: str) -> None:
    """What somebody does who can write to the file and knows of the triggers."""
    with closing(connect_writer(database.path)) as connection:
        for name in ("insert", "update", "delete"):
            connection.execute(f"drop trigger audit_log_{name}")
        for statement in statements:
            assert connection.execute(statement).rowcount == 1


async def test_every_change_is_an_entry_of_its_workspace(world: World) -> None:
    scope = await world.scope()
    made = await scope.write(create_key, name="Next", actor=ALICE, now_ms=NOW_MS + 5)
    await scope.write(deactivate_key, made.key.public_id, actor=ALICE, now_ms=NOW_MS + 6)

    last, before, *_ = await list_entries(scope)

    assert (last.action, last.target) == ("api_key.deactivate", made.key.public_id)
    assert (before.timestamp_ms, before.actor, before.ip) == (NOW_MS + 5, ALICE.text, ALICE.ip)
    assert before.details == {"name": "Next", "prefix": made.key.prefix}


async def test_a_workspace_does_not_see_the_entries_of_another(world: World) -> None:
    other = await world.scope(world.charlie)
    assert {entry.details.get("email") for entry in await list_entries(other)} == {
        "charlie@example.com",
        None,
    }


async def test_a_change_that_fails_leaves_no_entry(world: World) -> None:
    scope = await world.scope()
    entries = await list_entries(scope)

    def fail(connection: sqlite3.Connection, workspace_id: int) -> None:
        create_key(connection, workspace_id, name="x", **WHO)
        raise LookupError

    with pytest.raises(LookupError):
        await scope.write(fail)
    assert await list_entries(scope) == entries


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_log set actor = 'nobody'",
        "update audit_log set hash = x'00' where id = 1",
        "delete from audit_log",
        "insert or replace into audit_log select * from audit_log",
        "replace into audit_log select * from audit_log where id = 1",
        "insert into audit_log values (1, 0, 0, null, '', null, 'a.b', '', '{}', x'', x'')",
    ],
)
async def test_the_engine_refuses_to_change_what_was_logged(world: World, statement: str) -> None:
    with (
        closing(connect_writer(world.database.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("update audit_log set actor = 'x' where workspace_id = 1 and id = 2", "was changed"),
        ("update audit_log set details = '{}' where workspace_id = 1 and id = 1", "was changed"),
        ("delete from audit_log where workspace_id = 1 and id = 2", "1 missing before it"),
        ("delete from audit_log where workspace_id = 1 and id = 1", "1 missing before it"),
    ],
)
async def test_a_tampered_log_is_found_out(world: World, statement: str, fault: str) -> None:
    assert verdict(world.database).faults == []
    tamper(world.database, statement)
    assert any(fault in found for found in verdict(world.database).faults)


async def test_a_rewritten_entry_breaks_the_one_after_it(world: World) -> None:
    def rewrite(connection: sqlite3.Connection) -> None:
        connection.execute("delete from audit_log where workspace_id = 2 and id > 1")
        connection.execute("delete from audit_log where workspace_id = 2")
        record(connection, workspace_id=2, action="a.b", target="", details={}, **WHO)

    heads = all_heads(world.database)
    rows = [head for head in heads if head.workspace_id == 2]
    tamper(world.database)
    with closing(connect_writer(world.database.path)) as connection:
        rewrite(connection)
        # The chain is whole again: only what was kept outside tells.
        assert all_audit_verdict(connection).faults == []
        assert all_audit_missing(connection, rows) == ["workspace 2 entry 3: is missing"]


def all_heads(database: Database) -> list[AuditHead]:
    with closing(connect_writer(database.path)) as connection:
        return all_audit_heads(connection)


async def test_entries_cut_off_the_end_are_found_with_kept_heads(world: World) -> None:
    heads = all_heads(world.database)
    assert [head.workspace_id for head in heads] == [0, 1, 2]
    tamper(world.database, "delete from audit_log where workspace_id = 1 and id = 4")
    assert verdict(world.database).faults == []
    with closing(connect_writer(world.database.path)) as connection:
        assert all_audit_missing(connection, heads) == ["workspace 1 entry 4: is missing"]


async def test_pages_and_filters_of_the_log(world: World) -> None:
    scope = await world.scope()
    first = await list_entries(scope, most=2)
    rest = await list_entries(scope, before_id=first[-1].id)
    assert [entry.id for entry in first + rest] == [4, 3, 2, 1]

    async def actions(filters: Filters) -> list[str]:
        return [entry.action for entry in await list_entries(scope, filters)]

    assert await actions(Filters(action="member")) == ["member.set_role"] * 2
    assert await actions(Filters(action="api_key.create")) == ["api_key.create"]
    assert await actions(Filters(actor="nobody")) == []
    assert await actions(Filters(end_ms=NOW_MS)) == []
    assert len(await actions(Filters(start_ms=NOW_MS, end_ms=NOW_MS + 1))) == 4
    words = await actions_and_actors(scope)
    assert words == (["api_key.create", "member.set_role", "workspace.create"], ["a test"])


async def test_control_characters_are_escaped_in_the_log(world: World) -> None:
    scope = await world.scope()
    name = "x\u2028\x1b[31m"

    def add(connection: sqlite3.Connection, workspace_id: int) -> str:
        record(
            connection,
            workspace_id=workspace_id,
            action="thing.do",
            target="",
            details={"n": name},
            **WHO,
        )
        stored = connection.execute(
            "select details from audit_log where workspace_id = ? order by id desc", (workspace_id,)
        ).fetchone()
        return str(stored[0])

    stored = await scope.write(add)
    assert stored.isascii()
    assert stored.isprintable()
    assert json.loads(stored) == {"n": name}


async def test_an_action_is_a_noun_and_a_verb(database: Database) -> None:
    def add(connection: sqlite3.Connection) -> None:
        record(connection, workspace_id=None, action="Deleted!", target="", details={}, **WHO)

    with pytest.raises(ValueError, match="an action is"):
        await database.write(add)
