# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack audit`: who changed what, and whether the log of it is whole."""

import json
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import click

from llmtrack.cli.data import Data, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import json_option
from llmtrack.cli.output import moment, print_fields, print_json, print_rows
from llmtrack.domain.nouns import counted

T = TypeVar("T")

FAULTS_SHOWN = 20
SENT_HEAD = re.compile(r"audit head (\d+:\d+:[0-9a-f]{64})\b")
"""As `services.audit_anchor` sends them."""
_where = click.option("--workspace", "-w", metavar="W", help="Only this one (id or exact name).")


@click.group()
def audit() -> None:
    """The audit log: list, verify, export.

    One chain of entries for each workspace and one for the instance; each entry's hash
    covers the entry before it.
    """


@audit.command("list")
@_where
@click.option("--action", metavar="A", help="e.g. api_key.create, or api_key for all of its.")
@click.option("--from", "start", metavar="TIME", help="A date or RFC 3339 time, in UTC.")
@click.option("--to", "end", metavar="TIME", help="Before this date or time.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, metavar="N")
@json_option
@pass_data
def list_(
    data: Data,
    *,
    workspace: str | None,
    action: str | None,
    start: str | None,
    end: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List entries, the newest first."""
    from llmtrack.cli.periods import instant
    from llmtrack.storage.maintenance_audit import all_audit_entries

    rows = _read(
        data,
        lambda connection: all_audit_entries(
            connection,
            workspace=workspace,
            action=action,
            start_ms=None if start is None else instant("from", start, "UTC"),
            end_ms=None if end is None else instant("to", end, "UTC"),
            most=limit,
        ),
    )
    columns = ("time", "workspace", "actor", "ip", "action", "target")
    shown = [_fields(row) for row in rows]
    print_rows(shown, columns=columns, as_json=as_json, none="no entry")


@audit.command()
@click.option(
    "--heads",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="F",
    help="A backup's manifest, or lines of a syslog: their entries must still be there.",
)
@json_option
@pass_data
def verify(data: Data, heads: Path | None, as_json: bool) -> None:
    """Check every chain; exit code 6 if an entry was changed or is missing.

    A chain that lost its last entries looks whole: compare it with the heads in the manifest
    of a backup that is kept elsewhere, or in what audit.syslog has had.
    """
    from llmtrack.storage.maintenance_audit import all_audit_missing, all_audit_verdict

    kept = None if heads is None else _kept_heads(heads)

    def check(connection: Any) -> tuple[int, list[str]]:
        verdict = all_audit_verdict(connection)
        missing = [] if kept is None else all_audit_missing(connection, kept)
        return verdict.entries, verdict.faults + missing

    entries, faults = _read(data, check)
    print_fields({"entries": entries, "faults": len(faults), "whole": not faults}, as_json=as_json)
    for fault in faults[:FAULTS_SHOWN]:
        click.echo(fault, err=True)
    if faults:
        raise CommandFailed(
            f"the audit log has {counted(len(faults), 'fault')}",
            ExitCode.VERIFICATION_FAILED,
            fix="compare it with a backup: llmtrack backup verify FILE",
        )


@audit.command()
@_where
@json_option
@pass_data
def export(data: Data, workspace: str | None, as_json: bool) -> None:
    """Write all entries with their hashes: a JSON object a line, oldest first (--json: an array).

    hash = SHA-256(previous_hash + the object of workspace_id, id, timestamp_ms, actor_user_id,
    actor, ip, action, target and details, as JSON with sorted keys and without spaces).
    """
    from llmtrack.storage.maintenance_audit import all_audit_entries

    rows = _read(data, lambda connection: all_audit_entries(connection, workspace=workspace))
    entries = [_hashed(row) for row in reversed(rows)]
    if as_json:
        print_json(entries)
        return
    for entry in entries:
        click.echo(json.dumps(entry))


def _read(data: Data, function: Callable[[Any], T]) -> T:
    from llmtrack.storage.maintenance import open_to_read

    data.require()
    with closing(open_to_read(data.database)) as connection:
        return function(connection)


def _kept_heads(path: Path) -> Any:
    from llmtrack.storage.maintenance_audit import heads_of

    try:
        text = path.read_text(errors="replace")
        lines = SENT_HEAD.findall(text)
        return heads_of(",".join(lines) if lines else json.loads(text)["audit_head"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandFailed(
            f"{path} has no heads of an audit log",
            ExitCode.NOT_FOUND,
            fix="name the .json file beside a backup that is not sealed, or lines of the syslog",
        ) from error


def _fields(row: Any) -> dict[str, Any]:
    return {
        "time": moment(row["timestamp_ms"]),
        "workspace": row["workspace"],
        "id": row["id"],
        "actor": row["actor"],
        "ip": row["ip"],
        "action": row["action"],
        "target": row["target"],
        "details": json.loads(row["details"]),
    }


def _hashed(row: Any) -> dict[str, Any]:
    names = ("workspace_id", "id", "timestamp_ms", "actor_user_id", "actor", "ip", "action")
    return {name: row[name] for name in names} | {
        "target": row["target"],
        "details": row["details"],
        "previous_hash": row["previous_hash"].hex(),
        "hash": row["hash"].hex(),
    }
