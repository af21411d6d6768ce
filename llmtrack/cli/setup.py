# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack setup`: the first admin, workspace and key without a browser."""

import sys
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option, password_file_option
from llmtrack.cli.output import print_fields
from llmtrack.cli.passwords import read_password

if TYPE_CHECKING:
    from llmtrack.storage.database import Database


@click.command()
@click.option("--non-interactive", is_flag=True, help="Never ask; what is missing is an error.")
@click.option("--admin-email", metavar="E", help="The first admin's address.")
@password_file_option
@click.option("--workspace", metavar="NAME", help="The first workspace's name.")
@click.option("--time-zone", default="UTC", show_default=True, metavar="ZONE", help="IANA name.")
@click.option("--key-name", metavar="NAME", help="Also make an API key of this name, and print it.")
@json_option
@pass_data
def setup(
    data: Data,
    *,
    non_interactive: bool,
    admin_email: str | None,
    password_file: str | None,
    workspace: str | None,
    time_zone: str,
    key_name: str | None,
    as_json: bool,
) -> None:
    """Create the database, the first admin and the first workspace.

    May be run again: once there is a user it changes nothing, says so and exits 0.
    """
    from llmtrack.services.files import make_directory

    data.announce()
    if data.database.exists() and data.run(_is_set_up):
        click.echo("Already set up: nothing was changed.", err=True)
        print_fields({"already_set_up": True}, as_json=as_json)
        return
    ask = not non_interactive and sys.stdin.isatty()
    admin_email = admin_email or _ask("--admin-email", "E-mail of the first admin", ask=ask)
    workspace = workspace or _ask("--workspace", "Name of the first workspace", ask=ask)
    password_hash = _hashed(read_password(password_file), admin_email)
    make_directory(data.directory)

    async def run(database: "Database") -> dict[str, Any]:
        def add(connection: Any) -> dict[str, Any]:
            return _set_up(
                connection,
                email=admin_email,
                password_hash=password_hash,
                names=(workspace, time_zone, key_name),
            )

        return await database.write(add)

    print_fields(data.run(run, create=True), as_json=as_json)


def _ask(option: str, question: str, *, ask: bool) -> str:
    if not ask:
        raise click.UsageError(f"{option} is needed")
    return str(click.prompt(question, err=True))


async def _is_set_up(database: "Database") -> bool:
    from llmtrack.storage.users import any_user

    return await any_user(database)


def _hashed(password: str, email: str) -> str:
    from llmtrack.domain.credentials import Passwords
    from llmtrack.services.password_rules import check_password

    check_password(password, email=email)
    return Passwords().hash(password)


def _set_up(
    connection: Any, *, email: str, password_hash: str, names: tuple[str, str, str | None]
) -> dict[str, Any]:
    """All of it in one transaction; a workspace of that name that is there is taken."""
    from llmtrack.domain.errors import NotFound, Refused
    from llmtrack.domain.roles import Role
    from llmtrack.storage.keys import create_key
    from llmtrack.storage.memberships import add_member
    from llmtrack.storage.users import create_user, has_users
    from llmtrack.storage.workspaces import create_workspace, named

    name, time_zone, key_name = names
    if has_users(connection):  # somebody was quicker, in the browser
        raise Refused("this instance was set up a moment ago", fix="see: llmtrack users list")
    who: Any = {"actor": operator(), "now_ms": now_ms()}
    user = create_user(connection, email=email, password_hash=password_hash, is_admin=True, **who)
    try:
        made = named(connection, name)
    except NotFound:
        made = create_workspace(connection, name=name, time_zone=time_zone, **who)
    add_member(connection, made.id, user.id, role=Role.OWNER, **who)
    fields: dict[str, Any] = {
        "already_set_up": False,
        "workspace_id": made.public_id,
        "workspace": made.name,
        "user_id": user.public_id,
        "email": user.email,
    }
    if key_name is not None:
        key = create_key(connection, made.id, name=key_name, **who)
        fields |= {"key_id": key.key.public_id, "key": key.raw}
    return fields
