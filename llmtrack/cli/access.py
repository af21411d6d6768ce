# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack access`: who and what opens a workspace, reviewed; leave for admins to look in."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option, workspace_option
from llmtrack.cli.output import moment, print_fields, print_json, print_rows, visible
from llmtrack.domain.nouns import counted

if TYPE_CHECKING:
    from llmtrack.storage.access_grants import Grant
    from llmtrack.storage.access_reviews import Access, MemberAccess, Review
    from llmtrack.storage.database import Database
    from llmtrack.storage.keys import Key
    from llmtrack.storage.scope import Scope


@click.group()
def access() -> None:
    """Access: report, review, and leave for administrators to look in."""


@access.command()
@workspace_option
@json_option
@pass_data
def report(data: Data, workspace: str, as_json: bool) -> None:
    """Show everybody and every key that opens a workspace, and when it was looked through."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.access_grants import list_grants
        from llmtrack.storage.access_reviews import access_of
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        found = await access_of(database, scope, now_ms=now_ms())
        grants = await list_grants(scope, now_ms=now_ms())
        return _report(scope, found) | {"grants": [_grant_fields(grant) for grant in grants]}

    made = data.run(run)
    if as_json:
        print_json(made)
        return
    columns: tuple[str, ...]
    columns = ("email", "role", "state", "last_sign_in_at", "second_factors", "sessions")
    members = [{**row, "second_factors": " ".join(row["factors"])} for row in made["members"]]
    print_rows(members, columns=columns, as_json=False, none="no member")
    click.echo()
    columns = ("name", "prefix", "access", "state", "last_used_at", "last_used_ip")
    print_rows(made["keys"], columns=columns, as_json=False, none="no key")
    click.echo()
    if made["grants"]:
        columns = ("id", "email", "reason", "expires_at")
        print_rows(made["grants"], columns=columns, as_json=False, none="")
        click.echo()
    click.echo(_review_line(made))


@access.command()
@workspace_option
@json_option
@pass_data
def review(data: Data, workspace: str, as_json: bool) -> None:
    """Note that you have looked through `access report` and that all of it is right."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.access_reviews import record_review
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        made = await scope.write(record_review, actor=operator(), now_ms=now_ms())
        return {"workspace": scope.name, **_review_fields(made)}

    print_fields(data.run(run, changes=True), as_json=as_json)


@access.command()
@workspace_option
@json_option
@pass_data
def grants(data: Data, workspace: str, as_json: bool) -> None:
    """List who may look into a workspace without being a member."""

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.access_grants import list_grants
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        return [_grant_fields(g) for g in await list_grants(scope, now_ms=now_ms())]

    columns = ("id", "email", "reason", "created_at", "expires_at")
    print_rows(data.run(run), columns=columns, as_json=as_json, none="nobody looks in")


@access.command()
@click.argument("email")
@workspace_option
@click.option("--reason", required=True, metavar="TEXT", help="Why; the workspace reads it.")
@click.option(
    "--hours", type=click.IntRange(1, 24), default=1, show_default=True, help="For how long."
)
@json_option
@pass_data
def grant(
    data: Data, *, email: str, workspace: str, reason: str, hours: int, as_json: bool
) -> None:
    """Let an administrator of the instance look into a workspace, for some hours.

    They read it as a viewer does. The workspace sees who, why and until when, and can end it.
    """

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.access_grants import create_grant, list_grants
        from llmtrack.storage.users import user_by_email
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)

        def add(connection: Any, workspace_id: int) -> str:
            user = user_by_email(connection, email)
            who: Any = {"actor": operator(), "now_ms": now_ms()}
            return create_grant(connection, workspace_id, user, reason=reason, hours=hours, **who)

        public_id = await scope.write(add)
        found = await list_grants(scope, now_ms=now_ms())
        return next(_grant_fields(each) for each in found if each.public_id == public_id)

    print_fields(data.run(run, changes=True), as_json=as_json)


@access.command("end-grant")
@click.argument("grant_id", metavar="G")
@workspace_option
@json_option
@pass_data
def end_grant(data: Data, grant_id: str, workspace: str, as_json: bool) -> None:
    """End grant G (grt_...): the next request of that administrator finds nothing."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.access_grants import end_grant
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        await scope.write(end_grant, grant_id, actor=operator(), now_ms=now_ms())
        return {"id": grant_id, "workspace": scope.name, "state": "ended"}

    print_fields(data.run(run, changes=True), as_json=as_json)


def _report(scope: "Scope", found: "Access") -> dict[str, Any]:
    return {
        "workspace": scope.name,
        "workspace_id": scope.public_id,
        "members": [_member_fields(member) for member in found.members],
        "keys": [_key_fields(key) for key in found.keys],
        "reviews": [_review_fields(review) for review in found.reviews],
        "review_due_at": moment(found.due_ms),
        "review_overdue": found.is_overdue(now_ms()),
    }


def _member_fields(entry: "MemberAccess") -> dict[str, Any]:
    member = entry.member
    return {
        "id": member.public_id,
        "email": member.email,
        "name": member.name or None,
        "role": member.role.value,
        "state": "active" if member.disabled_ms is None else "disabled",
        "joined_at": moment(member.joined_ms),
        "last_sign_in_at": moment(member.last_sign_in_ms),
        "has_password": entry.has_password,
        "factors": list(entry.factors),
        "sessions": entry.sessions,
        "last_seen_at": moment(entry.last_seen_ms),
    }


def _key_fields(key: "Key") -> dict[str, Any]:
    return {
        "id": key.public_id,
        "name": key.name,
        "prefix": key.prefix,
        "access": key.terms.access.value,
        "state": key.state.value,
        "created_at": moment(key.created_ms),
        "expires_at": moment(key.terms.expires_ms),
        "last_used_at": moment(key.last_used_ms),
        "last_used_ip": key.last_used_ip,
        "unused_90_days": key.is_unused(now_ms()),
    }


def _review_fields(review: "Review") -> dict[str, Any]:
    return {
        "reviewed_at": moment(review.reviewed_ms),
        "reviewed_by": review.reviewed_by,
        "members": review.members,
        "keys": review.keys,
    }


def _grant_fields(grant: "Grant") -> dict[str, Any]:
    return {
        "id": grant.public_id,
        "workspace": grant.workspace,
        "email": grant.email,
        "reason": grant.reason,
        "created_at": moment(grant.created_ms),
        "created_by": grant.created_by,
        "expires_at": moment(grant.expires_ms),
    }


def _review_line(made: dict[str, Any]) -> str:
    due = f"{'was' if made['review_overdue'] else 'is'} due {made['review_due_at']}"
    if not made["reviews"]:
        return f"Not reviewed yet; it {due}: llmtrack access review"
    last = made["reviews"][0]
    what = f"{counted(last['members'], 'member')}, {counted(last['keys'], 'key')}"
    by = f"Reviewed by {visible(last['reviewed_by'])} on {last['reviewed_at']} ({what})"
    return f"{by}; the next one {due}"
