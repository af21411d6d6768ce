# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack workspaces set-retention`: how long a workspace keeps its single events."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option
from llmtrack.cli.output import print_fields

if TYPE_CHECKING:
    from llmtrack.storage.database import Database


@click.command("set-retention")
@click.argument("workspace", metavar="W")
@click.argument("days", type=click.IntRange(min=1), required=False)
@click.option("--forever", is_flag=True, help="Keep everything.")
@click.option("--drop-totals", is_flag=True, help="Totals of that time go as well.")
@json_option
@pass_data
def set_retention(
    data: Data,
    *,
    workspace: str,
    days: int | None,
    forever: bool,
    drop_totals: bool,
    as_json: bool,
) -> None:
    """Keep single events of workspace W (its id or exact name) for DAYS days, or --forever.

    Older ones are removed by whole days of its time zone, once a day by the server or with
    `llmtrack purge run`. Totals stay unless --drop-totals.
    """
    if (days is None) != forever:
        raise click.UsageError("say DAYS or --forever")

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.retention_rules import Retention, set_retention
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        rule = None if days is None else Retention(days, keep_totals=not drop_totals)
        await scope.write(set_retention, rule=rule, actor=operator(), now_ms=now_ms())
        return {
            "workspace": scope.name,
            "event_days": days,
            "keep_totals": not drop_totals,
        }

    print_fields(data.run(run, changes=True), as_json=as_json)
