"""From a credential to its workspace: what ingest needs to know of a key."""

from enum import StrEnum
from typing import NamedTuple

from llmtrack.storage.database import Database


class KeyState(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"


class KeyRow(NamedTuple):
    """What ingest needs to know of the key it was given."""

    workspace_id: int
    key_id: int
    key_public_id: str
    state: KeyState
    prefix: str
    source: str | None
    workspace_suspended: bool
    expires_ms: int | None
    revoked_ms: int | None


FIND_KEY = """
-- key_lookup.find_key
select d.workspace_id, d.key_id, k.public_id, k.deactivated_ms, k.prefix, k.source,
  w.suspended_ms, d.expires_ms, d.revoked_ms
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
    return KeyRow(
        workspace_id=row["workspace_id"],
        key_id=row["key_id"],
        key_public_id=row["public_id"],
        state=state_of(row["deactivated_ms"]),
        prefix=row["prefix"],
        source=row["source"],
        workspace_suspended=row["suspended_ms"] is not None,
        expires_ms=row["expires_ms"],
        revoked_ms=row["revoked_ms"],
    )


def state_of(deactivated_ms: int | None) -> KeyState:
    return KeyState.ACTIVE if deactivated_ms is None else KeyState.INACTIVE
