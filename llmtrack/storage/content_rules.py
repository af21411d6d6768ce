"""What a workspace does with content and secrets in metadata, and what was taken out."""

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database
from llmtrack.storage.scope import Scope

READ_KEEPERS = """
-- content_rules.keepers
select workspace_id from content_rule where keeps_content
"""


async def keepers(database: Database) -> frozenset[int]:
    """The workspaces that keep what comes: for the way in, which serves all of them."""
    return frozenset(row[0] for row in await database.rows(READ_KEEPERS))


READ_RULE = """
-- content_rules.keeps_content
select keeps_content from content_rule where workspace_id = :workspace_id
"""


async def keeps_content(scope: Scope) -> bool:
    rows = await scope.rows(READ_RULE)
    return bool(rows and rows[0][0])


SET_RULE = """
-- content_rules.set_keeps_content
insert into content_rule (workspace_id, keeps_content, set_ms, set_by)
values (:workspace_id, :keeps, :now_ms, :set_by)
on conflict (workspace_id) do update
set keeps_content = excluded.keeps_content, set_ms = excluded.set_ms, set_by = excluded.set_by
"""


def set_keeps_content(
    connection: sqlite3.Connection, workspace_id: int, *, keeps: bool, actor: Actor, now_ms: int
) -> None:
    values = {
        "workspace_id": workspace_id,
        "keeps": int(keeps),
        "now_ms": now_ms,
        "set_by": actor.text,
    }
    connection.execute(SET_RULE, values)
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="content_rule.set",
        target="metadata",
        details={"keeps_content": keeps},
        now_ms=now_ms,
    )


class ScrubbedDay(NamedTuple):
    """Of one key on one UTC day (days since 1970)."""

    workspace_id: int
    day: int
    key_id: int


class Counts(NamedTuple):
    events: int = 0
    dropped: int = 0
    masked: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return Counts(*(mine + more for mine, more in zip(self, other, strict=True)))


ADD_COUNTS = """
-- content_rules.add_counts
insert into scrubbed_day (workspace_id, day, key_id, events, dropped, masked)
values (?, ?, ?, ?, ?, ?)
on conflict do update set events = events + excluded.events,
  dropped = dropped + excluded.dropped, masked = masked + excluded.masked
"""


def add_counts(connection: sqlite3.Connection, counts: Mapping[ScrubbedDay, Counts]) -> None:
    connection.executemany(ADD_COUNTS, [(*day, *count) for day, count in counts.items()])


READ_COUNTS = """
-- content_rules.counts_by_key
select k.public_id, k.name, k.deleted_ms, sum(s.events), sum(s.dropped), sum(s.masked), max(s.day)
from scrubbed_day s join api_key k on k.workspace_id = s.workspace_id and k.id = s.key_id
where s.workspace_id = :workspace_id and s.day > :after_day
group by k.id
order by 4 desc, k.name
"""


class KeyCounts(NamedTuple):
    public_id: str
    name: str
    is_deleted: bool
    counts: Counts
    last_day: int


async def counts_by_key(scope: Scope, *, after_day: int) -> list[KeyCounts]:
    rows = await scope.rows(READ_COUNTS, after_day=after_day)
    return [
        KeyCounts(row[0], row[1], row[2] is not None, Counts(row[3], row[4], row[5]), row[6])
        for row in rows
    ]
