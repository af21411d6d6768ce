# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack members`: who is in a workspace, and who is invited."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import json_option, workspace_option
from llmtrack.cli.output import moment, print_fields, print_rows
from llmtrack.cli.users import ROLES, server_url

if TYPE_CHECKING:
    from llmtrack.storage.database import Database
    from llmtrack.storage.invitations import Invitation
    from llmtrack.storage.workspaces import Member

_role = click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
_email = click.argument("email")


@click.group()
def members() -> None:
    """Members: list, invite, change a role, remove."""


@members.command("list")
@workspace_option
@json_option
@pass_data
def list_(data: Data, workspace: str, as_json: bool) -> None:
    """List the members of a workspace."""

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.workspaces import list_members, scope_for_admin

        found = await list_members(await scope_for_admin(database, workspace))
        return [_fields(member) for member in found]

    columns = ("id", "email", "name", "role", "state", "joined_at", "last_sign_in_at")
    none = "no member yet; make a link with: llmtrack members invite EMAIL"
    print_rows(data.run(run), columns=columns, as_json=as_json, none=none)


@members.command()
@_email
@workspace_option
@_role
@click.option("--url", metavar="URL", help="The address of the server, if it is not running here.")
@json_option
@pass_data
def invite(
    data: Data, *, email: str, workspace: str, role: str, url: str | None, as_json: bool
) -> None:
    """Print a link that lets EMAIL join a workspace, once, within three days."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.domain.credentials import mint_token
        from llmtrack.domain.roles import Role
        from llmtrack.storage.invitations import create_invitation
        from llmtrack.storage.workspaces import scope_for_admin

        base, token = (url or server_url(data)).rstrip("/"), mint_token()
        scope = await scope_for_admin(database, workspace)
        made = await scope.write(
            create_invitation,
            token.digest,
            email=email,
            role=Role(role),
            actor=operator(),
            now_ms=now_ms(),
        )
        link = f"{base}/invitation?workspace={scope.public_id}&token={token.raw}"
        return _invitation_fields(made) | {"url": link}

    made = data.run(run, changes=True)
    if as_json:
        print_fields(made, as_json=True)
    else:
        click.echo(made["url"])
        click.echo(f"Good once, for {made['email']}, until {made['expires_at']}.", err=True)


@members.command()
@workspace_option
@json_option
@pass_data
def invitations(data: Data, workspace: str, as_json: bool) -> None:
    """List invitations that can still be taken."""

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.invitations import list_invitations
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        return [_invitation_fields(i) for i in await list_invitations(scope, now_ms=now_ms())]

    columns = ("id", "email", "role", "created_by", "expires_at")
    print_rows(data.run(run), columns=columns, as_json=as_json, none="nobody is invited")


@members.command()
@click.argument("invitation", metavar="I")
@workspace_option
@json_option
@pass_data
def withdraw(data: Data, invitation: str, workspace: str, as_json: bool) -> None:
    """Withdraw invitation I (inv_...): its link opens nothing any more."""
    from llmtrack.storage.invitations import revoke_invitation

    _change(data, workspace, revoke_invitation, invitation)
    print_fields({"id": invitation, "state": "withdrawn"}, as_json=as_json)


@members.command("set-role")
@_email
@click.argument("role", type=click.Choice(ROLES))
@workspace_option
@json_option
@pass_data
def set_role(data: Data, *, email: str, role: str, workspace: str, as_json: bool) -> None:
    """Give a member another role; the last owner stays one."""
    from llmtrack.domain.roles import Role
    from llmtrack.storage.member_changes import set_role

    member = _named(data, email, workspace)
    _change(data, workspace, set_role, member.public_id, role=Role(role))
    print_fields(_fields(member) | {"role": role}, as_json=as_json)


@members.command()
@_email
@workspace_option
@json_option
@pass_data
def remove(data: Data, *, email: str, workspace: str, as_json: bool) -> None:
    """Take a member out of a workspace; their account stays."""
    from llmtrack.storage.member_changes import remove_member

    member = _named(data, email, workspace)
    _change(data, workspace, remove_member, member.public_id)
    print_fields(_fields(member) | {"state": "removed"}, as_json=as_json)


def _change(
    data: Data, workspace: str, function: Callable[..., Any], target: str, **values: Any
) -> None:
    """Run a change of storage on the workspace, as the operator."""

    async def run(database: "Database") -> None:
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        await scope.write(function, target, actor=operator(), now_ms=now_ms(), **values)

    data.run(run, changes=True)


def _named(data: Data, email: str, workspace: str) -> "Member":
    """Raises CommandFailed."""

    async def run(database: "Database") -> "list[Member]":
        from llmtrack.storage.workspaces import list_members, scope_for_admin

        return await list_members(await scope_for_admin(database, workspace))

    wanted = email.strip().lower()
    for member in data.run(run):
        if wanted in {member.email, member.public_id}:
            return member
    text = f"there is no member {email!r}"
    raise CommandFailed(text, ExitCode.NOT_FOUND, fix="see: llmtrack members list -w W")


def _fields(member: "Member") -> dict[str, Any]:
    return {
        "id": member.public_id,
        "email": member.email,
        "name": member.name or None,
        "role": member.role.value,
        "state": "active" if member.disabled_ms is None else "disabled",
        "joined_at": moment(member.joined_ms),
        "last_sign_in_at": moment(member.last_sign_in_ms),
    }


def _invitation_fields(invitation: "Invitation") -> dict[str, Any]:
    return {
        "id": invitation.public_id,
        "email": invitation.email,
        "role": invitation.role.value,
        "created_by": invitation.created_by,
        "expires_at": moment(invitation.expires_ms),
    }
