# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack keys`: API keys of a workspace."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.confirmation import confirm
from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.key_names import fields_now, key_fields, keys_of, named_key
from llmtrack.cli.key_options import (
    any_workspace_option,
    changed_terms,
    key_argument,
    lasting_options,
    terms_of,
)
from llmtrack.cli.keys_find import find
from llmtrack.cli.options import json_option, workspace_option, yes_option
from llmtrack.cli.output import print_fields, print_json, print_rows, visible

if TYPE_CHECKING:
    from llmtrack.storage.database import Database


@click.group()
def keys() -> None:
    """API keys: list, create, rename, edit, rotate, find, deactivate, reactivate, delete.

    K is a key's id (key_...), its prefix (llmt_...) or its exact name.
    """


keys.add_command(find)


@keys.command("list")
@any_workspace_option
@json_option
@pass_data
def list_(data: Data, workspace: str | None, as_json: bool) -> None:
    """List the keys of a workspace, or of all. Deleted ones are gone.

    --json has all fields: networks, times, the old secret of a rotation, the last refusal.
    """

    async def run(database: "Database") -> list[dict[str, Any]]:
        return [key_fields(found) for found in await keys_of(database, workspace)]

    where = () if workspace else ("workspace",)
    columns = (
        *where,
        *("id", "prefix", "name", "source", "access", "state", "expires_at", "old_expires_at"),
        *("last_used_at", "last_used_ip", "uses", "unused_90_days"),
    )
    none = "no key yet; make one with: llmtrack keys create"
    print_rows(data.run(run), columns=columns, as_json=as_json, none=none)


@keys.command()
@workspace_option
@click.option("--name", required=True, help="What the key is for.")
@click.option("--source", help="The label of its events' origin, e.g. backend.")
@click.option(
    "--access",
    type=click.Choice(["ingest", "read"]),
    default="ingest",
    show_default=True,
    help="ingest sends events and reads nothing; read reads usage and sends nothing.",
)
@lasting_options
@json_option
@pass_data
def create(
    data: Data,
    *,
    workspace: str,
    name: str,
    source: str | None,
    access: str,
    networks: tuple[str, ...],
    not_before: str | None,
    expires: str | None,
    as_json: bool,
) -> None:
    """Create a key and print it on stdout: it is shown this once and never again."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.keys import create_key
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        made = await scope.write(
            create_key,
            name=name,
            source=source,
            terms=terms_of(access, networks, (not_before, expires), scope.time_zone),
            actor=operator(),
            now_ms=now_ms(),
        )
        fields = await fields_now(scope, made.key.public_id)
        return {"id": fields.pop("id"), "key": made.raw, **fields}

    _print_raw(data.run(run, changes=True), "Key", as_json=as_json)


@keys.command()
@key_argument
@click.argument("name")
@any_workspace_option
@json_option
@pass_data
def rename(data: Data, key: str, name: str, workspace: str | None, as_json: bool) -> None:
    """Give key K another name. Its history moves with it."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.key_changes import edit_key

        scope, found = await named_key(database, key, workspace)
        await scope.write(
            edit_key,
            found.public_id,
            name=name,
            source=found.source,
            terms=found.terms,
            actor=operator(),
            now_ms=now_ms(),
        )
        return await fields_now(scope, found.public_id)

    print_fields(data.run(run, changes=True), as_json=as_json)


@keys.command()
@key_argument
@click.option("--source", help='The label of its events\' origin; "" takes it away.')
@lasting_options
@any_workspace_option
@json_option
@pass_data
def edit(
    data: Data,
    *,
    key: str,
    source: str | None,
    networks: tuple[str, ...],
    not_before: str | None,
    expires: str | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Change what key K is good for; what is not named stays. "" takes a limit away."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.key_changes import edit_key

        scope, found = await named_key(database, key, workspace)
        await scope.write(
            edit_key,
            found.public_id,
            name=found.name,
            source=found.source if source is None else source,
            terms=changed_terms(found.terms, networks, (not_before, expires), scope.time_zone),
            actor=operator(),
            now_ms=now_ms(),
        )
        return await fields_now(scope, found.public_id)

    print_fields(data.run(run, changes=True), as_json=as_json)


@keys.command()
@key_argument
@click.option(
    "--grace-days",
    type=click.IntRange(0, 7),
    default=1,
    show_default=True,
    help="How long the old secret stays good; 0 ends it at once.",
)
@any_workspace_option
@json_option
@pass_data
def rotate(data: Data, key: str, grace_days: int, workspace: str | None, as_json: bool) -> None:
    """Give key K a new secret and print it on stdout, this once. Id and history stay.

    The old secret stays good for the grace; `keys list` shows when it was used last.
    """

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.key_changes import rotate_key

        scope, found = await named_key(database, key, workspace)
        raw = await scope.write(
            rotate_key,
            found.public_id,
            grace_days=grace_days,
            actor=operator(),
            now_ms=now_ms(),
        )
        fields = await fields_now(scope, found.public_id)
        return {"id": fields.pop("id"), "key": raw, **fields}

    _print_raw(data.run(run, changes=True), "New secret of", as_json=as_json)


@keys.command()
@key_argument
@any_workspace_option
@json_option
@pass_data
def deactivate(data: Data, key: str, workspace: str | None, as_json: bool) -> None:
    """Refuse requests with key K until it is reactivated. Its history stays."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.key_changes import deactivate_key

        return await _switched(database, key, workspace, deactivate_key)

    print_fields(data.run(run, changes=True), as_json=as_json)


@keys.command()
@key_argument
@any_workspace_option
@json_option
@pass_data
def reactivate(data: Data, key: str, workspace: str | None, as_json: bool) -> None:
    """Take requests with key K again."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.key_changes import reactivate_key

        return await _switched(database, key, workspace, reactivate_key)

    print_fields(data.run(run, changes=True), as_json=as_json)


@keys.command()
@key_argument
@any_workspace_option
@yes_option
@json_option
@pass_data
def delete(data: Data, key: str, workspace: str | None, yes: bool, as_json: bool) -> None:
    """Delete key K for good: it cannot be recovered or reactivated. Its history stays."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.services.deletion_runs import align_file
        from llmtrack.storage.key_changes import delete_key

        scope, found = await named_key(database, key, workspace)
        what = f"{visible(found.name)} ({found.prefix}...) in {visible(scope.name)}"
        confirm(f"Delete key {what} for good?", yes=yes)
        fields = await fields_now(scope, found.public_id)
        await scope.write(delete_key, found.public_id, actor=operator(), now_ms=now_ms())
        await align_file(database, data.directory, now_ms=now_ms())
        return fields | {"state": "deleted"}

    print_fields(data.run(run, changes=True), as_json=as_json)


async def _switched(
    database: "Database", key: str, workspace: str | None, switch: Callable[..., None]
) -> dict[str, Any]:
    scope, found = await named_key(database, key, workspace)
    await scope.write(switch, found.public_id, actor=operator(), now_ms=now_ms())
    return await fields_now(scope, found.public_id)


def _print_raw(made: dict[str, Any], what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    where = f"{visible(made['name'])} ({made['id']}) in {visible(made['workspace'])}"
    click.echo(f"{what} {where}. It is shown now and never again:", err=True)
    click.echo(made["key"])
    if made["old_expires_at"]:
        click.echo(f"The old one stops at {made['old_expires_at']}.", err=True)
