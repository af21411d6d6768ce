# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack notices`: tell the members of workspaces what they have to know."""

import sys
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import json_option, workspace_option
from llmtrack.cli.output import moment, print_fields, print_rows
from llmtrack.cli.users import server_url

if TYPE_CHECKING:
    from llmtrack.services.mail import Mailer
    from llmtrack.storage.database import Database
    from llmtrack.storage.notices import Notice
    from llmtrack.storage.scope import Scope


@click.group()
def notices() -> None:
    """Notices on every page of a workspace, and by e-mail: publish, list, withdraw."""


@notices.command("list")
@workspace_option
@json_option
@pass_data
def list_(data: Data, workspace: str, as_json: bool) -> None:
    """List the newest hundred notices of a workspace."""

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.notices import list_notices
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        return [_fields(scope, each) for each in await list_notices(scope)]

    columns = ("id", "state", "created_at", "ends_at", "created_by", "text")
    print_rows(data.run(run), columns=columns, as_json=as_json, none="no notice yet")


@notices.command()
@click.argument("text", metavar="TEXT")
@click.option("--workspace", "-w", metavar="W", help="The workspace: its id or its exact name.")
@click.option("--all", "everywhere", is_flag=True, help="Every workspace of the instance.")
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, metavar="N")
@click.option("--mail", "by_mail", is_flag=True, help="Also by e-mail to the members.")
@json_option
@pass_data
def publish(
    data: Data,
    *,
    text: str,
    workspace: str | None,
    everywhere: bool,
    days: int,
    by_mail: bool,
    as_json: bool,
) -> None:
    """Show TEXT on every page of a workspace, or of --all, from now on; - reads it from stdin.

    With --mail each member has it by e-mail, too, as far as the mail server takes it; exit code
    1 if it did not take all, and the pages show the notice nevertheless.
    """
    if (workspace is None) != everywhere:
        raise click.UsageError("say --workspace W or --all")
    mailer = _mailer(data) if by_mail else None
    words = sys.stdin.read() if text == "-" else text

    async def run(database: "Database") -> list[dict[str, Any]]:
        return [
            await _publish(data, scope, words, days=days, mailer=mailer)
            for scope in await _scopes(database, workspace)
        ]

    made = data.run(run, changes=True)
    columns: tuple[str, ...] = ("id", "workspace", "ends_at")
    if by_mail:
        columns += ("mailed", "not_mailed")
    print_rows(made, columns=columns, as_json=as_json, none="there is no workspace")
    failed = sum(row.get("not_mailed", 0) for row in made)
    if failed:
        reason = next(row["failure"] for row in made if row["failure"])
        raise CommandFailed(f"{failed} mails were not taken: {reason}", ExitCode.FAILURE)


@notices.command()
@click.argument("notice", metavar="N")
@workspace_option
@json_option
@pass_data
def withdraw(data: Data, notice: str, workspace: str, as_json: bool) -> None:
    """Withdraw notice N (ntc_...): no page shows it any more."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.notices import withdraw_notice
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        await scope.write(withdraw_notice, notice, actor=operator(), now_ms=now_ms())
        return {"id": notice, "workspace": scope.name, "state": "withdrawn"}

    print_fields(data.run(run, changes=True), as_json=as_json)


async def _publish(
    data: Data, scope: "Scope", text: str, *, days: int, mailer: "Mailer | None"
) -> dict[str, Any]:
    from llmtrack.services.telling import mail_notice
    from llmtrack.storage.notices import publish_notice
    from llmtrack.storage.workspaces import member_addresses

    made = await scope.write(
        publish_notice, text=text, days=days, actor=operator(), now_ms=now_ms()
    )
    fields = _fields(scope, made)
    if mailer is None:
        return fields
    link = f"{server_url(data).rstrip('/')}/w/{scope.public_id}/"
    addresses = await member_addresses(scope)
    told = await mail_notice(mailer, addresses, workspace=scope.name, text=made.text, link=link)
    failure = next(iter(told.failures.values()), None)
    return fields | {"mailed": told.mailed, "not_mailed": len(told.failures), "failure": failure}


async def _scopes(database: "Database", workspace: str | None) -> "list[Scope]":
    from llmtrack.storage.workspaces import list_workspaces, scope_for_admin

    if workspace is not None:
        return [await scope_for_admin(database, workspace)]
    found = await list_workspaces(database)
    return [await scope_for_admin(database, each.public_id) for each in found]


def _mailer(data: Data) -> "Mailer":
    from llmtrack.cli.mailing import needed_mailer

    return needed_mailer(data.config)


def _fields(scope: "Scope", notice: "Notice") -> dict[str, Any]:
    return {
        "id": notice.public_id,
        "workspace": scope.name,
        "state": notice.state(now_ms()),
        "text": notice.text,
        "created_at": moment(notice.created_ms),
        "created_by": notice.created_by,
        "ends_at": moment(notice.withdrawn_ms or notice.ends_ms),
    }
