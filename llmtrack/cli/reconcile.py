# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack reconcile`: a provider's bill against what was recorded."""

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, pass_data
from llmtrack.cli.options import json_option, workspace_option
from llmtrack.cli.output import print_json, print_rows
from llmtrack.domain.errors import InvalidValue

if TYPE_CHECKING:
    from llmtrack.services.reconciling import Bill, Reconciled
    from llmtrack.storage.database import Database

FILE_BYTES_MAX = 256 * 1024 * 1024
COLUMNS = (
    "day", "model", "billed_usd", "recorded_usd", "difference_usd", "coverage_percent", "mainly",
)  # fmt: skip


@click.command()
@workspace_option
@click.option(
    "--provider",
    required=True,
    metavar="P",
    help="Whose bill it is: openai and anthropic are known, others need --column.",
)
@click.option(
    "--file",
    "file",
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="F",
    help="The provider's cost or usage export (CSV); - is stdin.",
)
@click.option("--from", "start", metavar="DATE", help="First UTC day. Default: the file's first.")
@click.option("--to", "end", metavar="DATE", help="First UTC day after it. Default: all days.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="OURS=THEIRS",
    help="Which column is what: day=Date, cost=Amount, model=Name. May come several times.",
)
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV on stdout.")
@pass_data
def reconcile(
    data: Data,
    *,
    workspace: str,
    provider: str,
    file: Path,
    start: str | None,
    end: str | None,
    columns: tuple[str, ...],
    as_json: bool,
    as_csv: bool,
) -> None:
    """Compare a provider's bill with what a workspace recorded, by UTC day and model.

    Says how much of the bill is covered by recorded events, and what the difference comes
    from: calls that were not recorded, tokens of one class, or other prices. The parts add up
    to the difference exactly. Files of openai and anthropic are understood as their consoles
    export them; of any other, say which column is what:

    \b
      llmtrack reconcile -w Acme --provider mistral --file bill.csv \\
        --column day=Date --column model=Model --column cost="Amount (USD)"

    Known names: day, model, cost, requests, input, cache_read, cache_write, output.
    """  # noqa: D301 - \b is click's mark
    from llmtrack.services.reconciling import Bill, parse_columns

    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    first, after = _day("from", start), _day("to", end)
    last = None if after is None else date.fromordinal(after.toordinal() - 1)
    bill = Bill(_read(file), provider, parse_columns(list(columns)), first, last)
    found = data.run(lambda database: _reconciled(database, workspace, bill))
    _print(workspace, found, as_json=as_json, as_csv=as_csv)


async def _reconciled(database: "Database", workspace: str, bill: "Bill") -> "Reconciled":
    from llmtrack.services.price_books import PriceBooks
    from llmtrack.services.reconciling import reconcile_bill
    from llmtrack.storage.workspaces import scope_for_admin

    scope = await scope_for_admin(database, workspace)
    book = await PriceBooks(database).find(scope.workspace_id)
    return await reconcile_bill(scope, bill, book)


def _print(workspace: str, found: "Reconciled", *, as_json: bool, as_csv: bool) -> None:
    from llmtrack.formats.csv_table import csv_text
    from llmtrack.formats.reconciliation_rows import line_rows, total_row

    rows = list(line_rows(found.result))
    total = total_row(found.result)
    if as_json:
        print_json(
            {
                "workspace": workspace,
                "provider": found.provider,
                "first_day": found.first.isoformat(),
                "last_day": found.last.isoformat(),
                "unused_columns": found.unused_columns,
                "total": total,
                "lines": rows,
            }
        )
        return
    if as_csv:
        click.echo(csv_text(rows, list(rows[0]) if rows else COLUMNS), nl=False)
        return
    print_rows(rows, columns=COLUMNS, as_json=False, none="nothing to compare")
    _say_total(found, total)


def _say_total(found: "Reconciled", total: dict[str, Any]) -> None:
    """The verdict in words, with every part of the difference."""
    covered = total["coverage_percent"]
    click.echo("")
    click.echo(f"{found.provider}, {found.first} to {found.last} (UTC days, both included)")
    if found.unused_columns:
        click.echo(f"Not used    columns {', '.join(found.unused_columns)}")
    click.echo(f"Covered     {'-' if covered is None else f'{covered}%'} of the bill")
    for text, name in (
        ("Billed", "billed"),
        ("Recorded", "recorded"),
        ("Difference", "difference"),
    ):
        amount = total[f"{name}_usd"]
        click.echo(f"{text:<12}{'-' if amount is None else f'{amount} USD'}")
    for name, part in found.result.parts._asdict().items():
        if part:
            click.echo(f"  {name.replace('_', ' '):<12}{total[f'by_{name}_usd']} USD")
    if total["unpriced_events"]:
        click.echo(f"Unpriced    {total['unpriced_events']:,} recorded events have no price")
    if total["mainly"]:
        click.echo(f"Mainly      {total['mainly']}")


def _day(option: str, text: str | None) -> date | None:
    from llmtrack.domain.periods import parse_day

    if text is None:
        return None
    try:
        return parse_day(text)
    except ValueError as error:
        raise InvalidValue(
            option, f"--{option} {text!r} is no date", fix="write it as 2026-11-01"
        ) from error


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read(FILE_BYTES_MAX)
    if file.stat().st_size > FILE_BYTES_MAX:
        raise InvalidValue("file", f"{file} is larger than {FILE_BYTES_MAX // 1024**2} MiB")
    return file.read_bytes()
