"""Who changed what: one chain of entries for each workspace, and one for the instance.

An entry's hash covers the one before it, so an entry that was changed or taken out is found
by `verify`. Entries cut off at the end of a chain are not: for that the heads of the chains
have to be kept elsewhere (`maintenance_audit.all_audit_heads`, in every backup's manifest).
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from llmtrack.storage.database import Database
from llmtrack.storage.scope import Scope

INSTANCE = 0
"""What stands for the workspace in the chain of the instance itself."""

FIRST_HASH = bytes(32)
PAGE_ENTRIES = 100
_ACTION = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")


class Actor(NamedTuple):
    """Who did it. `text`: a user's e-mail, or `command line (uid 0)`."""

    user_id: int | None
    text: str
    ip: str | None = None


LAST_ENTRY = """
-- audit.record
select id, hash from audit_log where workspace_id = :workspace_id order by id desc limit 1
"""
ADD_ENTRY = """
-- audit.record
insert into audit_log (
  workspace_id, id, timestamp_ms, actor_user_id, actor, ip, action, target, details,
  previous_hash, hash
)
values (
  :workspace_id, :id, :timestamp_ms, :actor_user_id, :actor, :ip, :action, :target, :details,
  :previous_hash, :hash
)
"""


def record(
    connection: sqlite3.Connection,
    *,
    workspace_id: int | None,
    actor: Actor,
    action: str,
    target: str,
    details: Mapping[str, object],
    now_ms: int,
) -> None:
    """Add an entry, inside the transaction of the change that it tells of.

    `workspace_id` None: about the instance. `action` is `noun.verb`, `target` the public id
    or name of what was changed. `details` are JSON values, and never a secret.
    """
    if not _ACTION.fullmatch(action):
        raise ValueError(f"an action is noun.verb, not {action!r}")
    chain = INSTANCE if workspace_id is None else workspace_id
    last = connection.execute(LAST_ENTRY, {"workspace_id": chain}).fetchone()
    number, previous_hash = (last[0] + 1, bytes(last[1])) if last else (1, FIRST_HASH)
    entry = {
        "workspace_id": chain,
        "id": number,
        "timestamp_ms": now_ms,
        "actor_user_id": actor.user_id,
        "actor": actor.text,
        "ip": actor.ip,
        "action": action,
        "target": target,
        "details": _canonical(dict(details)),
    }
    digest = hash_of(entry, previous_hash)
    connection.execute(ADD_ENTRY, {**entry, "previous_hash": previous_hash, "hash": digest})


def hash_of(entry: Mapping[str, Any], previous_hash: bytes) -> bytes:
    """SHA-256 over the previous hash and the entry as JSON: keys sorted, no spaces, ASCII."""
    return hashlib.sha256(previous_hash + _canonical(entry).encode()).digest()


_HASHED = """
workspace_id, id, timestamp_ms, actor_user_id, actor, ip, action, target, details
"""
CHAIN_COLUMNS = f"{_HASHED}, previous_hash, hash"


class Verdict(NamedTuple):
    """What a walk over chains found; no fault means that no entry inside was touched."""

    entries: int
    faults: list[str]


def verify(rows: Iterable[sqlite3.Row]) -> Verdict:
    """Check chains, given as rows of CHAIN_COLUMNS in the order of workspace and id."""
    entries, faults = 0, []
    chain, number, previous = None, 0, FIRST_HASH
    for row in rows:
        entries += 1
        if row["workspace_id"] != chain:
            chain, number, previous = row["workspace_id"], 0, FIRST_HASH
        where = f"workspace {chain} entry {row['id']}" if chain else f"entry {row['id']}"
        entry = {name: row[name] for name in _HASHED.replace(",", " ").split()}
        if row["id"] != number + 1:
            faults.append(f"{where}: {row['id'] - number - 1} missing before it")
        elif bytes(row["previous_hash"]) != previous:
            faults.append(f"{where}: does not follow the one before it")
        if hash_of(entry, bytes(row["previous_hash"])) != bytes(row["hash"]):
            faults.append(f"{where}: was changed")
        number, previous = row["id"], bytes(row["hash"])
    return Verdict(entries, faults)


class Entry(NamedTuple):
    id: int
    timestamp_ms: int
    actor: str
    ip: str | None
    action: str
    target: str
    details: dict[str, Any]


class Filters(NamedTuple):
    """`action`: a whole one, or a noun for all of its actions. Times: from, and before."""

    action: str | None = None
    actor: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None


FILTERED = """
  and (:before_id is null or id < :before_id)
  and (:action is null or action = :action or action like :action || '.%')
  and (:actor is null or actor = :actor)
  and (:start_ms is null or timestamp_ms >= :start_ms)
  and (:end_ms is null or timestamp_ms < :end_ms)
order by id desc
limit :most
"""
ENTRY_COLUMNS = "id, timestamp_ms, actor, ip, action, target, details"
LIST_ENTRIES = f"""
-- audit.list_entries
select {ENTRY_COLUMNS}
from audit_log
where workspace_id = :workspace_id
{FILTERED}
"""  # noqa: S608 - constants


class InstanceLog:
    """The chain of no workspace, to be read as a scope reads its own: people and sign-ins."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, sql: str, /, **values: Any) -> Sequence[sqlite3.Row]:
        return await self._database.rows(sql, **{**values, "workspace_id": INSTANCE})


async def list_entries(
    scope: Scope | InstanceLog,
    filters: Filters = Filters(),  # noqa: B008 - immutable
    *,
    before_id: int | None = None,
    most: int = PAGE_ENTRIES,
) -> list[Entry]:
    """The newest first; `before_id` is the last id of the page before."""
    rows = await scope.rows(LIST_ENTRIES, **filters._asdict(), before_id=before_id, most=most)
    return [entry_of(row) for row in rows]


def entry_of(row: sqlite3.Row) -> Entry:
    """From a row that starts with ENTRY_COLUMNS."""
    return Entry(row[0], row[1], row[2], row[3], row[4], row[5], json.loads(row[6]))


LIST_WORDS = """
-- audit.actions_and_actors
select distinct action, actor from audit_log where workspace_id = :workspace_id
"""


async def actions_and_actors(scope: Scope | InstanceLog) -> tuple[list[str], list[str]]:
    """What there is to filter by."""
    rows = await scope.rows(LIST_WORDS)
    return sorted({row[0] for row in rows}), sorted({row[1] for row in rows})


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
