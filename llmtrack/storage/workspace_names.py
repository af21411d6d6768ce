"""Another name for a workspace."""

import sqlite3

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.names import clean_name
from llmtrack.storage.audit import Actor, record

FIND_OTHER = """
-- workspace_names.rename_workspace
select 1 from workspace where name = :name and id <> :workspace_id
"""
READ_NAME = """
-- workspace_names.rename_workspace
select name from workspace where id = :workspace_id
"""
SET_NAME = """
-- workspace_names.rename_workspace
update workspace set name = :name where id = :workspace_id returning public_id
"""


def rename_workspace(
    connection: sqlite3.Connection, workspace_id: int, *, name: str, actor: Actor, now_ms: int
) -> None:
    """Raises InvalidValue: commands name workspaces, so names are unique."""
    values = {"workspace_id": workspace_id, "name": clean_name("name", name)}
    [before] = connection.execute(READ_NAME, {"workspace_id": workspace_id}).fetchone()
    if before == values["name"]:
        return
    if connection.execute(FIND_OTHER, values).fetchone():
        raise InvalidValue("name", "another workspace has this name", fix="choose another one")
    [public_id] = connection.execute(SET_NAME, values).fetchone()
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="workspace.rename",
        target=public_id,
        details={"from": before, "to": values["name"]},
        now_ms=now_ms,
    )
