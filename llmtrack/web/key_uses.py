"""Counts the uses of keys in memory and has them written at most once a minute a key.

The first use after a minute of silence is written at once: a person may be watching for it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from aiohttp import web

from llmtrack.storage.database import Database
from llmtrack.storage.key_lookup import KeyRow
from llmtrack.storage.key_uses import KeyUse, noting

WRITE_PERIOD_MS = 60_000
LOOK_PERIOD_S = 5.0

_Place = tuple[int, int]  # workspace_id, key_id


class KeyUses:
    def __init__(self, database: Database, clock_ms: Callable[[], int]) -> None:
        self._database = database
        self._clock_ms = clock_ms
        self._waiting: dict[_Place, KeyUse] = {}
        self._written_ms: dict[_Place, int] = {}

    def used(self, row: KeyRow, ip: str, now_ms: int) -> None:
        use = self._of(row)
        use.uses += 1
        use.used_ms, use.used_ip = now_ms, ip
        if row.is_old:
            use.old_used_ms = now_ms
        self._put(use, now_ms)

    def refused(self, row: KeyRow, ip: str, why: str, now_ms: int) -> None:
        use = self._of(row)
        use.refused_ms, use.refused_ip, use.refused_why = now_ms, ip, why
        self._put(use, now_ms)

    def write_due(self, now_ms: int) -> None:
        """Hand the writer what has waited for a minute."""
        for place in self._written_ms.keys() - self._waiting.keys():
            if now_ms - self._written_ms[place] >= WRITE_PERIOD_MS:
                del self._written_ms[place]
        self._write([place for place in self._waiting if self._is_due(place, now_ms)], now_ms)

    def write_all(self) -> None:
        self._write(list(self._waiting), self._clock_ms())

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_PERIOD_S)
            self.write_due(self._clock_ms())

    def _of(self, row: KeyRow) -> KeyUse:
        place = row.workspace_id, row.key_id
        return self._waiting.get(place) or KeyUse(*place)

    def _put(self, use: KeyUse, now_ms: int) -> None:
        place = use.workspace_id, use.key_id
        self._waiting[place] = use
        if self._is_due(place, now_ms):
            self._write([place], now_ms)

    def _is_due(self, place: _Place, now_ms: int) -> bool:
        # A clock that was set back must not silence a key for hours.
        return not 0 <= now_ms - self._written_ms.get(place, -WRITE_PERIOD_MS) < WRITE_PERIOD_MS

    def _write(self, places: list[_Place], now_ms: int) -> None:
        if not places:
            return
        for place in places:
            self._written_ms[place] = now_ms
        # Submitted, not written: nothing that is cached from the file depends on it.
        self._database.submit(noting([self._waiting.pop(place) for place in places]))


KEY_USES = web.AppKey("key_uses", KeyUses)


async def keep_key_uses(app: web.Application) -> AsyncIterator[None]:
    """Write what is counted while the application runs, and the rest when it ends."""
    writing = asyncio.create_task(app[KEY_USES].run())
    yield
    writing.cancel()
    with suppress(asyncio.CancelledError):
        await writing
    app[KEY_USES].write_all()
