"""Whether a password is somebody's: slowed down by failures, equally slow for nobody's."""

import asyncio
import logging

from aiohttp import web

from llmtrack.domain.errors import LLMtrackError
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.users import User, find_sign_in, rehash_password
from llmtrack.web.context import CLOCK_MS, DATABASE, PASSWORD_POOL, SIGN_IN_DELAYS

FAILURES_NOTED = 5
"""Of one address on one account within an hour: so many one by one."""

log = logging.getLogger(__name__)


class TooManyAttempts(LLMtrackError):
    """The address has to wait before it may try this account again."""

    def __init__(self, wait_s: int) -> None:
        text = f"{wait_s} s" if wait_s < 120 else f"{-(-wait_s // 60)} minutes"
        super().__init__(f"Too many attempts. Try again in {text}.")
        self.wait_s = wait_s


async def begin_attempt(request: web.Request, account: str) -> None:
    """Count an attempt before it is looked at: a hundred at once are not a hundred first tries.

    Raises TooManyAttempts.
    """
    delays, now_ms, ip = request.app[SIGN_IN_DELAYS], request.app[CLOCK_MS](), request.remote or ""
    wait_s = delays.wait_s(account, ip, now_ms)
    if wait_s:
        raise TooManyAttempts(wait_s)
    delays.failed(account, ip, now_ms)
    await asyncio.sleep(delays.pause_s(account, now_ms))


def attempt_succeeded(request: web.Request, account: str) -> None:
    request.app[SIGN_IN_DELAYS].succeeded(account, request.remote or "")


async def note_failure(
    request: web.Request, user: User | None, account: str, *, step: str = "password"
) -> None:
    """In the log, and the first few and then every doubling of them in the audit log.

    The same for accounts that there are and that there are not: neither text nor time tells.
    """
    # Not the address that was typed: people type passwords there.
    who = user.public_id if user else "nobody"
    log.warning("sign-in failed at the %s from %s for %s", step, request.remote or "", who)
    delays, now_ms, ip = request.app[SIGN_IN_DELAYS], request.app[CLOCK_MS](), request.remote or ""
    failures = delays.failures(account, ip, now_ms)
    if failures > FAILURES_NOTED and failures & (failures - 1):
        return
    await request.app[DATABASE].write_outside(
        record,
        workspace_id=None,
        actor=Actor(None, "somebody not signed in", request.remote),
        action="sign_in.fail",
        target=who,
        details={
            "step": step,
            "failures": failures,
            "wait_s": delays.wait_s(account, ip, now_ms),
        },
        now_ms=now_ms,
    )


async def user_behind(request: web.Request, email: str, password: str) -> User | None:
    """Who this is; an unknown account takes as long as a wrong password.

    The attempt stays counted as failed until `attempt_succeeded`. Raises TooManyAttempts.
    """
    app = request.app
    await begin_attempt(request, email)
    row = await find_sign_in(app[DATABASE], email)
    password_hash = row.password_hash if row else None
    fits = await app[PASSWORD_POOL].verify(password_hash, password)
    if row is None or password_hash is None or not fits:
        await note_failure(request, row.user if row else None, email)
        return None
    if app[PASSWORD_POOL].needs_rehash(password_hash):
        fresh = await app[PASSWORD_POOL].hash(password)
        await app[DATABASE].write_outside(rehash_password, row.user.id, password_hash=fresh)
    return row.user
