"""Notices: what the members of a workspace are told on every page (CONTRACT, promise 9)."""

import sqlite3
from dataclasses import dataclass

from llmtrack.domain.errors import InvalidValue, NotFound
from llmtrack.domain.identifiers import new_public_id
from llmtrack.domain.names import clean_lines
from llmtrack.domain.periods import DAY_MS, rfc3339
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.scope import Scope

TEXT_LENGTH_MAX = 1000
DAYS_MAX = 90
LISTED_MAX = 100


@dataclass(frozen=True)
class Notice:
    public_id: str
    text: str
    created_ms: int
    created_by: str
    ends_ms: int
    withdrawn_ms: int | None

    def state(self, now_ms: int) -> str:
        """`shown`, `withdrawn` or `ended`."""
        if self.withdrawn_ms is not None:
            return "withdrawn"
        return "shown" if self.ends_ms > now_ms else "ended"


_COLUMNS = "public_id, text, created_ms, created_by, ends_ms, withdrawn_ms"
SHOWN_NOTICES = f"""
-- notices.shown_notices
select {_COLUMNS}
from notice
where workspace_id = :workspace_id and withdrawn_ms is null and ends_ms > :now_ms
order by created_ms desc, public_id
"""  # noqa: S608 - names of columns
LIST_NOTICES = f"""
-- notices.list_notices
select {_COLUMNS}
from notice
where workspace_id = :workspace_id
order by created_ms desc, public_id
limit {LISTED_MAX}
"""  # noqa: S608 - names of columns


async def shown_notices(scope: Scope, *, now_ms: int) -> list[Notice]:
    """What every page shows now, the newest first."""
    return [Notice(*row) for row in await scope.rows(SHOWN_NOTICES, now_ms=now_ms)]


async def list_notices(scope: Scope) -> list[Notice]:
    """Also those that have ended, the newest hundred."""
    return [Notice(*row) for row in await scope.rows(LIST_NOTICES)]


ADD_NOTICE = """
-- notices.publish_notice
insert into notice (workspace_id, public_id, text, created_ms, created_by, ends_ms)
values (:workspace_id, :public_id, :text, :created_ms, :created_by, :ends_ms)
"""


def publish_notice(
    connection: sqlite3.Connection,
    workspace_id: int,
    *,
    text: str,
    days: int,
    actor: Actor,
    now_ms: int,
) -> Notice:
    """From now on, for that many days. Raises InvalidValue."""
    if not 1 <= days <= DAYS_MAX:
        raise InvalidValue("days", f"days must be 1 to {DAYS_MAX}")
    made = Notice(
        public_id=new_public_id("ntc"),
        text=clean_lines("text", text, length_max=TEXT_LENGTH_MAX),
        created_ms=now_ms,
        created_by=actor.text,
        ends_ms=now_ms + days * DAY_MS,
        withdrawn_ms=None,
    )
    connection.execute(ADD_NOTICE, {"workspace_id": workspace_id, **vars(made)})
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="notice.publish",
        target=made.public_id,
        details={"text": made.text, "until": rfc3339(made.ends_ms)},
        now_ms=now_ms,
    )
    return made


WITHDRAW_NOTICE = """
-- notices.withdraw_notice
update notice
set withdrawn_ms = :now_ms
where workspace_id = :workspace_id
  and public_id = :public_id
  and withdrawn_ms is null
  and ends_ms > :now_ms
"""


def withdraw_notice(
    connection: sqlite3.Connection, workspace_id: int, public_id: str, *, actor: Actor, now_ms: int
) -> None:
    """No page shows it any more. Raises NotFound."""
    values = {"workspace_id": workspace_id, "public_id": public_id, "now_ms": now_ms}
    if not connection.execute(WITHDRAW_NOTICE, values).rowcount:
        raise NotFound("no such notice is shown")
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="notice.withdraw",
        target=public_id,
        details={},
        now_ms=now_ms,
    )
