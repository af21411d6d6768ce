"""Challenges for passkeys: each is bound to a browser, good for minutes and for one answer."""

import secrets

CHALLENGE_BYTES = 32
LIFE_MS = 5 * 60_000
WAITING_MAX = 10_000


class PasskeyChallenges:
    """In memory: a restart ends what is half done."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[bytes, str], tuple[bytes, int]] = {}

    def put(self, browser: bytes, purpose: str, now_ms: int) -> bytes:
        """A new one; the browser's last one for the same purpose is worth nothing any more."""
        for place, (_, until_ms) in list(self._waiting.items()):
            if until_ms > now_ms and len(self._waiting) < WAITING_MAX:
                break  # the oldest are first
            del self._waiting[place]
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        self._waiting.pop((browser, purpose), None)
        self._waiting[browser, purpose] = (challenge, now_ms + LIFE_MS)
        return challenge

    def take(self, browser: bytes, purpose: str, now_ms: int) -> bytes | None:
        challenge, until_ms = self._waiting.pop((browser, purpose), (None, 0))
        return challenge if now_ms < until_ms else None
