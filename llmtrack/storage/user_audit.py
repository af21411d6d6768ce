"""What happens to a user's way in, in the audit log of the instance."""

import sqlite3
from collections.abc import Mapping

from llmtrack.storage.audit import Actor, record
from llmtrack.storage.users import User


def record_of_user(
    connection: sqlite3.Connection,
    action: str,
    user: User,
    details: Mapping[str, object],
    by: tuple[Actor, int],
) -> None:
    """`by`: who did it, and when."""
    record(
        connection,
        workspace_id=None,
        actor=by[0],
        action=action,
        target=user.public_id,
        details={"email": user.email, **details},
        now_ms=by[1],
    )
