# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack users disable|enable|sessions|sign-out`: whether somebody can get in."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option
from llmtrack.cli.output import moment, print_fields, print_rows
from llmtrack.cli.users import user_fields

if TYPE_CHECKING:
    from llmtrack.storage.database import Database
    from llmtrack.storage.users import User

_email = click.argument("email")


@click.command()
@_email
@json_option
@pass_data
def disable(data: Data, email: str, as_json: bool) -> None:
    """End all sessions and links of a user, and let them in no more."""
    from llmtrack.storage.users import disable_user

    print_fields(_changed(data, email, disable_user), as_json=as_json)


@click.command()
@_email
@json_option
@pass_data
def enable(data: Data, email: str, as_json: bool) -> None:
    """Let a disabled user sign in again."""
    from llmtrack.storage.users import enable_user

    print_fields(_changed(data, email, enable_user), as_json=as_json)


@click.command()
@_email
@json_option
@pass_data
def sessions(data: Data, email: str, as_json: bool) -> None:
    """List where a user is signed in."""

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.sessions import list_sessions
        from llmtrack.storage.users import user_by_email

        user = await database.write(user_by_email, email)
        found = await list_sessions(database, user.id, now_ms=now_ms())
        return [
            {
                "id": session.public_id,
                "signed_in_by": session.how,
                "created_at": moment(session.created_ms),
                "last_seen_at": moment(session.last_seen_ms),
                "ip": session.ip or None,
                "user_agent": session.user_agent or None,
            }
            for session in found
        ]

    columns = ("id", "signed_in_by", "created_at", "last_seen_at", "ip", "user_agent")
    print_rows(data.run(run), columns=columns, as_json=as_json, none="signed in nowhere")


@click.command("sign-out")
@_email
@click.option("--session", metavar="S", help="Only this session (ses_...).")
@json_option
@pass_data
def sign_out(data: Data, email: str, session: str | None, as_json: bool) -> None:
    """End a user's sessions, or one of them."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.sessions import revoke_session, revoke_sessions
        from llmtrack.storage.users import user_by_email

        def change(connection: Any) -> int:
            user, who = user_by_email(connection, email), operator()
            if session is None:
                return revoke_sessions(connection, user, actor=who, now_ms=now_ms())
            revoke_session(connection, user, session, actor=who, now_ms=now_ms())
            return 1

        return {"email": email, "sessions_ended": await database.write(change)}

    print_fields(data.run(run, changes=True), as_json=as_json)


def _changed(data: Data, email: str, function: Callable[..., None]) -> dict[str, Any]:
    """The user's fields after a change that `function(connection, user_id, ...)` makes."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.users import user_by_email

        def change(connection: Any) -> "User":
            user = user_by_email(connection, email)
            function(connection, user.id, actor=operator(), now_ms=now_ms())
            return user_by_email(connection, email)

        return user_fields(await database.write(change))

    return data.run(run, changes=True)
