# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack prices currency`: the currency that a workspace's pages show."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option, workspace_option
from llmtrack.cli.output import print_fields

if TYPE_CHECKING:
    from llmtrack.storage.database import Database


@click.command()
@workspace_option
@click.option("--set", "code", metavar="CODE", help="ISO 4217, such as EUR; USD takes it back.")
@click.option("--rate", metavar="N", help="How much of it one US dollar is.")
@click.option("--date", "rate_date", metavar="DAY", help="The day of the rate. Default: today.")
@json_option
@pass_data
def currency(
    data: Data,
    *,
    workspace: str,
    code: str | None,
    rate: str | None,
    rate_date: str | None,
    as_json: bool,
) -> None:
    """Show or set the currency of a workspace's pages, at a rate that you enter.

    What is stored and exported stays in US dollars.
    """
    if code is None and (rate is not None or rate_date is not None):
        raise click.UsageError("--rate and --date go with --set CODE")

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.domain.currencies import USD, display_currency
        from llmtrack.storage.currencies import currency_of, set_currency
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        if code is not None:
            today = datetime.fromtimestamp(now_ms() / 1000, UTC).date().isoformat()
            chosen = display_currency(code, rate or "", rate_date or today)
            await scope.write(set_currency, chosen=chosen, by=operator(), now_ms=now_ms())
        shown = await currency_of(scope)
        if shown is None:
            return {"workspace": scope.name, "currency": USD, "usd_rate": "1", "rate_date": None}
        return {"workspace": scope.name, **shown._asdict()}

    print_fields(data.run(run, changes=code is not None), as_json=as_json)
