# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack workspaces set-time-zone`: whose days a workspace counts."""

import sys
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option
from llmtrack.cli.output import print_fields

if TYPE_CHECKING:
    from llmtrack.storage.database import Database
    from llmtrack.storage.zone_changes import ZoneChange


@click.command("set-time-zone")
@click.argument("workspace", metavar="W")
@click.argument("zone", metavar="ZONE")
@json_option
@pass_data
def set_time_zone(data: Data, *, workspace: str, zone: str, as_json: bool) -> None:
    """Count workspace W (its id or exact name) by the days of ZONE, such as Asia/Kolkata.

    All totals of days are counted anew, exactly, also while the server runs. When it is
    interrupted, the server goes on by itself, and so does the same command. Days whose events
    were purged keep their customers and combinations as the old zone's days had them.
    """

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.services.zone_changes import drive_zone_change
        from llmtrack.storage.workspaces import scope_for_admin
        from llmtrack.storage.zone_changes import set_time_zone

        scope = await scope_for_admin(database, workspace)
        begun = await scope.write(set_time_zone, time_zone=zone, actor=operator(), now_ms=now_ms())
        await drive_zone_change(scope, progress=_progress)
        now = await scope_for_admin(database, scope.public_id)
        return {"workspace": now.name, "time_zone": now.time_zone, "changed": begun}

    fields = data.run(run, changes=True)
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    print_fields(fields, as_json=as_json)


def _progress(change: "ZoneChange") -> None:
    if sys.stderr.isatty():
        click.echo(f"\rDays of {change.new_zone}: {change.percent} %", nl=False, err=True)
