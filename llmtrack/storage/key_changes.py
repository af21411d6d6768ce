"""Changes of API keys: rename, rotate, switch off and on, delete."""

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from llmtrack.domain.credentials import MintedKey, mint_key
from llmtrack.domain.errors import NotFound
from llmtrack.domain.key_terms import KeyAccess, KeyTerms, check_grace, check_terms
from llmtrack.domain.names import clean_name, clean_optional_name
from llmtrack.domain.periods import rfc3339
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.deletions import note_deletion

Values = Mapping[str, int | str | bytes | None]


class KeyPath(NamedTuple):
    """Which key is changed, by whom and when."""

    public_id: str
    actor: Actor
    now_ms: int


READ_KEY = """
-- key_changes.edit_key, key_changes.rotate_key
select id, name, prefix, source, access, networks, not_before_ms, expires_ms, old_prefix
from api_key
where workspace_id = :workspace_id and public_id = :public_id and deleted_ms is null
"""
EDIT_KEY = """
-- key_changes.edit_key
update api_key
set name = :name,
    source = :source,
    networks = :networks,
    not_before_ms = :not_before_ms,
    expires_ms = :expires_ms
where workspace_id = :workspace_id and id = :id
"""


def edit_key(
    connection: sqlite3.Connection,
    workspace_id: int,
    public_id: str,
    *,
    name: str,
    source: str | None,
    terms: KeyTerms,
    actor: Actor,
    now_ms: int,
) -> None:
    """All but the secret and whether it sends or reads. Raises NotFound, InvalidValue."""
    row = _read(connection, workspace_id, public_id)
    terms = check_terms(terms._replace(access=KeyAccess(row["access"])))
    values: dict[str, int | str | None] = {
        "name": clean_name("name", name),
        "source": clean_optional_name("source", source),
        "networks": " ".join(terms.networks),
        "not_before_ms": terms.not_before_ms,
        "expires_ms": terms.expires_ms,
    }
    connection.execute(EDIT_KEY, {**values, "workspace_id": workspace_id, "id": row["id"]})
    changed = {field: value for field, value in values.items() if value != row[field]}
    if changed:
        before = {field: row[field] for field in changed}
        _record(
            connection,
            workspace_id,
            "edit",
            KeyPath(public_id, actor, now_ms),
            {"prefix": row["prefix"], "before": before, "after": changed},
        )


ROTATE_KEY = """
-- key_changes.rotate_key
update api_key
set prefix = :prefix,
    rotated_ms = :now_ms,
    old_prefix = :old_prefix,
    old_expires_ms = :old_expires_ms,
    old_last_used_ms = null
where workspace_id = :workspace_id and id = :id
"""
END_OLDER_DIGESTS = """
-- key_changes.rotate_key
update key_digest
set revoked_ms = :now_ms
where workspace_id = :workspace_id
  and key_id = :id
  and expires_ms is not null
  and revoked_ms is null
"""
END_CURRENT_DIGEST = """
-- key_changes.rotate_key
update key_digest
set expires_ms = :old_expires_ms
where workspace_id = :workspace_id and key_id = :id and expires_ms is null
"""
ADD_DIGEST = """
-- key_changes.add_digest
insert into key_digest (digest, workspace_id, key_id) values (:digest, :workspace_id, :key_id)
"""


def rotate_key(
    connection: sqlite3.Connection,
    workspace_id: int,
    public_id: str,
    *,
    grace_days: int,
    actor: Actor,
    now_ms: int,
) -> str:
    """The new raw key of the same key; the one before stays good for `grace_days`.

    A secret that is still in its grace from an earlier rotation ends at once: there are two
    at most. Raises NotFound, InvalidValue.
    """
    old_expires_ms = now_ms + check_grace(grace_days)
    row = _read(connection, workspace_id, public_id)
    minted = mint_key()
    values: dict[str, int | str] = {
        "workspace_id": workspace_id,
        "id": row["id"],
        "prefix": minted.prefix,
        "old_prefix": row["prefix"],
        "old_expires_ms": old_expires_ms,
        "now_ms": now_ms,
    }
    for statement in (ROTATE_KEY, END_OLDER_DIGESTS, END_CURRENT_DIGEST):
        connection.execute(statement, values)
    add_digest(connection, workspace_id, row["id"], minted)
    details = {
        "name": row["name"],
        "prefix": minted.prefix,
        "old_prefix": row["prefix"],
        "old_expires_at": rfc3339(old_expires_ms),
    }
    path = KeyPath(public_id, actor, now_ms)
    _record(connection, workspace_id, "rotate", path, details)
    return minted.raw


CUT_GRACE = """
-- key_changes.end_old_secret
update api_key
set old_expires_ms = min(old_expires_ms, :now_ms)
where workspace_id = :workspace_id
  and public_id = :public_id
  and deleted_ms is null
  and old_prefix is not null
returning id, name, old_prefix
"""


def end_old_secret(
    connection: sqlite3.Connection, workspace_id: int, public_id: str, *, actor: Actor, now_ms: int
) -> None:
    """Do not wait for the end of the grace. Raises NotFound."""
    values = {"workspace_id": workspace_id, "public_id": public_id, "now_ms": now_ms}
    row = connection.execute(CUT_GRACE, values).fetchone()
    if row is None:
        raise NotFound("this key has no old secret")
    ended = {"workspace_id": workspace_id, "id": row[0], "now_ms": now_ms}
    connection.execute(END_OLDER_DIGESTS, ended)
    path = KeyPath(public_id, actor, now_ms)
    _record(connection, workspace_id, "end_old_secret", path, {"name": row[1], "prefix": row[2]})


SET_DEACTIVATED = """
-- key_changes.deactivate_key, key_changes.reactivate_key
update api_key
set deactivated_ms = case when :now_ms is null then null else coalesce(deactivated_ms, :now_ms) end
where workspace_id = :workspace_id and public_id = :public_id and deleted_ms is null
returning id, name, prefix
"""


def deactivate_key(
    connection: sqlite3.Connection, workspace_id: int, public_id: str, *, actor: Actor, now_ms: int
) -> None:
    """Its requests are refused; history and key stay. Raises NotFound."""
    values: Values = {"workspace_id": workspace_id, "public_id": public_id, "now_ms": now_ms}
    row = _changed(connection, SET_DEACTIVATED, values)
    _note(connection, workspace_id, "deactivate", row, KeyPath(public_id, actor, now_ms))


def reactivate_key(
    connection: sqlite3.Connection, workspace_id: int, public_id: str, *, actor: Actor, now_ms: int
) -> None:
    """Raises NotFound."""
    values: Values = {"workspace_id": workspace_id, "public_id": public_id, "now_ms": None}
    row = _changed(connection, SET_DEACTIVATED, values)
    _note(connection, workspace_id, "reactivate", row, KeyPath(public_id, actor, now_ms))


DELETE_KEY = """
-- key_changes.end_key
update api_key
set deleted_ms = :now_ms
where workspace_id = :workspace_id and public_id = :public_id and deleted_ms is null
returning id, name, prefix
"""
FIND_WORKSPACE_ID = """
-- key_changes.delete_key
select public_id from workspace where id = ?
"""
DELETE_DIGESTS = """
-- key_changes.end_key
delete from key_digest where workspace_id = :workspace_id and key_id = :key_id
"""


def delete_key(
    connection: sqlite3.Connection, workspace_id: int, public_id: str, *, actor: Actor, now_ms: int
) -> None:
    """Forget the secret for good, also for restored backups; the row keeps history's name.

    Raises NotFound.
    """
    row = end_key(connection, workspace_id, public_id, now_ms=now_ms)
    _note(connection, workspace_id, "delete", row, KeyPath(public_id, actor, now_ms))
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
    """As `delete_key`, without writing it down. Raises NotFound."""
    values: Values = {"workspace_id": workspace_id, "public_id": public_id, "now_ms": now_ms}
    row = _changed(connection, DELETE_KEY, values)
    connection.execute(DELETE_DIGESTS, {"workspace_id": workspace_id, "key_id": row["id"]})
    return row


def add_digest(
    connection: sqlite3.Connection, workspace_id: int, key_id: int, minted: MintedKey
) -> None:
    connection.execute(
        ADD_DIGEST, {"digest": minted.digest, "workspace_id": workspace_id, "key_id": key_id}
    )


def _read(connection: sqlite3.Connection, workspace_id: int, public_id: str) -> sqlite3.Row:
    return _changed(connection, READ_KEY, {"workspace_id": workspace_id, "public_id": public_id})


def _changed(connection: sqlite3.Connection, sql: str, values: Values) -> sqlite3.Row:
    """The one row that a statement found or changed. Raises NotFound."""
    row: sqlite3.Row | None = connection.execute(sql, values).fetchone()
    if row is None:
        raise NotFound("no such key")
    return row


def _note(
    connection: sqlite3.Connection, workspace_id: int, verb: str, row: sqlite3.Row, path: KeyPath
) -> None:
    details = {"name": row["name"], "prefix": row["prefix"]}
    _record(connection, workspace_id, verb, path, details)


def _record(
    connection: sqlite3.Connection,
    workspace_id: int,
    verb: str,
    path: KeyPath,
    details: Mapping[str, object],
) -> None:
    record(
        connection,
        workspace_id=workspace_id,
        actor=path.actor,
        action=f"api_key.{verb}",
        target=path.public_id,
        details=details,
        now_ms=path.now_ms,
    )
