# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack users link|unlink|identities`: who is who at the provider of single sign-on."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option
from llmtrack.cli.output import moment, print_fields, print_rows

if TYPE_CHECKING:
    from llmtrack.storage.database import Database
    from llmtrack.storage.identities import LinkedIdentity


@click.command("identities")
@click.argument("email")
@json_option
@pass_data
def list_identities(data: Data, email: str, as_json: bool) -> None:
    """List who a user is at the provider of single sign-on."""

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.identities import list_identities as listed
        from llmtrack.storage.users import user_by_email

        user = await database.write(user_by_email, email)
        return [_fields(each) for each in await listed(database, user.id)]

    columns = ("id", "issuer", "subject", "email", "last_used_at")
    none = f"nobody; link one with: llmtrack users link {email} --subject SUBJECT"
    print_rows(data.run(run), columns=columns, as_json=as_json, none=none)


@click.command()
@click.argument("email")
@click.option("--subject", required=True, help="Who they are there: `sub` in their ID token.")
@click.option("--issuer", help="The provider's issuer.  [default: oidc.issuer]")
@json_option
@pass_data
def link(data: Data, email: str, subject: str, issuer: str | None, as_json: bool) -> None:
    """Let an identity at the provider of single sign-on sign this user in.

    The page that refuses somebody unknown shows their subject. Make sure that it is really that
    person's.
    """
    from llmtrack.config.single_sign_on import ISSUER

    where = issuer or data.config[ISSUER]
    if not where:
        raise click.UsageError("oidc.issuer is not set; name one with --issuer")

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.domain.single_sign_on import Identity
        from llmtrack.storage.identities import link_identity
        from llmtrack.storage.users import user_by_email

        def change(connection: Any) -> str:
            user = user_by_email(connection, email)
            identity = Identity(where, subject)
            link_identity(connection, user, identity, actor=operator(), now_ms=now_ms())
            return user.email

        return {"email": await database.write(change), "issuer": where, "subject": subject}

    print_fields(data.run(run, changes=True), as_json=as_json)


@click.command()
@click.argument("email")
@click.argument("identity", metavar="ID")
@json_option
@pass_data
def unlink(data: Data, email: str, identity: str, as_json: bool) -> None:
    """Let an identity sign this user in no more, and end their sessions.

    ID as `llmtrack users identities EMAIL` shows it.
    """

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.identities import unlink_identity
        from llmtrack.storage.sessions import revoke_sessions
        from llmtrack.storage.users import user_by_email

        def change(connection: Any) -> dict[str, Any]:
            who: Any = {"actor": operator(), "now_ms": now_ms()}
            user = user_by_email(connection, email)
            unlink_identity(connection, user, identity, **who)
            return {"email": user.email, "sessions_ended": revoke_sessions(connection, user, **who)}

        return await database.write(change)

    print_fields(data.run(run, changes=True), as_json=as_json)


def _fields(identity: "LinkedIdentity") -> dict[str, Any]:
    return {
        "id": identity.public_id,
        "issuer": identity.issuer,
        "subject": identity.subject,
        "email": identity.email or None,
        "created_at": moment(identity.created_ms),
        "last_used_at": moment(identity.last_used_ms),
    }
