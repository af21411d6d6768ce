"""Memberships: what opens a workspace to a user, and in which role."""

import sqlite3
from dataclasses import dataclass

from llmtrack.domain.errors import NotFound
from llmtrack.domain.roles import Role
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database
from llmtrack.storage.scope import Scope

ADD_MEMBERSHIP = """
-- memberships.add_member
insert into membership (workspace_id, user_id, role, created_ms)
values (:workspace_id, :user_id, :role, :now_ms)
on conflict do update set role = excluded.role
returning (select public_id from user where id = user_id),
  (select email from user where id = user_id)
"""


def add_member(
    connection: sqlite3.Connection,
    workspace_id: int,
    user_id: int,
    *,
    role: Role,
    actor: Actor,
    now_ms: int,
) -> None:
    """Open the workspace to the user, or change their role in it."""
    values = {
        "workspace_id": workspace_id,
        "user_id": user_id,
        "role": role.value,
        "now_ms": now_ms,
    }
    public_id, email = connection.execute(ADD_MEMBERSHIP, values).fetchone()
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="member.set_role",
        target=public_id,
        details={"email": email, "role": role.value},
        now_ms=now_ms,
    )


@dataclass(frozen=True)
class Membership:
    """A workspace that a user may open."""

    public_id: str
    name: str
    role: Role
    requires_second_factor: bool = False


# Each workspace asks for its own row: memberships have no index across workspaces.
LIST_MEMBERSHIPS = """
-- memberships.memberships
select w.public_id, w.name, m.role, w.requires_second_factor
from workspace w cross join membership m on m.workspace_id = w.id and m.user_id = :user_id
order by w.name, w.id
"""


async def memberships(database: Database, user_id: int) -> list[Membership]:
    rows = await database.rows(LIST_MEMBERSHIPS, user_id=user_id)
    return [Membership(row[0], row[1], Role(row[2]), bool(row[3])) for row in rows]


FIND_MEMBERSHIP = """
-- memberships.scope_for_member
select w.id, w.public_id, w.name, w.time_zone, m.role
from workspace w
join membership m on m.workspace_id = w.id
join user u on u.id = m.user_id
where w.public_id = :public_id
  and m.user_id = :user_id
  and u.disabled_ms is null
"""


async def scope_for_member(database: Database, user_id: int, workspace_public_id: str) -> Scope:
    """The workspace as this user sees it. Raises NotFound, whether foreign or missing."""
    rows = await database.rows(FIND_MEMBERSHIP, user_id=user_id, public_id=workspace_public_id)
    if not rows:
        raise NotFound("no such workspace")
    [row] = rows
    return Scope(
        database,
        workspace_id=row["id"],
        public_id=row["public_id"],
        name=row["name"],
        time_zone=row["time_zone"],
        role=Role(row["role"]),
    )
