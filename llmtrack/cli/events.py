# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack events`: single events out of a workspace, and into one."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmtrack.cli.data import Data, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import json_option, workspace_option
from llmtrack.cli.passwords import read_key
from llmtrack.cli.periods import instant
from llmtrack.domain.nouns import counted

if TYPE_CHECKING:
    from llmtrack.cli.sending import Sender
    from llmtrack.storage.database import Database

END_OF_TIME_MS = 2**62


@click.group()
def events() -> None:
    """Single events: export them, send some."""


@events.command()
@workspace_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["jsonl"]),
    default="jsonl",
    show_default=True,
    help="One JSON object a line.",
)
@click.option("--from", "start", metavar="T", help="First instant. Default: the beginning.")
@click.option("--to", "end", metavar="T", help="First instant after it. Default: no end.")
@pass_data
def export(data: Data, *, workspace: str, format_: str, start: str | None, end: str | None) -> None:
    """Write a workspace's events to stdout, the oldest first.

    T is RFC 3339 or a date, which is its first moment in the workspace's time zone. What is
    unknown is null; costs are US dollars as decimal strings.
    """
    del format_  # there is one

    async def run(database: "Database") -> None:
        from llmtrack.formats.jsonl import event_line
        from llmtrack.storage.events import exported
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        start_ms = instant("from", start, scope.time_zone) if start else 0
        end_ms = instant("to", end, scope.time_zone) if end else END_OF_TIME_MS
        out = sys.stdout.buffer
        async for page in exported(scope, start_ms=start_ms, end_ms=end_ms):
            out.write(b"".join(map(event_line, page)))
        out.flush()

    data.run(run)


@events.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key-stdin", is_flag=True, help="Read the API key from stdin (needed in scripts).")
@click.option(
    "--url", metavar="URL", help="The server. Default: the one that runs on the data directory."
)
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False),
    metavar="F",
    help="Trust this certificate instead of the system's.",
)
@json_option
@pass_data
def send(
    data: Data,
    *,
    file: Path,
    key_stdin: bool,
    url: str | None,
    ca_file: str | None,
    as_json: bool,
) -> None:
    """Send the events in FILE, one by one, and print what became of each.

    FILE holds one JSON object, an array of them, or one a line. Sending it again stores
    nothing twice: each event carries an Idempotency-Key made from its text.
    """
    from llmtrack.cli.sending import Sender, documents

    if not key_stdin and not sys.stdin.isatty():
        raise click.UsageError("pass the API key on stdin, with --key-stdin")
    key = read_key()
    url, ca_file = (url, ca_file) if url else _local_server(data, ca_file)
    sender = Sender(url, key, ca_file)
    failed = sum(_send_one(sender, document, as_json) for document in documents(file))
    if failed:
        raise CommandFailed(f"not stored: {counted(failed, 'event')}", ExitCode.FAILURE, fix="")


def _send_one(sender: "Sender", document: bytes, as_json: bool) -> bool:
    """Whether it failed."""
    sent = sender.send(document)
    click.echo(sent.as_json() if as_json else str(sent))
    return not sent.is_stored


def _local_server(data: Data, ca_file: str | None) -> tuple[str, str | None]:
    from llmtrack.services.lock import holder_of

    holder = holder_of(data.directory) if data.directory.is_dir() else None
    if holder is None or not holder.address:
        raise CommandFailed(
            f"no server runs on {data.directory}",
            ExitCode.SERVER_STATE,
            fix="start one (llmtrack serve), or name one with --url",
        )
    own = data.directory / "tls" / "self-signed.crt"
    return holder.address, ca_file or (str(own) if own.exists() else None)
