"""Browser sessions: a digest of the cookie's token, and until when it is good."""

import sqlite3
from dataclasses import dataclass

from llmtrack.domain.errors import NotFound
from llmtrack.domain.identifiers import new_public_id
from llmtrack.storage.audit import Actor
from llmtrack.storage.database import Database
from llmtrack.storage.user_audit import record_of_user
from llmtrack.storage.users import USER_COLUMNS, User, user_of

USER_AGENT_LENGTH_MAX = 200
IDLE_MS = 7 * 24 * 3_600_000
LIFE_MS = 30 * 24 * 3_600_000
PROOF_MS = 15 * 60_000
"""How long a proof of identity is good for what must not be done by a borrowed browser."""


@dataclass(frozen=True)
class Session:
    user: User
    created_ms: int
    last_seen_ms: int
    expires_ms: int
    proved_ms: int
    how: str


ADD_SESSION = """
-- sessions.create_session
insert into session (
  token_digest, public_id, user_id, how, created_ms, last_seen_ms, proved_ms, expires_ms, ip,
  user_agent
)
values (
  :digest, :public_id, :user_id, :how, :now_ms, :now_ms, :now_ms, :expires_ms, :ip, :user_agent
)
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
    how: str = "password",
    now_ms: int,
    ip: str = "",
    user_agent: str = "",
) -> None:
    """Also sweeps out what has run out: no job is needed for it."""
    connection.execute(DELETE_EXPIRED, {"now_ms": now_ms, "idle_since_ms": now_ms - IDLE_MS})
    values = {
        "digest": digest,
        "public_id": new_public_id("ses"),
        "user_id": user_id,
        "how": how,
        "now_ms": now_ms,
        "expires_ms": now_ms + LIFE_MS,
        "ip": ip,
        "user_agent": user_agent[:USER_AGENT_LENGTH_MAX],
    }
    connection.execute(ADD_SESSION, values)


FIND_SESSION = f"""
-- sessions.find_session
select {USER_COLUMNS}, s.created_ms as since_ms, s.last_seen_ms, s.expires_ms, s.proved_ms, s.how
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
    return Session(
        user_of(row),
        row["since_ms"],
        row["last_seen_ms"],
        row["expires_ms"],
        row["proved_ms"],
        row["how"],
    )


@dataclass(frozen=True)
class OpenSession:
    """A session as its user sees it in a list."""

    public_id: str
    how: str
    created_ms: int
    last_seen_ms: int
    ip: str
    user_agent: str
    is_own: bool
    """Whether it is the one that asks."""


LIST_SESSIONS = """
-- sessions.list_sessions
select public_id, how, created_ms, last_seen_ms, ip, user_agent, token_digest = :asking
from session
where user_id = :user_id and expires_ms > :now_ms and last_seen_ms > :idle_since_ms
order by last_seen_ms desc
"""


async def list_sessions(
    database: Database, user_id: int, *, asking: bytes = b"", now_ms: int
) -> list[OpenSession]:
    rows = await database.rows(
        LIST_SESSIONS,
        user_id=user_id,
        asking=asking,
        now_ms=now_ms,
        idle_since_ms=now_ms - IDLE_MS,
    )
    return [
        OpenSession(row[0], row[1], row[2], row[3], row[4], row[5], bool(row[6])) for row in rows
    ]


TOUCH_SESSION = """
-- sessions.touch_session
update session set last_seen_ms = :now_ms where token_digest = :digest
"""


def touch_session(connection: sqlite3.Connection, digest: bytes, *, now_ms: int) -> None:
    connection.execute(TOUCH_SESSION, {"digest": digest, "now_ms": now_ms})


PROVE_SESSION = """
-- sessions.prove_session
update session
set token_digest = :new_digest,
    proved_ms = :now_ms,
    last_seen_ms = :now_ms,
    how = coalesce(:how, how)
where token_digest = :digest
"""


def prove_session(
    connection: sqlite3.Connection,
    digest: bytes,
    new_digest: bytes,
    *,
    how: str | None = None,
    now_ms: int,
) -> None:
    """The user has proved to be there: the session goes on under a new token."""
    values = {"digest": digest, "new_digest": new_digest, "how": how, "now_ms": now_ms}
    connection.execute(PROVE_SESSION, values)


END_SESSION = """
-- sessions.end_session
delete from session where token_digest = :digest
"""


def end_session(connection: sqlite3.Connection, digest: bytes) -> None:
    connection.execute(END_SESSION, {"digest": digest})


REVOKE_SESSION = """
-- sessions.revoke_session
delete from session where user_id = :user_id and public_id = :public_id
"""


def revoke_session(
    connection: sqlite3.Connection, user: User, public_id: str, *, actor: Actor, now_ms: int
) -> None:
    """End one session of this user. Raises NotFound."""
    values = {"user_id": user.id, "public_id": public_id}
    if connection.execute(REVOKE_SESSION, values).rowcount == 0:
        raise NotFound("no such session")
    record_of_user(connection, "session.revoke", user, {"session": public_id}, (actor, now_ms))


REVOKE_SESSIONS = """
-- sessions.revoke_sessions
delete from session where user_id = :user_id and token_digest <> :but
"""


def revoke_sessions(
    connection: sqlite3.Connection, user: User, *, but: bytes = b"", actor: Actor, now_ms: int
) -> int:
    """End all sessions of this user but one; how many there were."""
    ended = connection.execute(REVOKE_SESSIONS, {"user_id": user.id, "but": but}).rowcount
    if ended:
        record_of_user(connection, "session.revoke_all", user, {"sessions": ended}, (actor, now_ms))
    return ended


FORGET_PROOF = """
-- sessions.forget_proof
update session set proved_ms = 0 where user_id = :user_id
"""


def forget_proof(connection: sqlite3.Connection, user_id: int) -> None:
    """Their rights have changed: the next sensitive step needs a new proof and token."""
    connection.execute(FORGET_PROOF, {"user_id": user_id})
