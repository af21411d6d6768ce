"""Sign-ins and enrolments that are half done, in memory for some minutes: a restart ends them."""

from typing import NamedTuple

from aiohttp import web

from llmtrack.storage.users import User

LIFE_MS = 10 * 60_000
WAITING_MAX = 10_000


class HalfSignedIn(NamedTuple):
    """The password was right; the second factor is missing."""

    user: User
    how: str
    next_path: str
    until_ms: int


class Enrolment(NamedTuple):
    """The secret that an authenticator app has been shown."""

    secret: str
    until_ms: int


class PendingSteps:
    def __init__(self) -> None:
        self._steps: dict[bytes, HalfSignedIn | Enrolment] = {}

    def put(self, key: bytes, step: HalfSignedIn | Enrolment, now_ms: int) -> None:
        for other, waiting in list(self._steps.items()):
            if waiting.until_ms <= now_ms or len(self._steps) >= WAITING_MAX:
                del self._steps[other]
        self._steps[key] = step

    def sign_in(self, key: bytes, now_ms: int) -> HalfSignedIn | None:
        step = self._steps.get(key)
        return step if isinstance(step, HalfSignedIn) and now_ms < step.until_ms else None

    def enrolment(self, key: bytes, now_ms: int) -> Enrolment | None:
        step = self._steps.get(key)
        return step if isinstance(step, Enrolment) and now_ms < step.until_ms else None

    def drop(self, key: bytes) -> None:
        self._steps.pop(key, None)


PENDING_STEPS = web.AppKey("pending_steps", PendingSteps)
