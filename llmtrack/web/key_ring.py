"""API keys at the door: from a request's credential to its key's row.

Rows are cached until anything but an ingest batch is committed, here or by another process
(`Database.generation`), so a deactivation bites on the next request. Everything else that a
key has to pass is checked on the cached row.
"""

from multidict import CIMultiDictProxy

from llmtrack.domain.credentials import key_digest, looks_like_key
from llmtrack.domain.errors import LLMtrackError
from llmtrack.domain.key_terms import KeyAccess, is_within
from llmtrack.storage.database import Database
from llmtrack.storage.key_lookup import KeyRow, find_key
from llmtrack.web.ingest_answers import (
    INACTIVE_KEY,
    INVALID_KEY,
    INVALID_WORKSPACE,
    MISSING_KEY,
    REVOKED_KEY,
)
from llmtrack.web.key_uses import KeyUses

CACHED_KEYS_MAX = 10_000


class KeyRefused(LLMtrackError):
    """The text is one of the contract's five reasons."""


def credential(headers: CIMultiDictProxy[str]) -> str | None:
    """The key a request carries: a non-empty Bearer wins over x-api-key (CONTRACT).

    One header given twice with different values is nobody's key: which of them counts must
    not depend on who reads it.
    """
    scheme, _, bearer = headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        name, found = "Authorization", bearer.strip()
    else:
        name, found = "x-api-key", headers.get("x-api-key", "").strip()
    if len(set(headers.getall(name, ()))) > 1:
        return "two different keys"
    return found or None


class KeyRing:
    def __init__(self, database: Database, uses: KeyUses) -> None:
        self._database = database
        self._uses = uses
        self._generation = -1
        self._rows: dict[bytes, KeyRow] = {}  # by digest: no raw key stays in memory

    async def find(
        self,
        raw_key: str | None,
        now_ms: int,
        ip: str,
        *,
        access: KeyAccess = KeyAccess.INGEST,
    ) -> KeyRow:
        """The live key behind a raw one. Raises KeyRefused."""
        if raw_key is None:
            raise KeyRefused(MISSING_KEY)
        row = await self._row(raw_key)
        if row is None:
            raise KeyRefused(INVALID_KEY)
        refusal = _refusal(row, now_ms, ip, access)
        if refusal is not None:
            said, why = refusal
            self._uses.refused(row, ip, why, now_ms)
            raise KeyRefused(said)
        self._uses.used(row, ip, now_ms)
        return row

    def known(self, raw_key: str | None, now_ms: int, ip: str) -> KeyRow | None:
        """The key behind a raw one if it is cached and may pass; None leaves all to `find`."""
        if raw_key is None or self._database.generation != self._generation:
            return None
        row = self._rows.get(key_digest(raw_key))
        if row is None or _refusal(row, now_ms, ip, KeyAccess.INGEST) is not None:
            return None
        return row

    def note_use(self, row: KeyRow, ip: str, now_ms: int) -> None:
        """What `find` does by itself for a key that it lets pass."""
        self._uses.used(row, ip, now_ms)

    async def _row(self, raw_key: str) -> KeyRow | None:
        generation = self._database.generation
        if generation != self._generation or len(self._rows) >= CACHED_KEYS_MAX:
            self._rows.clear()
            self._generation = generation
        digest = key_digest(raw_key)
        row = self._rows.get(digest)
        if row is None and looks_like_key(raw_key):
            row = await find_key(self._database, digest)
            if row is not None and self._database.generation == generation:
                self._rows[digest] = row
        return row


def _refusal(row: KeyRow, now_ms: int, ip: str, access: KeyAccess) -> tuple[str, str] | None:
    """What the client is told, and what the key's page says of it; None if it may pass.

    The contract has five texts. A key that is not good yet is inactive; one from a network
    or for a purpose that is not its own is invalid: a thief learns nothing from that.
    """
    ended = row.expires_ms is not None and row.expires_ms <= now_ms
    if row.revoked_ms is not None or (ended and row.is_old):
        return REVOKED_KEY, "the secret was replaced"
    if ended:
        return REVOKED_KEY, "expired"
    if row.is_deactivated or (row.not_before_ms is not None and now_ms < row.not_before_ms):
        return INACTIVE_KEY, "deactivated" if row.is_deactivated else "not valid yet"
    if row.networks and not is_within(ip, row.networks):
        return INVALID_KEY, "from outside its networks"
    if row.access is not access:
        return INVALID_KEY, f"a key that may {_verb(row.access)} tried to {_verb(access)}"
    return (INVALID_WORKSPACE, "the workspace is suspended") if row.workspace_suspended else None


def _verb(access: KeyAccess) -> str:
    return "send events" if access is KeyAccess.INGEST else "read usage"
