# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack keys`: API keys of a workspace."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from llmtrack.cli.confirmation import confirm
from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import json_option, workspace_option, yes_option
from llmtrack.cli.output import moment, print_fields, print_json, print_rows, visible

if TYPE_CHECKING:
    from llmtrack.storage.database import Database
    from llmtrack.storage.keys import Key
    from llmtrack.storage.scope import Scope

_key_argument = click.argument("key", metavar="K")
_any_workspace_option = click.option(
    "--workspace", "-w", metavar="W", help="Look in this workspace only (id or exact name)."
)


class _Found(NamedTuple):
    scope: "Scope"
    key: "Key"


@click.group()
def keys() -> None:
    """API keys: list, create, deactivate, reactivate, delete.

    K is a key's id (key_...), its prefix (llmt_...) or its exact name.
    """


@keys.command("list")
@_any_workspace_option
@json_option
@pass_data
def list_(data: Data, workspace: str | None, as_json: bool) -> None:
    """List the keys of a workspace, or of all. Deleted ones are gone."""

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.keys import list_keys
        from llmtrack.storage.workspaces import list_workspaces, scope_for_admin

        names = [workspace] if workspace else [w.public_id for w in await list_workspaces(database)]
        scopes = [await scope_for_admin(database, name) for name in names]
        return [
            _fields(_Found(scope, key))
            for scope in scopes
            for key in await list_keys(scope, now_ms=now_ms())
        ]

    where = () if workspace else ("workspace",)
    columns = (*where, "id", "prefix", "name", "source", "state", "last_used_at", "events_7_days")
    none = "no key yet; make one with: llmtrack keys create"
    print_rows(data.run(run), columns=columns, as_json=as_json, none=none)


@keys.command()
@workspace_option
@click.option("--name", required=True, help="What the key is for.")
@click.option("--source", help="The label of its events' origin, e.g. backend.")
@json_option
@pass_data
def create(data: Data, workspace: str, name: str, source: str | None, as_json: bool) -> None:
    """Create a key and print it on stdout: it is shown this once and never again."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.keys import create_key
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        made = await scope.write(
            create_key, name=name, source=source, actor=operator(), now_ms=now_ms()
        )
        fields = _fields(_Found(scope, made.key))
        return {"id": fields.pop("id"), "key": made.raw, **fields}

    made = data.run(run, changes=True)
    if as_json:
        print_json(made)
        return
    where = f"{visible(made['name'])} ({made['id']}) in {visible(made['workspace'])}"
    click.echo(f"Key {where}. It is shown now and never again:", err=True)
    click.echo(made["key"])


@keys.command()
@_key_argument
@_any_workspace_option
@json_option
@pass_data
def deactivate(data: Data, key: str, workspace: str | None, as_json: bool) -> None:
    """Refuse requests with key K until it is reactivated. Its history stays."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.keys import deactivate_key

        scope, found = await _find(database, key, workspace)
        await scope.write(deactivate_key, found.public_id, actor=operator(), now_ms=now_ms())
        return await _changed(scope, found)

    print_fields(data.run(run, changes=True), as_json=as_json)


@keys.command()
@_key_argument
@_any_workspace_option
@json_option
@pass_data
def reactivate(data: Data, key: str, workspace: str | None, as_json: bool) -> None:
    """Take requests with key K again."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.keys import reactivate_key

        scope, found = await _find(database, key, workspace)
        await scope.write(reactivate_key, found.public_id, actor=operator(), now_ms=now_ms())
        return await _changed(scope, found)

    print_fields(data.run(run, changes=True), as_json=as_json)


@keys.command()
@_key_argument
@_any_workspace_option
@yes_option
@json_option
@pass_data
def delete(data: Data, key: str, workspace: str | None, yes: bool, as_json: bool) -> None:
    """Delete key K for good: it cannot be recovered or reactivated. Its history stays."""

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.keys import delete_key

        scope, found = await _find(database, key, workspace)
        what = f"{visible(found.name)} ({found.prefix}...) in {visible(scope.name)}"
        confirm(f"Delete key {what} for good?", yes=yes)
        await scope.write(delete_key, found.public_id, actor=operator(), now_ms=now_ms())
        return _fields(_Found(scope, found)) | {"state": "deleted"}

    print_fields(data.run(run, changes=True), as_json=as_json)


async def _changed(scope: "Scope", key: "Key") -> dict[str, Any]:
    from llmtrack.storage.keys import key_of

    return _fields(_Found(scope, await key_of(scope, key.public_id, now_ms=now_ms())))


async def _find(database: "Database", wanted: str, workspace: str | None) -> _Found:
    """The one key of that id, else of that prefix or name."""
    from llmtrack.storage.keys import list_keys
    from llmtrack.storage.workspaces import list_workspaces, scope_for_admin

    names = [workspace] if workspace else [w.public_id for w in await list_workspaces(database)]
    scopes = [await scope_for_admin(database, name) for name in names]
    keys = [_Found(s, key) for s in scopes for key in await list_keys(s, now_ms=now_ms())]
    tests: list[Callable[[Key], bool]] = [
        lambda key: key.public_id == wanted,
        lambda key: wanted in {key.prefix, key.name},
    ]
    for fits in tests:
        matching = [found for found in keys if fits(found.key)]
        if len(matching) == 1:
            return matching[0]
        if matching:
            ids = ", ".join(found.key.public_id for found in matching)
            raise CommandFailed(
                f"{len(matching)} keys are called {wanted!r}: {ids}",
                ExitCode.REFUSED,
                fix="name one by its id",
            )
    raise CommandFailed(
        f"there is no key {wanted!r}",
        ExitCode.NOT_FOUND,
        fix="see: llmtrack keys list --workspace W",
    )


def _fields(found: _Found) -> dict[str, Any]:
    key = found.key
    return {
        "id": key.public_id,
        "prefix": key.prefix,
        "name": key.name,
        "source": key.source,
        "workspace": found.scope.name,
        "workspace_id": found.scope.public_id,
        "state": key.state.value,
        "created_at": moment(key.created_ms),
        "last_used_at": moment(key.last_used_ms),
        "events_7_days": key.recent_events,
    }
