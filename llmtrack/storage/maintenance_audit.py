"""The audit log across workspaces: whether its chains are whole, and where they end."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from llmtrack.storage.audit import CHAIN_COLUMNS, ENTRY_COLUMNS, Verdict, verify
from llmtrack.storage.database import Database
from llmtrack.storage.maintenance import has_table

ALL_AUDIT_ENTRIES = f"""
-- maintenance_audit.all_audit_entries
select a.workspace_id, w.public_id as workspace, {ENTRY_COLUMNS.replace("id,", "a.id,", 1)},
  a.actor_user_id, a.previous_hash, a.hash
from audit_log a left join workspace w on w.id = a.workspace_id
where (:workspace is null or w.public_id = :workspace or w.name = :workspace)
  and (:action is null or action = :action or action like :action || '.%')
  and (:start_ms is null or timestamp_ms >= :start_ms)
  and (:end_ms is null or timestamp_ms < :end_ms)
order by timestamp_ms desc, a.workspace_id, a.id desc
limit :most
"""  # noqa: S608 - constants


def all_audit_entries(
    connection: sqlite3.Connection,
    *,
    workspace: str | None = None,
    action: str | None = None,
    start_ms: int | None = None,
    end_ms: int | None = None,
    most: int = -1,
) -> list[sqlite3.Row]:
    """The newest first, of one workspace (public id or name) or of all and the instance."""
    values = {
        "workspace": workspace,
        "action": action,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "most": most,
    }
    return connection.execute(ALL_AUDIT_ENTRIES, values).fetchall()


ALL_AUDIT_CHAINS = f"""
-- maintenance_audit.all_audit_verdict
select {CHAIN_COLUMNS} from audit_log order by workspace_id, id
"""  # noqa: S608 - a constant


def all_audit_verdict(connection: sqlite3.Connection) -> Verdict:
    """Walk every chain of the audit log."""
    return verify(connection.execute(ALL_AUDIT_CHAINS))


class AuditHead(NamedTuple):
    """The last entry of a chain; `workspace_id` 0 is the instance's. `hash`: hex."""

    workspace_id: int
    id: int
    hash: str


ALL_AUDIT_HEADS = """
-- maintenance_audit.all_audit_heads
select a.workspace_id, a.id, a.hash
from audit_log a
join (select workspace_id, max(id) as id from audit_log group by workspace_id) last
  on last.workspace_id = a.workspace_id and last.id = a.id
order by a.workspace_id
"""


def all_audit_heads(connection: sqlite3.Connection) -> list[AuditHead]:
    """What to keep outside of the file: it shows when entries are cut off a chain's end.

    None in a file of a version that had no audit log.
    """
    if not has_table(connection, "audit_log"):
        return []
    return [AuditHead(row[0], row[1], row[2].hex()) for row in connection.execute(ALL_AUDIT_HEADS)]


async def all_audit_heads_now(database: Database) -> list[AuditHead]:
    """The same of the database that a server has open."""
    return [AuditHead(row[0], row[1], row[2].hex()) for row in await database.rows(ALL_AUDIT_HEADS)]


def heads_text(heads: Sequence[AuditHead]) -> str:
    """Heads on one line, as a backup's manifest keeps them."""
    return ",".join(f"{head.workspace_id}:{head.id}:{head.hash}" for head in heads)


def heads_of(text: str) -> list[AuditHead]:
    """What `heads_text` wrote. Raises ValueError."""
    parts = [part.split(":") for part in text.split(",") if part]
    return [AuditHead(int(workspace), int(number), digest) for workspace, number, digest in parts]


ALL_AUDIT_AT = """
-- maintenance_audit.all_audit_missing
select hash from audit_log where workspace_id = :workspace_id and id = :id
"""


def all_audit_missing(connection: sqlite3.Connection, heads: Sequence[AuditHead]) -> list[str]:
    """Which of the heads that were kept are not in the log as they were."""
    faults = []
    for head in heads:
        values = {"workspace_id": head.workspace_id, "id": head.id}
        row = connection.execute(ALL_AUDIT_AT, values).fetchone()
        if row is None or row[0].hex() != head.hash:
            what = "is missing" if row is None else "is another one"
            faults.append(f"workspace {head.workspace_id} entry {head.id}: {what}")
    return faults
