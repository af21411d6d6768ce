# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack db`: the database file itself."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import json_option
from llmtrack.cli.output import print_fields

if TYPE_CHECKING:
    from llmtrack.services.backup import BackupFacts


@click.group()
def db() -> None:
    """The database file: migrate, check its pages, fold its log."""


@db.command("migrate")
@click.option("--status", is_flag=True, help="Only say what is pending; exit code 78 if anything.")
@click.option("--dry-run", is_flag=True, help="Migrate a copy, say how long it took, remove it.")
@json_option
@pass_data
def migrate_database(data: Data, *, status: bool, dry_run: bool, as_json: bool) -> None:
    """Bring the database to this version's schema, after a backup.

    `llmtrack serve` does the same by itself. The server must not run.
    """
    from llmtrack.services.lock import DirectoryLock
    from llmtrack.services.upgrades import pending_steps, rehearse, schema_of, upgrade
    from llmtrack.storage.schema import MIGRATIONS

    data.require()
    pending = pending_steps(data.database)
    fields: dict[str, Any] = {
        "schema": schema_of(data.database),
        "newest": len(MIGRATIONS),
        "pending": pending,
    }
    if status:
        print_fields(fields, as_json=as_json)
        if pending:
            raise CommandFailed(
                f"{pending} migrations are pending", ExitCode.CONFIG, fix="llmtrack db migrate"
            )
        return
    if dry_run:
        tried = rehearse(data.database)
        fields |= {"seconds": round(tried.seconds, 3), "bytes": tried.size}
        print_fields(fields, as_json=as_json)
        return
    data.announce()
    with DirectoryLock.take(data.directory, "llmtrack db migrate"):
        made = back_up_before_upgrade(data)
        fields["schema"] = upgrade(data.database)
    print_fields(fields | {"backup": str(made.path) if made else None}, as_json=as_json)


@db.command()
@click.option("--full", is_flag=True, help="Compare every index with its table as well.")
@json_option
@pass_data
def integrity(data: Data, full: bool, as_json: bool) -> None:
    """Read every page; exit code 6 if one is bad."""
    from contextlib import closing

    from llmtrack.storage.maintenance import all_problems, open_to_read

    data.require()
    with closing(open_to_read(data.database)) as connection:
        problems = all_problems(connection, quick=not full)
    if problems:
        raise CommandFailed(
            f"{data.database} is damaged: {'; '.join(problems[:3])}",
            ExitCode.VERIFICATION_FAILED,
        )
    print_fields({"file": str(data.database), "problems": 0}, as_json=as_json)


@db.command()
@json_option
@pass_data
def checkpoint(data: Data, as_json: bool) -> None:
    """Move the write-ahead log into the file and empty it."""
    from llmtrack.storage.maintenance import all_checkpointed

    data.announce()
    data.require()
    is_done = all_checkpointed(data.database)
    print_fields({"emptied": is_done}, as_json=as_json)
    if not is_done:
        raise CommandFailed("a reader was in the way", ExitCode.BUSY)


def back_up_before_upgrade(data: Data) -> "BackupFacts | None":
    """Into backup.dir, if there is something to migrate."""
    from llmtrack.config.table import BACKUP_RECIPIENT
    from llmtrack.services.upgrades import back_up_first

    made = back_up_first(
        data.database,
        data.backup_directory,
        recipient=data.config[BACKUP_RECIPIENT] or None,
        now_ms=now_ms(),
    )
    if made is not None:
        click.echo(f"Backed up before the upgrade: {made.path}", err=True)
    return made
