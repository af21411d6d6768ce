"""From a credential's digest to its key: what a request at the door is checked against."""

from typing import NamedTuple

from llmtrack.domain.key_terms import KeyAccess, Network, parsed_networks
from llmtrack.domain.roles import Role
from llmtrack.storage.database import Database
from llmtrack.storage.scope import Scope


class KeyRow(NamedTuple):
    """What the door needs to know of the key it was given; cached, so nothing here ages."""

    workspace_id: int
    key_id: int
    key_public_id: str
    prefix: str
    source: str | None
    access: KeyAccess
    networks: tuple[Network, ...]
    workspace_suspended: bool
    is_deactivated: bool
    not_before_ms: int | None
    expires_ms: int | None
    """When this secret stops: the key's own end, or that of an old secret after a rotation."""
    is_old: bool
    """A secret from before the last rotation."""
    revoked_ms: int | None


FIND_KEY = """
-- key_lookup.find_key
select d.workspace_id, d.key_id, k.public_id, k.prefix, k.source, k.access, k.networks,
  w.suspended_ms, k.deactivated_ms, k.not_before_ms, k.expires_ms,
  d.expires_ms as secret_expires_ms, d.revoked_ms
from key_digest d
join api_key k on k.workspace_id = d.workspace_id and k.id = d.key_id
join workspace w on w.id = d.workspace_id
where d.digest = :digest and k.deleted_ms is null
"""


async def find_key(database: Database, digest: bytes) -> KeyRow | None:
    """The key behind a digest: the one door from a credential to its workspace."""
    rows = await database.rows(FIND_KEY, digest=digest)
    if not rows:
        return None
    [row] = rows
    ends = [ms for ms in (row["expires_ms"], row["secret_expires_ms"]) if ms is not None]
    return KeyRow(
        workspace_id=row["workspace_id"],
        key_id=row["key_id"],
        key_public_id=row["public_id"],
        prefix=row["prefix"],
        source=row["source"],
        access=KeyAccess(row["access"]),
        networks=parsed_networks(tuple(row["networks"].split())),
        workspace_suspended=row["suspended_ms"] is not None,
        is_deactivated=row["deactivated_ms"] is not None,
        not_before_ms=row["not_before_ms"],
        expires_ms=min(ends, default=None),
        is_old=row["secret_expires_ms"] is not None,
        revoked_ms=row["revoked_ms"],
    )


OPEN_WORKSPACE = """
-- key_lookup.scope_for_key
select public_id, name, time_zone from workspace where id = :workspace_id
"""


async def scope_for_key(database: Database, key: KeyRow) -> Scope:
    """What a key that may read sees: its workspace, as a viewer does."""
    [row] = await database.rows(OPEN_WORKSPACE, workspace_id=key.workspace_id)
    return Scope(
        database,
        workspace_id=key.workspace_id,
        public_id=row["public_id"],
        name=row["name"],
        time_zone=row["time_zone"],
        role=Role.VIEWER,
    )
