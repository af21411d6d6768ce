"""Browser sessions: a digest of the cookie's token, and until when it is good."""

import sqlite3
from dataclasses import dataclass

from llmtrack.storage.database import Database
from llmtrack.storage.users import USER_COLUMNS, User, user_of

USER_AGENT_LENGTH_MAX = 200
IDLE_MS = 7 * 24 * 3_600_000
LIFE_MS = 30 * 24 * 3_600_000


@dataclass(frozen=True)
class Session:
    user: User
    created_ms: int
    last_seen_ms: int
    expires_ms: int


ADD_SESSION = """
-- sessions.create_session
insert into session (token_digest, user_id, created_ms, last_seen_ms, expires_ms, ip, user_agent)
values (:digest, :user_id, :now_ms, :now_ms, :expires_ms, :ip, :user_agent)
"""
DELETE_EXPIRED = """
-- sessions.create_session
delete from session where expires_ms <= :now_ms or last_seen_ms <= :idle_since_ms
"""


def create_session(
    connection: sqlite3.Connection,
    digest: bytes,
    user_id: int,
    *,
    now_ms: int,
    ip: str = "",
    user_agent: str = "",
) -> None:
    """Also sweeps out what has run out: no job is needed for it."""
    connection.execute(DELETE_EXPIRED, {"now_ms": now_ms, "idle_since_ms": now_ms - IDLE_MS})
    values = {
        "digest": digest,
        "user_id": user_id,
        "now_ms": now_ms,
        "expires_ms": now_ms + LIFE_MS,
        "ip": ip,
        "user_agent": user_agent[:USER_AGENT_LENGTH_MAX],
    }
    connection.execute(ADD_SESSION, values)


FIND_SESSION = f"""
-- sessions.find_session
select {USER_COLUMNS}, s.created_ms as since_ms, s.last_seen_ms, s.expires_ms
from session s join user on user.id = s.user_id
where s.token_digest = :digest
  and s.expires_ms > :now_ms
  and s.last_seen_ms > :idle_since_ms
  and user.disabled_ms is null
"""  # noqa: S608 - a constant


async def find_session(database: Database, digest: bytes, *, now_ms: int) -> Session | None:
    """A session that is still good; None if unknown, expired, idle or of a disabled user."""
    rows = await database.rows(
        FIND_SESSION, digest=digest, now_ms=now_ms, idle_since_ms=now_ms - IDLE_MS
    )
    if not rows:
        return None
    [row] = rows
    return Session(user_of(row), row["since_ms"], row["last_seen_ms"], row["expires_ms"])


TOUCH_SESSION = """
-- sessions.touch_session
update session set last_seen_ms = :now_ms where token_digest = :digest
"""


def touch_session(connection: sqlite3.Connection, digest: bytes, *, now_ms: int) -> None:
    connection.execute(TOUCH_SESSION, {"digest": digest, "now_ms": now_ms})


END_SESSION = """
-- sessions.end_session
delete from session where token_digest = :digest
"""


def end_session(connection: sqlite3.Connection, digest: bytes) -> None:
    connection.execute(END_SESSION, {"digest": digest})
