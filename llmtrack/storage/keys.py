"""API keys: shown once, stored as a digest, kept by name for as long as history needs them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from llmtrack.domain.credentials import mint_key
from llmtrack.domain.errors import NotFound
from llmtrack.domain.identifiers import new_public_id
from llmtrack.domain.names import clean_name, clean_optional_name
from llmtrack.domain.periods import day_of
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.deletions import note_deletion
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.key_lookup import KeyState, state_of
from llmtrack.storage.scope import Scope

RECENT_DAYS = 7


@dataclass(frozen=True)
class Key:
    """A key as people see it. Deleted keys are not among them."""

    id: int
    public_id: str
    name: str
    source: str | None
    prefix: str
    created_ms: int
    state: KeyState
    last_used_ms: int | None
    recent_events: int


class CreatedKey(NamedTuple):
    """`raw` exists here only: show it, then forget it."""

    key: Key
    raw: str


ADD_KEY = """
-- keys.create_key
insert into api_key (
  workspace_id, id, public_id, name, source, prefix, created_ms, created_by
)
values (
  :workspace_id,
  (select coalesce(max(id), 0) + 1 from api_key where workspace_id = :workspace_id),
  :public_id, :name, :source, :prefix, :now_ms, :created_by
)
returning id
"""
ADD_DIGEST = """
-- keys.create_key
insert into key_digest (digest, workspace_id, key_id) values (:digest, :workspace_id, :key_id)
"""


def create_key(
    connection: sqlite3.Connection,
    workspace_id: int,
    *,
    name: str,
    source: str | None = None,
    actor: Actor,
    now_ms: int,
) -> CreatedKey:
    """Raises InvalidValue."""
    name, source = clean_name("name", name), clean_optional_name("source", source)
    minted, public_id = mint_key(), new_public_id("key")
    values = {
        "workspace_id": workspace_id,
        "public_id": public_id,
        "name": name,
        "source": source,
        "prefix": minted.prefix,
        "now_ms": now_ms,
        "created_by": actor.user_id,
    }
    [key_id] = connection.execute(ADD_KEY, values).fetchone()
    connection.execute(
        ADD_DIGEST, {"digest": minted.digest, "workspace_id": workspace_id, "key_id": key_id}
    )
    change = ("create", public_id, actor, now_ms)
    _record(connection, workspace_id, (key_id, name, minted.prefix), change)
    active = KeyState.ACTIVE
    key = Key(key_id, public_id, name, source, minted.prefix, now_ms, active, None, 0)
    return CreatedKey(key, minted.raw)


LIST_KEYS = """
-- keys.list_keys, keys.key_of
select k.id, k.public_id, k.name, k.source, k.prefix, k.created_ms, k.deactivated_ms,
  k.last_used_ms,
  coalesce((
    select sum(u.events)
    from usage_day u
    where u.workspace_id = :workspace_id
      and u.kind = :kind
      and u.bucket > :day - :days
      and u.bucket <= :day
      and u.value = k.id
  ), 0) as recent_events
from api_key k
where k.workspace_id = :workspace_id
  and k.deleted_ms is null
  and (:public_id is null or k.public_id = :public_id)
order by k.created_ms desc, k.id desc
"""


async def list_keys(scope: Scope, *, now_ms: int) -> list[Key]:
    """The newest first, with the events of the last RECENT_DAYS days of the workspace."""
    return await _keys(scope, None, now_ms)


async def key_of(scope: Scope, public_id: str, *, now_ms: int) -> Key:
    """Raises NotFound."""
    found = await _keys(scope, public_id, now_ms)
    if not found:
        raise NotFound("no such key")
    return found[0]


SET_DEACTIVATED = """
-- keys.deactivate_key, keys.reactivate_key
update api_key
set deactivated_ms = case when :now_ms is null then null else coalesce(deactivated_ms, :now_ms) end
where workspace_id = :workspace_id and public_id = :public_id and deleted_ms is null
returning id, name, prefix
"""


def deactivate_key(
    connection: sqlite3.Connection, workspace_id: int, public_id: str, *, actor: Actor, now_ms: int
) -> None:
    """Its requests are refused; history and key stay. Raises NotFound."""
    values = {"workspace_id": workspace_id, "public_id": public_id, "now_ms": now_ms}
    row = connection.execute(SET_DEACTIVATED, values).fetchone()
    _record(connection, workspace_id, row, ("deactivate", public_id, actor, now_ms))


def reactivate_key(
    connection: sqlite3.Connection, workspace_id: int, public_id: str, *, actor: Actor, now_ms: int
) -> None:
    """Raises NotFound."""
    values = {"workspace_id": workspace_id, "public_id": public_id, "now_ms": None}
    row = connection.execute(SET_DEACTIVATED, values).fetchone()
    _record(connection, workspace_id, row, ("reactivate", public_id, actor, now_ms))


DELETE_KEY = """
-- keys.end_key
update api_key
set deleted_ms = :now_ms
where workspace_id = :workspace_id and public_id = :public_id and deleted_ms is null
returning id, name, prefix
"""
FIND_WORKSPACE_ID = """
-- keys.delete_key
select public_id from workspace where id = ?
"""
DELETE_DIGESTS = """
-- keys.end_key
delete from key_digest where workspace_id = :workspace_id and key_id = :key_id
"""


def delete_key(
    connection: sqlite3.Connection, workspace_id: int, public_id: str, *, actor: Actor, now_ms: int
) -> None:
    """Forget the secret for good, also for restored backups; the row keeps history's name.

    Raises NotFound.
    """
    ended = end_key(connection, workspace_id, public_id, now_ms=now_ms)
    _record(connection, workspace_id, ended, ("delete", public_id, actor, now_ms))
    [workspace] = connection.execute(FIND_WORKSPACE_ID, (workspace_id,)).fetchone()
    note_deletion(
        connection,
        kind="key",
        workspace_public_id=workspace,
        subject=public_id,
        now_ms=now_ms,
        finished=True,
    )


def end_key(
    connection: sqlite3.Connection, workspace_id: int, public_id: str, *, now_ms: int
) -> sqlite3.Row:
    """As `delete_key`, without writing it down: its id, name and prefix. Raises NotFound."""
    values = {"workspace_id": workspace_id, "public_id": public_id, "now_ms": now_ms}
    row: sqlite3.Row | None = connection.execute(DELETE_KEY, values).fetchone()
    if row is None:
        raise NotFound("no such key")
    connection.execute(DELETE_DIGESTS, {"workspace_id": workspace_id, "key_id": row[0]})
    return row


TOUCH_KEY = """
-- keys.touch_key
update api_key
set last_used_ms = max(coalesce(last_used_ms, 0), :now_ms)
where workspace_id = :workspace_id and id = :key_id
"""


def touch_key(
    connection: sqlite3.Connection, workspace_id: int, key_id: int, *, now_ms: int
) -> None:
    values = {"workspace_id": workspace_id, "key_id": key_id, "now_ms": now_ms}
    connection.execute(TOUCH_KEY, values)


def _record(
    connection: sqlite3.Connection,
    workspace_id: int,
    row: Sequence[Any] | None,
    change: tuple[str, str, Actor, int],
) -> None:
    """`row`: id, name, prefix; `change`: verb, public id, actor, time.

    Raises NotFound if no row was changed.
    """
    if row is None:
        raise NotFound("no such key")
    verb, public_id, actor, now_ms = change
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action=f"api_key.{verb}",
        target=public_id,
        details={"name": row[1], "prefix": row[2]},
        now_ms=now_ms,
    )


async def _keys(scope: Scope, public_id: str | None, now_ms: int) -> list[Key]:
    rows = await scope.rows(
        LIST_KEYS,
        kind=Kind.KEY,
        day=day_of(now_ms, scope.time_zone),
        days=RECENT_DAYS,
        public_id=public_id,
    )
    return [
        Key(
            id=row["id"],
            public_id=row["public_id"],
            name=row["name"],
            source=row["source"],
            prefix=row["prefix"],
            created_ms=row["created_ms"],
            state=state_of(row["deactivated_ms"]),
            last_used_ms=row["last_used_ms"],
            recent_events=row["recent_events"],
        )
        for row in rows
    ]
