"""New raw keys on their way from the request that made them to the page that shows them once.

They wait in memory only, for the session that made them, and for some minutes at most.
"""

SHOW_WITHIN_MS = 5 * 60_000
WAITING_MAX = 1_000


class FreshKeys:
    def __init__(self) -> None:
        self._raw: dict[tuple[bytes, str], tuple[str, int]] = {}

    def put(self, session: bytes, key_public_id: str, raw: str, now_ms: int) -> None:
        for place, (_, until_ms) in list(self._raw.items()):
            if until_ms <= now_ms or len(self._raw) >= WAITING_MAX:
                del self._raw[place]
        self._raw[session, key_public_id] = (raw, now_ms + SHOW_WITHIN_MS)

    def take(self, session: bytes, key_public_id: str, now_ms: int) -> str | None:
        """The raw key, the first time it is asked for."""
        raw, until_ms = self._raw.pop((session, key_public_id), (None, 0))
        return raw if now_ms < until_ms else None
