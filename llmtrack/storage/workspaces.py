"""Workspaces: the tenants of the instance, their plan, who is in them."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from llmtrack.domain.errors import AlreadyExists, InvalidValue, NotFound
from llmtrack.domain.identifiers import new_public_id
from llmtrack.domain.names import clean_name
from llmtrack.domain.periods import month_of, zone
from llmtrack.domain.plans import ACTIVE, Plan
from llmtrack.domain.roles import Role
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database
from llmtrack.storage.scope import Scope

_COLUMNS = """
id, public_id, name, time_zone, plan_name, plan_monthly_events, plan_billing_status,
created_ms, suspended_ms
"""


@dataclass(frozen=True)
class Workspace:
    id: int
    public_id: str
    name: str
    time_zone: str
    plan: Plan
    created_ms: int
    suspended_ms: int | None


FIND_WORKSPACES = f"""
-- workspaces.named
select {_COLUMNS}
from workspace
where public_id = :name or name = :name
order by public_id = :name desc
limit 2
"""  # noqa: S608 - a constant


def named(connection: sqlite3.Connection, name: str) -> Workspace:
    """The workspace of that public id, or of that exact name. Raises NotFound."""
    rows = connection.execute(FIND_WORKSPACES, {"name": name}).fetchall()
    return _only(rows, name)


async def find_workspace(database: Database, name: str) -> Workspace:
    """As `named`, on a reader."""
    return _only(list(await database.rows(FIND_WORKSPACES, name=name)), name)


async def scope_for_admin(database: Database, name: str) -> Scope:
    """What the operator's commands see of a workspace: all of it. Raises NotFound.

    Never for a page: those see what a membership shows (`memberships.scope_for_member`).
    """
    workspace = await find_workspace(database, name)
    return Scope(
        database,
        workspace_id=workspace.id,
        public_id=workspace.public_id,
        name=workspace.name,
        time_zone=workspace.time_zone,
        role=Role.OWNER,
        steps_max=None,
    )


LIST_WORKSPACES = f"""
-- workspaces.list_workspaces
select {_COLUMNS}
from workspace
order by name, id
"""  # noqa: S608 - a constant


async def list_workspaces(database: Database) -> list[Workspace]:
    return [_workspace(row) for row in await database.rows(LIST_WORKSPACES)]


FIND_NAMESAKE = """
-- workspaces.create_workspace
select 1 from workspace where name = :name
"""
ADD_WORKSPACE = f"""
-- workspaces.create_workspace
insert into workspace (id, public_id, name, time_zone, created_ms)
values (
  -- Never that of a deleted one, whose audit log is still there.
  (select coalesce(max(id), 0) + 1 from (
    select max(id) as id from workspace union all select max(workspace_id) from audit_log
  )),
  :public_id, :name, :time_zone, :now_ms
)
returning {_COLUMNS}
"""  # noqa: S608 - a constant


def create_workspace(
    connection: sqlite3.Connection,
    *,
    name: str,
    time_zone: str = "UTC",
    actor: Actor,
    now_ms: int,
) -> Workspace:
    """Raises InvalidValue, AlreadyExists: commands name workspaces, so names are unique."""
    name = clean_name("workspace", name)
    if connection.execute(FIND_NAMESAKE, {"name": name}).fetchone():
        raise AlreadyExists(f"there is already a workspace named {name!r}")
    values = {
        "public_id": new_public_id("wsp"),
        "name": name,
        "time_zone": zone(time_zone).key,
        "now_ms": now_ms,
    }
    made = _workspace(connection.execute(ADD_WORKSPACE, values).fetchone())
    details = {"name": made.name, "time_zone": made.time_zone}
    _record(connection, made, ("create", actor, now_ms), details)
    return made


SET_PLAN = f"""
-- workspaces.set_plan
update workspace
set plan_name = :plan_name,
    plan_monthly_events = :monthly_events,
    plan_billing_status = :billing_status
where id = :id
returning {_COLUMNS}
"""  # noqa: S608 - a constant


def set_plan(
    connection: sqlite3.Connection,
    workspace_id: int,
    *,
    name: str,
    monthly_events: int | None,
    billing_status: str = ACTIVE,
    actor: Actor,
    now_ms: int,
) -> Workspace:
    """`monthly_events` None is no limit. Raises InvalidValue, NotFound."""
    if monthly_events is not None and not 0 <= monthly_events < 2**53:
        raise InvalidValue("monthly_events", "the monthly limit must be 0 or more")
    values: dict[str, int | str | None] = {
        "id": workspace_id,
        "plan_name": clean_name("name", name),
        "monthly_events": monthly_events,
        "billing_status": clean_name("billing_status", billing_status),
    }
    found = _changed(connection, SET_PLAN, values)
    details = {name: values[name] for name in ("plan_name", "monthly_events", "billing_status")}
    _record(connection, found, ("set_plan", actor, now_ms), details)
    return found


SET_SUSPENDED = f"""
-- workspaces.suspend_workspace, workspaces.resume_workspace
update workspace
set suspended_ms = :suspended_ms
where id = :id
returning {_COLUMNS}
"""  # noqa: S608 - a constant


def suspend_workspace(
    connection: sqlite3.Connection, workspace_id: int, *, actor: Actor, now_ms: int
) -> Workspace:
    """Refuse its events from now on; what is stored stays and can be read."""
    found = _changed(connection, SET_SUSPENDED, {"id": workspace_id, "suspended_ms": now_ms})
    _record(connection, found, ("suspend", actor, now_ms), {"name": found.name})
    return found


def resume_workspace(
    connection: sqlite3.Connection, workspace_id: int, *, actor: Actor, now_ms: int
) -> Workspace:
    found = _changed(connection, SET_SUSPENDED, {"id": workspace_id, "suspended_ms": None})
    _record(connection, found, ("resume", actor, now_ms), {"name": found.name})
    return found


@dataclass(frozen=True)
class Member:
    public_id: str
    email: str
    name: str
    role: Role
    joined_ms: int
    last_sign_in_ms: int | None
    disabled_ms: int | None


LIST_MEMBERS = """
-- workspaces.list_members
select u.public_id, u.email, u.name, m.role, m.created_ms, u.last_sign_in_ms, u.disabled_ms
from membership m join user u on u.id = m.user_id
where m.workspace_id = :workspace_id
order by case m.role when 'owner' then 0 when 'admin' then 1 when 'analyst' then 2 else 3 end,
  u.email
"""


async def member_addresses(scope: Scope) -> list[str]:
    """The e-mail addresses of those who may sign in."""
    return [each.email for each in await list_members(scope) if each.disabled_ms is None]


async def list_members(scope: Scope) -> list[Member]:
    return [
        Member(row[0], row[1], row[2], Role(row[3]), row[4], row[5], row[6])
        for row in await scope.rows(LIST_MEMBERS)
    ]


@dataclass(frozen=True)
class Quota:
    """The plan of a workspace and how much of it this UTC month has used."""

    plan: Plan
    used: int


READ_QUOTA = """
-- workspaces.quota_of_month
select plan_name, plan_monthly_events, plan_billing_status, coalesce(q.events, 0)
from workspace w
left join quota_month q on q.workspace_id = w.id and q.month = :month
where w.id = :workspace_id
"""


async def quota_of_month(scope: Scope, *, now_ms: int) -> Quota:
    [row] = await scope.rows(READ_QUOTA, month=month_of(now_ms))
    return Quota(Plan(row[0], row[1], row[2]), row[3])


def _changed(
    connection: sqlite3.Connection, sql: str, values: dict[str, int | str | None]
) -> Workspace:
    row = connection.execute(sql, values).fetchone()
    if row is None:
        raise NotFound("no such workspace")
    return _workspace(row)


def _record(
    connection: sqlite3.Connection,
    workspace: Workspace,
    change: tuple[str, Actor, int],
    details: Mapping[str, object],
) -> None:
    """`change`: verb, actor, time."""
    verb, actor, now_ms = change
    record(
        connection,
        workspace_id=workspace.id,
        actor=actor,
        action=f"workspace.{verb}",
        target=workspace.public_id,
        details=details,
        now_ms=now_ms,
    )


def _only(rows: list[sqlite3.Row], name: str) -> Workspace:
    if not rows:
        raise NotFound(f"there is no workspace {name!r}", fix="see: llmtrack workspaces list")
    return _workspace(rows[0])


def _workspace(row: sqlite3.Row) -> Workspace:
    return Workspace(
        id=row[0],
        public_id=row[1],
        name=row[2],
        time_zone=row[3],
        plan=Plan(row[4], row[5], row[6]),
        created_ms=row[7],
        suspended_ms=row[8],
    )
