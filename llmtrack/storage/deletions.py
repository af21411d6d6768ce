"""The ledger of what was deleted for good: kept so that a restore does not bring it back."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from llmtrack.domain.identifiers import new_public_id


class Deletion(NamedTuple):
    """`subject`: a cutoff in epoch ms (events), a digest (customer), else a public id."""

    public_id: str
    kind: str
    workspace_public_id: str
    subject: str
    keep_totals: bool
    begun_ms: int
    finished_ms: int | None
    removed: dict[str, int]


def customer_digest(workspace_public_id: str, customer_id: str) -> str:
    """Names an erased customer to nobody who does not know the id already."""
    return hashlib.sha256(f"{workspace_public_id}\0{customer_id}".encode()).hexdigest()


ADD_DELETION = """
-- deletions.note_deletion
insert into deletion_ledger
  (public_id, kind, workspace_public_id, subject, keep_totals, begun_ms, finished_ms, removed)
values
  (:public_id, :kind, :workspace_public_id, :subject, :keep_totals, :begun_ms, :finished_ms,
   :removed)
on conflict (public_id) do nothing
"""


def note_deletion(
    connection: sqlite3.Connection,
    *,
    kind: str,
    workspace_public_id: str = "",
    subject: str,
    keep_totals: bool = True,
    now_ms: int,
    finished: bool = False,
) -> Deletion:
    """Write down what is going to be deleted, in or before the transaction that does it."""
    deletion = Deletion(
        new_public_id("del"),
        kind,
        workspace_public_id,
        subject,
        keep_totals,
        now_ms,
        now_ms if finished else None,
        {},
    )
    add_deletions(connection, [deletion])
    return deletion


def add_deletions(connection: sqlite3.Connection, deletions: Iterable[Deletion]) -> None:
    """Those that are there already stay as they are."""
    for deletion in deletions:
        values = deletion._asdict() | {
            "keep_totals": int(deletion.keep_totals),
            "removed": json.dumps(deletion.removed),
        }
        connection.execute(ADD_DELETION, values)


NOTE_REMOVED = """
-- deletions.note_removed
update deletion_ledger set removed = :removed where public_id = :public_id
"""


def note_removed(connection: sqlite3.Connection, public_id: str, removed: dict[str, int]) -> None:
    """What a deletion that goes on has removed so far."""
    connection.execute(NOTE_REMOVED, {"public_id": public_id, "removed": json.dumps(removed)})


FINISH_DELETION = """
-- deletions.finish_deletion
update deletion_ledger
set finished_ms = :now_ms, removed = :removed
where public_id = :public_id
"""


def finish_deletion(
    connection: sqlite3.Connection, public_id: str, *, removed: dict[str, int], now_ms: int
) -> None:
    values = {"public_id": public_id, "removed": json.dumps(removed), "now_ms": now_ms}
    connection.execute(FINISH_DELETION, values)


ALL_DELETIONS = """
-- deletions.all_deletions
select public_id, kind, workspace_public_id, subject, keep_totals, begun_ms, finished_ms, removed
from deletion_ledger
order by id
"""


def all_deletions(connection: sqlite3.Connection) -> list[Deletion]:
    return [_deletion(row) for row in connection.execute(ALL_DELETIONS)]


def _deletion(row: Sequence[Any]) -> Deletion:
    public_id, kind, workspace_public_id, subject, keep_totals, begun_ms, finished_ms, removed = row
    return Deletion(
        public_id,
        kind,
        workspace_public_id,
        subject,
        bool(keep_totals),
        begun_ms,
        finished_ms,
        json.loads(removed),
    )
