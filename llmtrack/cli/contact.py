# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack contact`: whom to tell about a hole, published once it is known to be read."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.confirmation import confirm
from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option, yes_option
from llmtrack.cli.output import moment, print_fields, print_rows

if TYPE_CHECKING:
    from llmtrack.storage.database import Database

TEXT = """\
Somebody who runs LLMtrack wants to publish this address as the contact for security. If you
read mail here and agree, run on the server:

    llmtrack contact verify {code}

The code is good for 24 hours. If you know nothing of it, do nothing: nothing is published.
"""


@click.group()
def contact() -> None:
    """The contact for security: set, verify, show, remove.

    It stands in /.well-known/security.txt and on /security once a code that was sent to it has
    come back, for half a year; before and after both are 404.
    """


@contact.command("set")
@click.argument("address")
@json_option
@pass_data
def set_(data: Data, address: str, as_json: bool) -> None:
    """Send a code to ADDRESS. Nothing is published by this."""
    from llmtrack.cli.mailing import needed_mailer

    data.require()
    mailer = needed_mailer(data.config)

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.domain.names import clean_email
        from llmtrack.domain.one_time_codes import mint_mail_code, recovery_digest
        from llmtrack.storage.contacts import CODE_LIFE_MS, propose_contact

        to, code, at_ms = clean_email(address), mint_mail_code(), now_ms()
        await mailer.send(to, "LLMtrack: is this address read?", TEXT.format(code=code))
        digest = recovery_digest(code)
        await database.write(propose_contact, to, digest, actor=operator(), now_ms=at_ms)
        return {"address": to, "state": "code sent", "until": moment(at_ms + CODE_LIFE_MS)}

    print_fields(data.run(run, changes=True), as_json=as_json)


@contact.command()
@click.argument("code")
@json_option
@pass_data
def verify(data: Data, code: str, as_json: bool) -> None:
    """Publish the address that CODE was sent to, for half a year."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.domain.one_time_codes import recovery_digest
        from llmtrack.storage.contacts import CONTACT_LIFE_MS, count_attempt, verify_contact

        digest, at_ms = recovery_digest(code), now_ms()
        await database.write(count_attempt)
        address = await database.write(verify_contact, digest, actor=operator(), now_ms=at_ms)
        until = moment(at_ms + CONTACT_LIFE_MS)
        return {"address": address, "state": "published", "until": until}

    print_fields(data.run(run, changes=True), as_json=as_json)


@contact.command()
@json_option
@pass_data
def show(data: Data, as_json: bool) -> None:
    """Show what is published, and what a code is out for."""

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.contacts import list_contacts

        at_ms, rows = now_ms(), []
        for found in await list_contacts(database):
            until_ms = found.expires_ms or found.code_expires_ms or 0
            state = "code sent" if found.verified_ms is None else "published"
            rows.append(
                {
                    "address": found.address,
                    "state": state if until_ms > at_ms else "expired",
                    "verified_at": moment(found.verified_ms),
                    "until": moment(until_ms),
                }
            )
        return rows

    columns = ("address", "state", "verified_at", "until")
    none = "no contact; send a code with: llmtrack contact set ADDRESS"
    print_rows(data.run(run), columns=columns, as_json=as_json, none=none)


@contact.command()
@yes_option
@json_option
@pass_data
def remove(data: Data, yes: bool, as_json: bool) -> None:
    """Publish no contact any more."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.contacts import remove_contact

        confirm("Remove the contact for security?", yes=yes)
        await database.write(remove_contact, actor=operator(), now_ms=now_ms())
        return {"state": "removed"}

    print_fields(data.run(run, changes=True), as_json=as_json)
