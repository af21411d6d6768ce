# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack prices unpriced`: the models whose events have no cost."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, pass_data
from llmtrack.cli.options import json_option
from llmtrack.cli.output import moment, print_rows

if TYPE_CHECKING:
    from llmtrack.storage.database import Database

COLUMNS = ("workspace", "provider", "model", "events", "tokens", "first_seen", "last_seen")


@click.command()
@click.option("--workspace", "-w", metavar="W", help="Only this one (id or exact name).")
@json_option
@pass_data
def unpriced(data: Data, workspace: str | None, as_json: bool) -> None:
    """List the models whose events have no price, and so no cost.

    Say what such a model is with llmtrack prices alias, or what it costs with llmtrack prices
    set: its events are priced at once. Free ones get --free.
    """

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.reports import used_days
        from llmtrack.storage.unpriced import unpriced_models
        from llmtrack.storage.workspaces import list_workspaces, scope_for_admin

        every = await list_workspaces(database) if workspace is None else []
        rows = []
        for name in [workspace] if workspace else [found.public_id for found in every]:
            scope = await scope_for_admin(database, name)
            async with scope.reading() as reading:
                days = await used_days(reading)
                found = (
                    await unpriced_models(reading, scope.time_zone, (days[0], days[1] + 1))
                    if days
                    else []
                )
            rows += [
                {
                    "workspace": scope.name,
                    "workspace_id": scope.public_id,
                    "provider": item.provider,
                    "model": item.model,
                    "events": item.events,
                    "tokens": item.tokens,
                    "tokens_are_at_least": item.is_token_bound,
                    "first_seen": moment(item.first_ms),
                    "last_seen": moment(item.last_ms),
                }
                for item in found
            ]
        return rows

    none = "every event that told its tokens has a price"
    print_rows(data.run(run), columns=COLUMNS, as_json=as_json, none=none)
