"""API keys at the door: from a request's credential to its key's row.

Rows are cached until anything but an ingest batch is committed, here or by another process
(`Database.generation`), so a deactivation bites on the next request.
"""

import asyncio

from aiohttp import web

from llmtrack.domain.credentials import key_digest, looks_like_key
from llmtrack.domain.errors import LLMtrackError
from llmtrack.storage.database import Database
from llmtrack.storage.key_lookup import KeyRow, KeyState, find_key
from llmtrack.storage.keys import touch_key
from llmtrack.web.ingest_answers import (
    INACTIVE_KEY,
    INVALID_KEY,
    INVALID_WORKSPACE,
    MISSING_KEY,
    REVOKED_KEY,
)

TOUCH_MS = 60_000
CACHED_KEYS_MAX = 10_000


class KeyRefused(LLMtrackError):
    """The text is one of the contract's five reasons."""


def credential(request: web.Request) -> str | None:
    """The key a request carries: a non-empty Bearer wins over x-api-key (CONTRACT)."""
    scheme, _, bearer = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return bearer.strip()
    return request.headers.get("x-api-key", "").strip() or None


class KeyRing:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._generation = -1
        self._rows: dict[bytes, KeyRow] = {}  # by digest: no raw key stays in memory
        self._touched_ms: dict[tuple[int, int], int] = {}
        self._touches: set[asyncio.Task[None]] = set()

    async def find(self, raw_key: str | None, now_ms: int) -> KeyRow:
        """The live key behind a raw one. Raises KeyRefused."""
        if raw_key is None:
            raise KeyRefused(MISSING_KEY)
        row = await self._row(raw_key)
        if row is None:
            raise KeyRefused(INVALID_KEY)
        if row.revoked_ms is not None or (row.expires_ms or now_ms + 1) <= now_ms:
            raise KeyRefused(REVOKED_KEY)
        if row.state is KeyState.INACTIVE:
            raise KeyRefused(INACTIVE_KEY)
        if row.workspace_suspended:
            raise KeyRefused(INVALID_WORKSPACE)
        self._touch(row, now_ms)
        return row

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

    def _touch(self, row: KeyRow, now_ms: int) -> None:
        """Note the use, at most once a minute a key: ingest must not wait for it."""
        key = row.workspace_id, row.key_id
        if now_ms - self._touched_ms.get(key, 0) < TOUCH_MS:
            return
        self._touched_ms[key] = now_ms
        task = asyncio.create_task(self._database.write(touch_key, *key, now_ms=now_ms))
        self._touches.add(task)
        task.add_done_callback(self._touches.discard)
