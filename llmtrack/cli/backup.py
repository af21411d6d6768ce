# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack backup`: copies that are known to be good, and the way back."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.confirmation import confirm
from llmtrack.cli.data import DATABASE_NAME, Data, now_ms, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import json_option, yes_option
from llmtrack.cli.output import field_lines, moment, print_fields, print_rows
from llmtrack.domain.errors import LLMtrackError

if TYPE_CHECKING:
    from llmtrack.services.backup import BackupFacts
    from llmtrack.services.rotation import Copy
    from llmtrack.storage.deletions import Deletion

_path = click.Path(dir_okay=False, path_type=Path)
_file_argument = click.argument("file", type=_path)
_identity_option = click.option(
    "--identity",
    type=_path,
    metavar="F",
    help="The private key that `backup keygen` wrote, for a sealed backup.",
)
LIST_COLUMNS = (
    "created",
    "reason",
    "bytes",
    "schema",
    "events",
    "event_cost_usd",
    "sealed",
    "file",
)


@click.group()
def backup() -> None:
    """Backups: create, list, verify, restore, prune."""


@backup.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="F",
    help="The file to make, or a directory for it. Default: the setting backup.dir, which is "
    "backups/ in the data directory.",
)
@click.option("--reason", default="manual", metavar="TEXT", help="What the manifest says it is.")
@click.option("--no-encrypt", is_flag=True, help="Do not seal it, whatever backup.recipient says.")
@json_option
@pass_data
def create(data: Data, *, out: Path | None, reason: str, no_encrypt: bool, as_json: bool) -> None:
    """Copy the database while the server runs, check the copy, and keep it (mode 0600).

    The copy is one file of one moment; until it is checked its name ends in .part. Beside it
    is its manifest. With the setting backup.recipient it is sealed to that public key.
    """
    from llmtrack.config.table import BACKUP_RECIPIENT
    from llmtrack.services.backup import create, default_name
    from llmtrack.services.files import make_directory

    data.announce()
    data.require(may_be_read_only=out is not None)
    if out is None:
        out = data.backup_directory
        make_directory(out)
    target = out / default_name(now_ms()) if out.is_dir() else out
    recipient = None if no_encrypt else data.config[BACKUP_RECIPIENT] or None
    facts = create(data.database, target, now_ms=now_ms(), reason=reason, recipient=recipient)
    print_fields(_fields(facts), as_json=as_json)


@backup.command("list")
@json_option
@pass_data
def list_backups(data: Data, as_json: bool) -> None:
    """List the backups in backup.dir, the newest first."""
    from llmtrack.services.rotation import copies_in

    rows = [_row(copy) for copy in copies_in(data.backup_directory)]
    print_rows(
        rows, columns=LIST_COLUMNS, as_json=as_json, none=f"no backup in {data.backup_directory}"
    )


@backup.command()
@click.argument("files", nargs=-1, type=_path, metavar="[FILE]...")
@click.option("--latest", is_flag=True, help="The newest one in backup.dir.")
@click.option("--all", "every", is_flag=True, help="All in backup.dir.")
@_identity_option
@json_option
@pass_data
def verify(
    data: Data,
    *,
    files: tuple[Path, ...],
    latest: bool,
    every: bool,
    identity: Path | None,
    as_json: bool,
) -> None:
    """Hold backups against their manifests and read every page; exit code 6 if one is bad.

    Of several each is looked at, whatever the others are like. A sealed backup is opened with
    --identity; without it only its checksum is looked at.
    """
    from llmtrack.cli.output import print_json
    from llmtrack.services.backup import verify
    from llmtrack.services.rotation import copies_in

    chosen = list(files)
    if latest or every:
        found = [copy.path for copy in copies_in(data.backup_directory)]
        chosen += found if every else found[:1]
    if not chosen:
        raise CommandFailed(
            "there is nothing to verify", ExitCode.NOT_FOUND, fix="name a FILE, --latest or --all"
        )
    if len(chosen) == 1:
        print_fields(_fields(verify(chosen[0], identity=identity)), as_json=as_json)
        return
    checked = [_verdict(file, identity) for file in chosen]
    if as_json:
        print_json(checked)
    else:
        click.echo("\n\n".join(field_lines(fields) for fields in checked))
    if bad := [str(fields["file"]) for fields in checked if not fields["verified"]]:
        raise CommandFailed(
            f"{len(bad)} of {len(checked)} are bad: {', '.join(bad)}",
            ExitCode.VERIFICATION_FAILED,
            fix="remove them, and make one more: llmtrack backup create",
        )


@backup.command()
@_file_argument
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Restore into this data directory instead, e.g. to try a backup out.",
)
@click.option("--dry-run", is_flag=True, help="Do everything but the replacing.")
@click.option(
    "--ledger",
    type=_path,
    metavar="F",
    help="Another deletions.jsonl: what it names stays deleted, too.",
)
@_identity_option
@yes_option
@json_option
@pass_data
def restore(
    data: Data,
    *,
    file: Path,
    to: Path | None,
    dry_run: bool,
    ledger: Path | None,
    identity: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Put backup FILE in the place of the database. The server must be stopped.

    What is replaced is kept aside in restore-undo-.../ and can be restored in turn. What was
    deleted for good after the backup was made (events, customers, keys, users, workspaces) is
    deleted again before anything is replaced. All sessions end.
    """
    from llmtrack.services.lock import DirectoryLock
    from llmtrack.services.restoring import restore

    database = to / DATABASE_NAME if to else data.database
    click.echo(f"Data: {database}", err=True)
    if database.exists() and not yes and not dry_run:
        with DirectoryLock.take(database.parent, "llmtrack backup restore"):
            pass  # a running server is the better reason to refuse
        confirm(f"Replace {database} by {file}?", yes=False)
        yes = True
    restored = restore(
        file,
        database,
        overwrite=yes,
        now_ms=now_ms(),
        identity=identity,
        ledger=_known(data, ledger),
        dry_run=dry_run,
    )
    fields = _fields(restored.facts) | {
        "file": str(file),
        "undo": str(restored.undo) if restored.undo else None,
        "deleted_again": len(restored.replayed),
        "replaced": not dry_run,
    }
    print_fields(fields, as_json=as_json)


def _known(data: Data, ledger: Path | None) -> "list[Deletion]":
    """Deletions from beside the data, also when another directory is restored into."""
    from llmtrack.services.deletion_file import read_deletion_file, read_deletions

    return read_deletions(data.directory) + (read_deletion_file(ledger) if ledger else [])


@backup.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
@pass_data
def prune(data: Data, dry_run: bool, as_json: bool) -> None:
    """Remove backups that rotation no longer keeps, and all beyond backup.max_age.

    States that a restore has put aside (restore-undo-...) go by backup.max_age as well.
    """
    from llmtrack.cli.scheduling import keeping_of, pruned

    if not dry_run:
        data.announce()
    gone = pruned(data, keeping_of(data.config), now_ms(), dry_run=dry_run)
    rows = [{"file": str(path), "removed": not dry_run} for path in gone]
    print_rows(rows, columns=("file", "removed"), as_json=as_json, none="nothing is too old")


@backup.command()
@click.option("--out", type=_path, metavar="F", help="Write the private key there (mode 0600).")
@json_option
def keygen(out: Path | None, as_json: bool) -> None:
    """Make a key pair for sealed backups; in age's format.

    Set backup.recipient to the public key. Keep the private key off this machine: with it
    gone, so are all sealed backups.
    """
    from llmtrack.services.sealing import generate_key_pair, write_identity

    pair = generate_key_pair()
    if out is not None:
        write_identity(out, pair, moment(now_ms()) or "")
    fields = {
        "public_key": pair.recipient,
        "private_key": pair.identity if out is None else None,
        "private_key_file": str(out) if out else None,
    }
    print_fields(fields, as_json=as_json)


def _verdict(file: Path, identity: Path | None) -> dict[str, Any]:
    """As `_fields`; of one that is bad what is wrong with it."""
    from llmtrack.services.backup import verify

    try:
        return _fields(verify(file, identity=identity))
    except (LLMtrackError, OSError) as error:
        return {"file": str(file), "verified": False, "problem": str(error)}


def _fields(facts: "BackupFacts") -> dict[str, Any]:
    manifest = facts.manifest
    return {
        "file": str(facts.path),
        "created": manifest.created if manifest else None,
        "reason": manifest.reason if manifest else None,
        "bytes": facts.size,
        "schema": facts.schema,
        "workspaces": facts.rows.get("workspace") if facts.is_opened else None,
        "users": facts.rows.get("user") if facts.is_opened else None,
        "events": facts.rows.get("event") if facts.is_opened else None,
        "event_cost_usd": manifest.event_cost_usd if manifest else None,
        "total_cost_usd": manifest.total_cost_usd if manifest else None,
        "sha256": manifest.sha256 if manifest else None,
        "sealed_to": manifest.sealed_to if manifest else None,
        "verified": True if facts.is_opened else "checksum only: sealed",
    }


def _row(copy: "Copy") -> dict[str, Any]:
    manifest = copy.manifest
    return {
        "created": moment(copy.created_ms),
        "reason": copy.reason,
        "bytes": copy.size,
        "schema": manifest.schema if manifest else None,
        "events": (manifest.rows or {}).get("event") if manifest else None,
        "event_cost_usd": manifest.event_cost_usd if manifest else None,
        "sealed": bool(manifest and manifest.sealed_to),
        "file": str(copy.path),
    }
