"""Whether a workspace opens only to those who signed in with a second factor."""

import sqlite3

from llmtrack.storage.audit import Actor, record
from llmtrack.storage.scope import Scope

FIND_RULE = """
-- factor_rules.requires_second_factor
select requires_second_factor from workspace where id = :workspace_id
"""


async def requires_second_factor(scope: Scope) -> bool:
    [row] = await scope.rows(FIND_RULE)
    return bool(row[0])


SET_RULE = """
-- factor_rules.require_second_factor
update workspace
set requires_second_factor = :required
where id = :workspace_id
returning public_id
"""


def require_second_factor(
    connection: sqlite3.Connection, workspace_id: int, *, required: bool, actor: Actor, now_ms: int
) -> None:
    """Holds from the next request on, for everybody."""
    values = {"workspace_id": workspace_id, "required": int(required)}
    [public_id] = connection.execute(SET_RULE, values).fetchone()
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="workspace.require_second_factor",
        target=public_id,
        details={"required": required},
        now_ms=now_ms,
    )
