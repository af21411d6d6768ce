"""A user's own change of password: the sessions that the old one opened end with it."""

import sqlite3

from llmtrack.storage.audit import Actor, record
from llmtrack.storage.sessions import revoke_sessions
from llmtrack.storage.users import User

CHANGE_PASSWORD = """
-- own_password.change_password
update user set password_hash = :password_hash where id = :user_id
"""  # noqa: S105 - a statement
END_LINKS = """
-- own_password.change_password
delete from login_link where user_id = :user_id
"""


def change_password(
    connection: sqlite3.Connection,
    user: User,
    *,
    password_hash: str,
    session: bytes,
    actor: Actor,
    now_ms: int,
) -> int:
    """Every session but this one ends; how many did."""
    connection.execute(CHANGE_PASSWORD, {"user_id": user.id, "password_hash": password_hash})
    connection.execute(END_LINKS, {"user_id": user.id})
    ended = revoke_sessions(connection, user, but=session, actor=actor, now_ms=now_ms)
    record(
        connection,
        workspace_id=None,
        actor=actor,
        action="user.change_password",
        target=user.public_id,
        details={"email": user.email, "sessions_ended": ended},
        now_ms=now_ms,
    )
    return ended
