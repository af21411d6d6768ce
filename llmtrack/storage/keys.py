"""API keys: shown once, stored as a digest, kept by name for as long as history needs them."""

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple

from llmtrack.domain.credentials import mint_key
from llmtrack.domain.errors import InvalidValue, NotFound
from llmtrack.domain.identifiers import new_public_id
from llmtrack.domain.key_terms import (
    EXPIRES_SOON_DAYS,
    UNUSED_DAYS,
    KeyAccess,
    KeyState,
    KeyTerms,
    check_terms,
    state_of,
)
from llmtrack.domain.names import clean_name, clean_optional_name
from llmtrack.domain.periods import DAY_MS, day_of, rfc3339
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.key_changes import add_digest
from llmtrack.storage.scope import Scope

RECENT_DAYS = 7


class OldSecret(NamedTuple):
    """The secret from before the last rotation: good until it expires."""

    prefix: str
    expires_ms: int
    last_used_ms: int | None


class KeyRefusal(NamedTuple):
    """The last request with this key that was refused."""

    at_ms: int
    ip: str
    why: str


@dataclass(frozen=True)
class Key:
    """A key as people see it. Deleted keys are not among them."""

    id: int
    public_id: str
    name: str
    source: str | None
    prefix: str
    terms: KeyTerms
    created_ms: int
    state: KeyState
    rotated_ms: int | None = None
    old: OldSecret | None = None
    uses: int = 0
    last_used_ms: int | None = None
    last_used_ip: str | None = None
    refusal: KeyRefusal | None = None
    recent_events: int = 0

    def is_unused(self, now_ms: int) -> bool:
        """For so long that it should be asked whether anybody needs it."""
        since_ms = max(self.created_ms, self.rotated_ms or 0, self.last_used_ms or 0)
        return self.state is KeyState.ACTIVE and since_ms < now_ms - UNUSED_DAYS * DAY_MS

    def expires_soon(self, now_ms: int) -> bool:
        expires_ms = self.terms.expires_ms
        return (
            self.state is KeyState.ACTIVE
            and expires_ms is not None
            and expires_ms - now_ms < EXPIRES_SOON_DAYS * DAY_MS
        )


class CreatedKey(NamedTuple):
    """`raw` exists here only: show it, then forget it."""

    key: Key
    raw: str


ADD_KEY = """
-- keys.create_key
insert into api_key (
  workspace_id, id, public_id, name, source, prefix, access, networks, not_before_ms,
  expires_ms, created_ms, created_by
)
values (
  :workspace_id,
  (select coalesce(max(id), 0) + 1 from api_key where workspace_id = :workspace_id),
  :public_id, :name, :source, :prefix, :access, :networks, :not_before_ms,
  :expires_ms, :now_ms, :created_by
)
returning id
"""


def create_key(
    connection: sqlite3.Connection,
    workspace_id: int,
    *,
    name: str,
    source: str | None = None,
    terms: KeyTerms = KeyTerms(),  # noqa: B008 - immutable
    actor: Actor,
    now_ms: int,
) -> CreatedKey:
    """Raises InvalidValue."""
    name, source = clean_name("name", name), clean_optional_name("source", source)
    terms = check_terms(terms)
    if terms.expires_ms is not None and terms.expires_ms <= now_ms:
        raise InvalidValue("expires", "the key would have expired already")
    minted, public_id = mint_key(), new_public_id("key")
    values = {
        "workspace_id": workspace_id,
        "public_id": public_id,
        "name": name,
        "source": source,
        "prefix": minted.prefix,
        **terms._asdict(),
        "networks": " ".join(terms.networks),
        "now_ms": now_ms,
        "created_by": actor.user_id,
    }
    [key_id] = connection.execute(ADD_KEY, values).fetchone()
    add_digest(connection, workspace_id, key_id, minted)
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="api_key.create",
        target=public_id,
        details={"name": name, "prefix": minted.prefix, **_told(source, terms)},
        now_ms=now_ms,
    )
    state = state_of(terms, None, now_ms)
    key = Key(key_id, public_id, name, source, minted.prefix, terms, now_ms, state)
    return CreatedKey(key, minted.raw)


LIST_KEYS = """
-- keys.list_keys, keys.key_of
select k.id, k.public_id, k.name, k.source, k.prefix, k.access, k.networks, k.not_before_ms,
  k.expires_ms, k.created_ms, k.deactivated_ms, k.rotated_ms, k.old_prefix, k.old_expires_ms,
  k.old_last_used_ms, k.uses, k.last_used_ms, k.last_used_ip, k.refused_ms, k.refused_ip,
  k.refused_why,
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


async def _keys(scope: Scope, public_id: str | None, now_ms: int) -> list[Key]:
    rows = await scope.rows(
        LIST_KEYS,
        kind=Kind.KEY,
        day=day_of(now_ms, scope.time_zone),
        days=RECENT_DAYS,
        public_id=public_id,
    )
    return [_key(row, now_ms) for row in rows]


def _key(row: sqlite3.Row, now_ms: int) -> Key:
    terms = KeyTerms(
        KeyAccess(row["access"]),
        tuple(row["networks"].split()),
        row["not_before_ms"],
        row["expires_ms"],
    )
    old = refusal = None
    if row["old_prefix"] is not None:
        old = OldSecret(row["old_prefix"], row["old_expires_ms"], row["old_last_used_ms"])
    if row["refused_ms"] is not None:
        refusal = KeyRefusal(row["refused_ms"], row["refused_ip"] or "", row["refused_why"] or "")
    return Key(
        id=row["id"],
        public_id=row["public_id"],
        name=row["name"],
        source=row["source"],
        prefix=row["prefix"],
        terms=terms,
        created_ms=row["created_ms"],
        state=state_of(terms, row["deactivated_ms"], now_ms),
        rotated_ms=row["rotated_ms"],
        old=old,
        uses=row["uses"],
        last_used_ms=row["last_used_ms"],
        last_used_ip=row["last_used_ip"],
        refusal=refusal,
        recent_events=row["recent_events"],
    )


def _told(source: str | None, terms: KeyTerms) -> dict[str, object]:
    """For the audit log: only what is not as usual."""
    told: dict[str, object] = {} if source is None else {"source": source}
    if terms.access is not KeyAccess.INGEST:
        told["access"] = terms.access.value
    if terms.networks:
        told["networks"] = " ".join(terms.networks)
    for name, moment_ms in (("not_before", terms.not_before_ms), ("expires", terms.expires_ms)):
        if moment_ms is not None:
            told[name] = rfc3339(moment_ms)
    return told
