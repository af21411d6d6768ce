"""What the audit log says of prices of one's own, from the values that their rows are made of."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from llmtrack.storage.audit import Actor, record

_TOLD_APART = frozenset({"workspace_id", "public_id", "created_ms", "created_by"})


def audit_created(
    connection: sqlite3.Connection, workspace_id: int | None, noun: str, values: Mapping[str, Any]
) -> None:
    """Inside the transaction of the new row."""
    record(
        connection,
        workspace_id=workspace_id,
        actor=Actor(None, values["created_by"]),
        action=f"{noun}.create",
        target=values["public_id"],
        details={
            name: value for name, value in values.items() if value and name not in _TOLD_APART
        },
        now_ms=values["created_ms"],
    )


def audit_revoked(
    connection: sqlite3.Connection, workspace_id: int | None, noun: str, values: Mapping[str, Any]
) -> None:
    record(
        connection,
        workspace_id=workspace_id,
        actor=Actor(None, values["by"]),
        action=f"{noun}.revoke",
        target=values["public_id"],
        details={},
        now_ms=values["now_ms"],
    )
