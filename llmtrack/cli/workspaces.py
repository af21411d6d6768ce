# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack workspaces`: the tenants and their plans."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option
from llmtrack.cli.output import moment, print_fields, print_rows

if TYPE_CHECKING:
    from llmtrack.storage.database import Database
    from llmtrack.storage.workspaces import Workspace

BILLING_STATUSES = ("active", "past_due", "canceled", "unpaid")


@click.group()
def workspaces() -> None:
    """Workspaces: list, create, plans, tags, suspend and resume."""


@workspaces.command("list")
@json_option
@pass_data
def list_(data: Data, as_json: bool) -> None:
    """List all workspaces with their plans."""
    columns = ("id", "name", "time_zone", "plan", "monthly_events", "events_this_month", "state")
    rows = data.run(_rows)
    none = "no workspace yet; make one with: llmtrack workspaces create NAME"
    print_rows(rows, columns=columns, as_json=as_json, none=none)


@workspaces.command()
@click.argument("name")
@click.option("--time-zone", default="UTC", show_default=True, metavar="ZONE", help="IANA name.")
@click.option("--owner", metavar="EMAIL", help="A user who becomes its owner.")
@json_option
@pass_data
def create(data: Data, name: str, time_zone: str, owner: str | None, as_json: bool) -> None:
    """Create a workspace.

    Without --owner nobody sees it in the dashboard yet; keys and commands work.
    """

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.domain.roles import Role
        from llmtrack.storage.memberships import add_member
        from llmtrack.storage.users import user_by_email
        from llmtrack.storage.workspaces import create_workspace

        def add(connection: Any) -> "Workspace":
            who: Any = {"actor": operator(), "now_ms": now_ms()}
            made = create_workspace(connection, name=name, time_zone=time_zone, **who)
            if owner is not None:
                user = user_by_email(connection, owner)
                add_member(connection, made.id, user.id, role=Role.OWNER, **who)
            return made

        return _fields(await database.write(add))

    print_fields(data.run(run, changes=True), as_json=as_json)


@workspaces.command("set-plan")
@click.argument("workspace", metavar="W")
@click.option("--name", "plan", required=True, metavar="PLAN", help="free, pro, or your own.")
@click.option(
    "--monthly-events",
    type=click.IntRange(min=0),
    metavar="N",
    help="Events a UTC month takes. Without it: no limit.",
)
@click.option(
    "--billing-status",
    type=click.Choice(BILLING_STATUSES),
    default="active",
    show_default=True,
    help="Paid plans take events only while active.",
)
@json_option
@pass_data
def set_plan(
    data: Data,
    *,
    workspace: str,
    plan: str,
    monthly_events: int | None,
    billing_status: str,
    as_json: bool,
) -> None:
    """Set the plan of workspace W (its id or exact name)."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.workspaces import named, set_plan

        def change(connection: Any) -> "Workspace":
            return set_plan(
                connection,
                named(connection, workspace).id,
                name=plan,
                monthly_events=monthly_events,
                billing_status=billing_status,
                actor=operator(),
                now_ms=now_ms(),
            )

        return _fields(await database.write(change))

    print_fields(data.run(run, changes=True), as_json=as_json)


@workspaces.command()
@click.argument("workspace", metavar="W")
@json_option
@pass_data
def suspend(data: Data, workspace: str, as_json: bool) -> None:
    """Refuse all events of workspace W; what it has stays readable."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.workspaces import suspend_workspace

        return await _switched(database, workspace, suspend_workspace)

    print_fields(data.run(run, changes=True), as_json=as_json)


@workspaces.command()
@click.argument("workspace", metavar="W")
@json_option
@pass_data
def resume(data: Data, workspace: str, as_json: bool) -> None:
    """Take events of workspace W again."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.workspaces import resume_workspace

        return await _switched(database, workspace, resume_workspace)

    print_fields(data.run(run, changes=True), as_json=as_json)


async def _switched(
    database: "Database", workspace: str, switch: Callable[..., "Workspace"]
) -> dict[str, Any]:
    from llmtrack.storage.workspaces import named

    def change(connection: Any) -> "Workspace":
        found = named(connection, workspace)
        return switch(connection, found.id, actor=operator(), now_ms=now_ms())

    return _fields(await database.write(change))


async def _rows(database: "Database") -> list[dict[str, Any]]:
    from llmtrack.storage.workspaces import list_workspaces, quota_of_month, scope_for_admin

    rows = []
    for workspace in await list_workspaces(database):
        scope = await scope_for_admin(database, workspace.public_id)
        quota = await quota_of_month(scope, now_ms=now_ms())
        rows.append(_fields(workspace) | {"events_this_month": quota.used})
    return rows


def _fields(workspace: "Workspace") -> dict[str, Any]:
    return {
        "id": workspace.public_id,
        "name": workspace.name,
        "time_zone": workspace.time_zone,
        "plan": workspace.plan.name,
        "monthly_events": workspace.plan.monthly_events,
        "billing_status": workspace.plan.billing_status,
        "state": "active" if workspace.suspended_ms is None else "suspended",
        "created_at": moment(workspace.created_ms),
    }
