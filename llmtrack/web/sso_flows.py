"""Browsers on their way to the provider and back: each state is good once, for minutes."""

from typing import NamedTuple

LIFE_MS = 10 * 60_000
WAITING_MAX = 10_000
SIGN_IN, LINK, PROOF, INVITATION = "sign in", "link", "proof", "invitation"


class Flow(NamedTuple):
    """`browser`: the digest of a cookie; the state alone proves nothing."""

    purpose: str
    browser: bytes
    nonce: str
    verifier: str
    next_path: str
    until_ms: int
    user_id: int | None = None
    """Who is signed in, where somebody has to be."""
    invitation: tuple[str, str] | None = None
    """Workspace and token."""


class SsoFlows:
    """In memory: a restart ends what is half done."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, Flow] = {}

    def put(self, state: bytes, flow: Flow, now_ms: int) -> None:
        for other, waiting in list(self._waiting.items()):
            if waiting.until_ms > now_ms and len(self._waiting) < WAITING_MAX:
                break  # the oldest are first
            del self._waiting[other]
        self._waiting[state] = flow

    def take(self, state: bytes, browser: bytes, now_ms: int) -> Flow | None:
        """None if it was used, is too old, or is another browser's."""
        flow = self._waiting.pop(state, None)
        if flow is None or flow.browser != browser or now_ms >= flow.until_ms:
            return None
        return flow
