"""Looking in: an administrator of the instance is no member, and needs leave to read.

A grant says who, why and until when; it opens the workspace as a viewer's, and it is in the
workspace's own audit log and on its pages.
"""

import sqlite3
from dataclasses import dataclass

from llmtrack.domain.errors import InvalidValue, NotFound, Refused
from llmtrack.domain.identifiers import new_public_id
from llmtrack.domain.names import clean_name
from llmtrack.domain.periods import rfc3339
from llmtrack.domain.roles import Role
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database
from llmtrack.storage.scope import Scope
from llmtrack.storage.users import User

HOUR_MS = 3_600_000
HOURS_MAX = 24


@dataclass(frozen=True)
class Grant:
    public_id: str
    workspace: str
    workspace_public_id: str
    email: str
    reason: str
    created_ms: int
    created_by: str
    expires_ms: int


ADD_GRANT = """
-- access_grants.create_grant
insert into access_grant (
  workspace_id, public_id, user_id, reason, created_ms, created_by, expires_ms
)
values (:workspace_id, :public_id, :user_id, :reason, :now_ms, :created_by, :expires_ms)
"""


def create_grant(
    connection: sqlite3.Connection,
    workspace_id: int,
    user: User,
    *,
    reason: str,
    hours: int,
    actor: Actor,
    now_ms: int,
) -> str:
    """Its public id. Raises InvalidValue, Refused."""
    if not user.is_admin or user.disabled_ms is not None:
        text = f"{user.email} is no administrator of the instance"
        raise Refused(text, fix="an owner or admin of the workspace can invite them")
    if not 1 <= hours <= HOURS_MAX:
        raise InvalidValue("hours", f"a grant is for 1 to {HOURS_MAX} hours")
    public_id = new_public_id("grt")
    values = {
        "workspace_id": workspace_id,
        "public_id": public_id,
        "user_id": user.id,
        "reason": clean_name("reason", reason),
        "now_ms": now_ms,
        "created_by": actor.text,
        "expires_ms": now_ms + hours * HOUR_MS,
    }
    connection.execute(ADD_GRANT, values)
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="access_grant.create",
        target=public_id,
        details={
            "email": user.email,
            "reason": values["reason"],
            "until": rfc3339(now_ms + hours * HOUR_MS),
        },
        now_ms=now_ms,
    )
    return public_id


_COLUMNS = """
g.public_id, w.name, w.public_id, u.email, g.reason, g.created_ms, g.created_by, g.expires_ms
"""
LIST_GRANTS = f"""
-- access_grants.list_grants
select {_COLUMNS}
from workspace w
join access_grant g on g.workspace_id = w.id
join user u on u.id = g.user_id
where w.id = :workspace_id and g.ended_ms is null and g.expires_ms > :now_ms
order by g.created_ms desc, g.public_id
"""  # noqa: S608 - a constant


async def list_grants(scope: Scope, *, now_ms: int) -> list[Grant]:
    """Those in force in a workspace."""
    return [Grant(*row) for row in await scope.rows(LIST_GRANTS, now_ms=now_ms)]


# Each workspace asks for its own: grants have no index across workspaces.
LIST_OWN_GRANTS = f"""
-- access_grants.grants_of
select {_COLUMNS}
from workspace w
cross join access_grant g on g.workspace_id = w.id and g.user_id = :user_id
join user u on u.id = g.user_id
where g.ended_ms is null and g.expires_ms > :now_ms
order by w.name, g.expires_ms
"""  # noqa: S608 - a constant


async def grants_of(database: Database, user_id: int, *, now_ms: int) -> list[Grant]:
    """What a user may look into at the moment."""
    rows = await database.rows(LIST_OWN_GRANTS, user_id=user_id, now_ms=now_ms)
    return [Grant(*row) for row in rows]


END_GRANT = """
-- access_grants.end_grant
update access_grant
set ended_ms = :now_ms
where workspace_id = :workspace_id
  and public_id = :public_id
  and ended_ms is null
  and expires_ms > :now_ms
returning (select email from user where id = user_id)
"""


def end_grant(
    connection: sqlite3.Connection, workspace_id: int, public_id: str, *, actor: Actor, now_ms: int
) -> None:
    """Their next request finds nothing. Raises NotFound."""
    values = {"workspace_id": workspace_id, "public_id": public_id, "now_ms": now_ms}
    row = connection.execute(END_GRANT, values).fetchone()
    if row is None:
        raise NotFound("no such grant")
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="access_grant.end",
        target=public_id,
        details={"email": row[0]},
        now_ms=now_ms,
    )


@dataclass(frozen=True)
class GrantedScope:
    scope: Scope
    expires_ms: int
    requires_second_factor: bool


FIND_GRANT = """
-- access_grants.scope_by_grant
select w.id, w.public_id, w.name, w.time_zone, w.requires_second_factor, max(g.expires_ms)
from workspace w
join access_grant g on g.workspace_id = w.id
join user u on u.id = g.user_id
where w.public_id = :public_id
  and g.user_id = :user_id
  and g.ended_ms is null
  and g.expires_ms > :now_ms
  and u.is_admin
  and u.disabled_ms is null
group by w.id
"""


async def scope_by_grant(
    database: Database, user_id: int, workspace_public_id: str, *, now_ms: int
) -> GrantedScope:
    """The workspace as a viewer sees it. Raises NotFound, whether foreign or missing."""
    values = {"user_id": user_id, "public_id": workspace_public_id, "now_ms": now_ms}
    rows = await database.rows(FIND_GRANT, **values)
    if not rows:
        raise NotFound("no such workspace")
    [row] = rows
    scope = Scope(
        database,
        workspace_id=row[0],
        public_id=row[1],
        name=row[2],
        time_zone=row[3],
        role=Role.VIEWER,
    )
    return GrantedScope(scope, row[5], bool(row[4]))
