# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack backup`: copies that are known to be good, and the way back."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.confirmation import confirm
from llmtrack.cli.data import DATABASE_NAME, Data, now_ms, pass_data
from llmtrack.cli.options import json_option, yes_option
from llmtrack.cli.output import print_fields

if TYPE_CHECKING:
    from llmtrack.services.backup import BackupFacts

_file_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.group()
def backup() -> None:
    """Backups: create, verify, restore."""


@backup.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="F",
    help="The file to make, or a directory for it. Default: backups/ in the data directory.",
)
@json_option
@pass_data
def create(data: Data, out: Path | None, as_json: bool) -> None:
    """Copy the database while the server runs, check the copy, and keep it (mode 0600).

    The copy is one file of one moment. Until it is checked its name ends in .part.
    """
    from llmtrack.services.backup import create, default_name
    from llmtrack.services.files import make_directory

    data.announce()
    data.require()
    if out is None:
        out = data.directory / "backups"
        make_directory(out)
    target = out / default_name(now_ms()) if out.is_dir() else out
    print_fields(_fields(create(data.database, target)), as_json=as_json)


@backup.command()
@_file_argument
@json_option
def verify(file: Path, as_json: bool) -> None:
    """Read every page of backup FILE; exit code 6 if anything is wrong with it."""
    from llmtrack.services.backup import verify

    print_fields(_fields(verify(file)), as_json=as_json)


@backup.command()
@_file_argument
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Restore into this data directory instead, e.g. to try a backup out.",
)
@yes_option
@json_option
@pass_data
def restore(data: Data, file: Path, to: Path | None, yes: bool, as_json: bool) -> None:
    """Put backup FILE in the place of the database. The server must be stopped.

    What is replaced is kept aside in restore-undo-.../ and can be restored in turn. All
    sessions end. Events that were purged or keys that were deleted after the backup was
    made are back: purge or delete them again.
    """
    from llmtrack.services.backup import restore
    from llmtrack.services.lock import DirectoryLock

    database = to / DATABASE_NAME if to else data.database
    click.echo(f"Data: {database}", err=True)
    if database.exists() and not yes:
        with DirectoryLock.take(database.parent, "llmtrack backup restore"):
            pass  # a running server is the better reason to refuse
        confirm(f"Replace {database} by {file}?", yes=False)
        yes = True
    restored = restore(file, database, overwrite=yes, now_ms=now_ms())
    fields = _fields(restored.facts) | {"undo": str(restored.undo) if restored.undo else None}
    print_fields(fields, as_json=as_json)


def _fields(facts: "BackupFacts") -> dict[str, Any]:
    return {
        "file": str(facts.path),
        "bytes": facts.size,
        "schema": facts.schema,
        "workspaces": facts.rows.get("workspace", 0),
        "users": facts.rows.get("user", 0),
        "events": facts.rows.get("event", 0),
        "verified": True,
    }
