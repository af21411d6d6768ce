# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack prices import|update|diff|status`: newer price lists, and the age of this one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.confirmation import confirm
from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import Command, json_option, yes_option
from llmtrack.cli.output import moment, print_fields, print_json, print_rows, visible
from llmtrack.domain.nouns import counted

if TYPE_CHECKING:
    from llmtrack.domain.price_updates import RateChange, RowChange
    from llmtrack.services.price_updates import PlannedImport, PriceFile
    from llmtrack.storage.database import Database

SHOWN_CHANGES = 40
_file_argument = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
_sha256_option = click.option("--sha256", metavar="HEX", help="What the file's SHA-256 must be.")
_url_option = click.option(
    "--url",
    metavar="URL",
    help="Where the list is, https only. Default: the setting prices.url.",
)


def _force_option(command: Command) -> Command:
    return click.option(
        "--force-model",
        "forced",
        multiple=True,
        metavar="P/MODEL",
        help="Take over what is held back of this model, too. Repeatable.",
    )(command)


@click.command("import")
@_file_argument
@_sha256_option
@_force_option
@yes_option
@json_option
@pass_data
def import_(
    data: Data,
    *,
    file: Path,
    sha256: str | None,
    forced: Sequence[str],
    yes: bool,
    as_json: bool,
) -> None:
    """Import the price list FILE: the v2 data.json of genai-prices, or a release's prices.json.

    A checksum in FILE.sha256 is checked. Doubtful changes (a rate that becomes or stops being
    0, moves more than tenfold or is gone, a model that is gone) are held back. Costs that are
    stored stay as they are; see: llmtrack prices recompute.
    """

    async def read() -> "PriceFile":
        from llmtrack.services.price_updates import read_price_file

        return read_price_file(file, sha256)

    _import(data, read, forced, yes=yes, as_json=as_json)


@click.command()
@_url_option
@_sha256_option
@_force_option
@yes_option
@json_option
@pass_data
def update(
    data: Data,
    *,
    url: str | None,
    sha256: str | None,
    forced: Sequence[str],
    yes: bool,
    as_json: bool,
) -> None:
    """Fetch a price list and import it. Nothing is ever fetched without this command."""
    from llmtrack.config.table import PRICES_URL

    address = url or data.config[PRICES_URL]
    if not address:
        raise click.UsageError("name the list: --url URL, or the setting prices.url")

    async def fetch() -> "PriceFile":
        from llmtrack.services.price_updates import fetch_price_file

        return await fetch_price_file(address, sha256)

    _import(data, fetch, forced, yes=yes, as_json=as_json)


@click.command()
@_file_argument
@_sha256_option
@json_option
@pass_data
def diff(data: Data, file: Path, sha256: str | None, as_json: bool) -> None:
    """Compare the price list FILE with the one that holds; change nothing."""

    async def run(database: "Database") -> "PlannedImport":
        from llmtrack.services.price_updates import read_price_file

        return await _planned(database, read_price_file(file, sha256), ())

    planned = data.run(run)
    if as_json:
        print_json(_fields(planned))
    else:
        _tell(planned)


@click.command()
@json_option
@pass_data
def status(data: Data, as_json: bool) -> None:
    """Show which price list holds, how old it is, and which ones were imported."""
    found = data.run(_status)
    if as_json:
        print_json(found)
        return
    lists = found.pop("lists")
    print_fields(found, as_json=False)
    if found["is_old"]:
        click.echo("The list is old: prices may have changed. See: llmtrack prices import --help")
    if lists:
        click.echo()
        print_rows(
            [row | {"held_back": len(row["held_back"])} for row in lists],
            columns=("version", "imported_at", "imported_by", "held_back"),
            as_json=False,
            none="",
        )


async def _status(database: "Database") -> dict[str, Any]:
    from llmtrack.services.price_books import PriceBooks
    from llmtrack.services.price_updates import list_status
    from llmtrack.storage.price_lists import imported_lists

    found = await list_status(PriceBooks(database), now_ms=now_ms())
    lists = [
        {
            "version": one.version,
            "imported_at": moment(one.imported_ms),
            "imported_by": one.imported_by,
            "sha256": one.sha256,
            "file_sha256": one.file_sha256,
            "held_back": list(one.held_back),
        }
        for one in await imported_lists(database)
    ]
    return {
        "source": found.source,
        "version": found.version,
        "models": found.models,
        "prices_of": found.price_date.isoformat(),
        "newest_price": found.newest_price and found.newest_price.isoformat(),
        "origin": "imported" if found.imported else "shipped",
        "imported_at": moment(found.imported.imported_ms) if found.imported else None,
        "imported_by": found.imported.imported_by if found.imported else None,
        "age_days": found.age_days,
        "is_old": found.is_old,
        "lists": lists,
    }


def _import(data: Data, read: Any, forced: Sequence[str], *, yes: bool, as_json: bool) -> None:
    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.services.price_updates import import_list

        planned = await _planned(database, await read(), forced)
        _check_forced(planned, forced)
        if not as_json:
            _tell(planned)
        if not planned.update.changes:
            return _fields(planned) | {"imported": None}
        confirm("Price events from now on by this list?", yes=yes)
        version = await import_list(database, planned, by=operator(), now_ms=now_ms())
        return _fields(planned) | {"imported": version}

    done = data.run(run, changes=True)
    if as_json:
        print_json(done)
    elif done["imported"]:
        click.echo(f"Imported as {done['imported']}; it holds from now on.")
    else:
        click.echo("Nothing to import: the prices are the same.")


async def _planned(
    database: "Database", file: "PriceFile", forced: Sequence[str]
) -> "PlannedImport":
    from llmtrack.services.price_books import PriceBooks
    from llmtrack.services.price_updates import planned_import

    return await planned_import(PriceBooks(database), file, now_ms=now_ms(), forced=forced)


def _check_forced(planned: "PlannedImport", forced: Sequence[str]) -> None:
    names = {change.name for change in planned.update.changes}
    for name in forced:
        if name not in names:
            raise CommandFailed(
                f"the file changes nothing of {name!r}",
                ExitCode.NOT_FOUND,
                fix="see which models it changes: llmtrack prices diff FILE",
            )


def _tell(planned: "PlannedImport") -> None:
    update = planned.update
    taken = [change for change in update.changes if not change.held_back]
    click.echo(
        f"{planned.prices.source} {planned.prices.version}: {counted(len(taken), 'change')}, "
        f"{len(update.held_back)} held back, {len(update.refused)} not understood"
    )
    for change in taken[:SHOWN_CHANGES]:
        click.echo(f"  {change.kind:<8} {visible(change.name)}{_moves(change)}")
    if len(taken) > SHOWN_CHANGES:
        click.echo(f"  ... and {len(taken) - SHOWN_CHANGES:,} more; all of them: --json")
    _tell_held_back([change for change in update.changes if change.held_back])
    for row in update.refused:
        name = visible(f"{row.provider}/{row.model}")
        click.echo(f"  NOT UNDERSTOOD {name}: {visible(row.reason)}")


def _tell_held_back(changes: Sequence["RowChange"]) -> None:
    """Doubtful rates all and first; of rows that are gone a part, as a small file lacks most."""
    gone = [change for change in changes if change.kind == "removed"]
    doubtful = [change for change in changes if change.kind != "removed"]
    for change in [*doubtful, *gone[:SHOWN_CHANGES]]:
        click.echo(f"  HELD BACK {visible(change.name)}: {visible(change.held_back or '')}")
    if len(gone) > SHOWN_CHANGES:
        more = f"{len(gone) - SHOWN_CHANGES:,} more that the file lacks"
        click.echo(f"  HELD BACK ... and {more}; all of them: --json")


def _moves(change: "RowChange") -> str:
    parts = [f"{rate.key} {rate.before or '-'} -> {rate.after or '-'}" for rate in change.rates[:3]]
    more = len(change.rates) - len(parts)
    text = ", ".join(parts) + (f" and {more} more" if more else "")
    return f": {text}" if text else ""


def _fields(planned: "PlannedImport") -> dict[str, Any]:
    return {
        "source": planned.prices.source,
        "version": planned.prices.version,
        "file_sha256": planned.file.sha256,
        "changes": [
            {
                "kind": change.kind,
                "provider": change.provider,
                "model": change.model,
                "held_back": change.held_back,
                "rates": [_rate_fields(rate) for rate in change.rates],
            }
            for change in planned.update.changes
        ],
        "not_understood": [
            {"provider": row.provider, "model": row.model, "reason": row.reason}
            for row in planned.update.refused
        ],
    }


def _rate_fields(rate: "RateChange") -> dict[str, Any]:
    return {
        "since": rate.since.isoformat(),
        "tier": rate.tier or None,
        "above_tokens": rate.above_tokens or None,
        "rate": rate.key,
        "before": None if rate.before is None else str(rate.before),
        "after": None if rate.after is None else str(rate.after),
    }
