# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack users`: accounts, for the admin of the machine."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import json_option, password_file_option
from llmtrack.cli.output import moment, print_fields, print_rows
from llmtrack.cli.passwords import read_password

if TYPE_CHECKING:
    from llmtrack.storage.database import Database
    from llmtrack.storage.users import User

ROLES = ("owner", "admin", "analyst", "viewer")


@click.group()
def users() -> None:
    """Users: list, create, reset a password, sign-in links, disable, sessions."""


@users.command("list")
@json_option
@pass_data
def list_(data: Data, as_json: bool) -> None:
    """List all users."""

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.users import list_users

        return [user_fields(user) for user in await list_users(database)]

    columns = ("id", "email", "name", "admin", "state", "last_sign_in_at")
    none = "no user yet; start with: llmtrack setup"
    print_rows(data.run(run), columns=columns, as_json=as_json, none=none)


@users.command()
@click.argument("email")
@click.option("--name", default="", help="The name to show.")
@click.option("--admin", is_flag=True, help="May administer the whole instance.")
@click.option("--workspace", "-w", metavar="W", help="Let the user into this workspace ...")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default="viewer",
    show_default=True,
    help="... in this role.",
)
@click.option("--no-password", is_flag=True, help="Let them in by `users login-link` instead.")
@password_file_option
@json_option
@pass_data
def create(
    data: Data,
    *,
    email: str,
    name: str,
    admin: bool,
    workspace: str | None,
    role: str,
    no_password: bool,
    password_file: str | None,
    as_json: bool,
) -> None:
    """Create a user and let them into a workspace."""
    data.require()
    password = None if no_password else read_password(password_file)

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.domain.roles import Role
        from llmtrack.storage.memberships import add_member
        from llmtrack.storage.users import create_user
        from llmtrack.storage.workspaces import named

        password_hash = None if password is None else _hashed(password, email)

        def add(connection: Any) -> "User":
            who: Any = {"actor": operator(), "now_ms": now_ms()}
            account: Any = {"email": email, "name": name, "is_admin": admin}
            user = create_user(connection, password_hash=password_hash, **account, **who)
            if workspace is not None:
                found = named(connection, workspace)
                add_member(connection, found.id, user.id, role=Role(role), **who)
            return user

        return user_fields(await database.write(add))

    print_fields(data.run(run, changes=True), as_json=as_json)


@users.command("reset-password")
@click.argument("email")
@password_file_option
@json_option
@pass_data
def reset_password(data: Data, email: str, password_file: str | None, as_json: bool) -> None:
    """Set a new password and end the user's sessions and links."""
    data.require()
    password = read_password(password_file)

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.users import set_password, user_by_email

        password_hash = _hashed(password, email)

        def change(connection: Any) -> "User":
            user = user_by_email(connection, email)
            set_password(
                connection,
                user.id,
                password_hash=password_hash,
                actor=operator(),
                now_ms=now_ms(),
            )
            return user_by_email(connection, email)

        return user_fields(await database.write(change))

    print_fields(data.run(run, changes=True), as_json=as_json)


@users.command("login-link")
@click.argument("email")
@click.option("--url", metavar="URL", help="The address of the server, if it is not running here.")
@json_option
@pass_data
def login_link(data: Data, email: str, url: str | None, as_json: bool) -> None:
    """Print a link that signs the user in once, within an hour.

    For a user without a password, or one who lost it.
    """

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.domain.credentials import mint_token
        from llmtrack.storage.login_links import SIGN_IN_LIFE_MS, create_sign_in_link
        from llmtrack.storage.users import user_by_email

        base = (url or server_url(data)).rstrip("/")
        token = mint_token()
        created_ms = now_ms()

        def add(connection: Any) -> "User":
            user = user_by_email(connection, email)
            create_sign_in_link(connection, token.digest, user, actor=operator(), now_ms=created_ms)
            return user

        user = await database.write(add)
        return {
            "email": user.email,
            "url": f"{base}/sign-in/link?token={token.raw}",
            "expires_at": moment(created_ms + SIGN_IN_LIFE_MS),
        }

    made = data.run(run, changes=True)
    if as_json:
        print_fields(made, as_json=True)
    else:
        click.echo(made["url"])
        click.echo(f"Good once, until {made['expires_at']}.", err=True)


@users.command("reset-factors")
@click.argument("email")
@json_option
@pass_data
def reset_factors(data: Data, email: str, as_json: bool) -> None:
    """Remove the second factors and recovery codes of somebody who lost them.

    Make sure first that it is really that person who asks. Their sessions end.
    """

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.second_factors import reset_factors
        from llmtrack.storage.sessions import revoke_sessions
        from llmtrack.storage.users import user_by_email

        def change(connection: Any) -> dict[str, Any]:
            user = user_by_email(connection, email)
            removed = reset_factors(connection, user, actor=operator(), now_ms=now_ms())
            ended = revoke_sessions(connection, user, actor=operator(), now_ms=now_ms())
            return user_fields(user) | {"factors_removed": removed, "sessions_ended": ended}

        return await database.write(change)

    print_fields(data.run(run, changes=True), as_json=as_json)


def server_url(data: Data) -> str:
    """Where the server listens. Raises CommandFailed if none runs on the data directory."""
    from llmtrack.services.lock import holder_of

    holder = holder_of(data.directory)
    if holder is None or not holder.address:
        raise CommandFailed(
            f"no server runs on {data.directory}, so its address is not known",
            ExitCode.SERVER_STATE,
            fix="name it with --url https://...",
        )
    return holder.address


def _hashed(password: str, email: str) -> str:
    from llmtrack.domain.credentials import Passwords
    from llmtrack.services.password_rules import check_password

    check_password(password, email=email)
    return Passwords().hash(password)


def user_fields(user: "User") -> dict[str, Any]:
    return {
        "id": user.public_id,
        "email": user.email,
        "name": user.name or None,
        "admin": user.is_admin,
        "state": "active" if user.disabled_ms is None else "disabled",
        "has_password": user.has_password,
        "created_at": moment(user.created_ms),
        "last_sign_in_at": moment(user.last_sign_in_ms),
    }
