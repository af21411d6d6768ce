# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack prices recompute` and what belongs to it: the runs, going on with one, undoing one."""

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from llmtrack.cli.confirmation import confirm
from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option, workspace_option, yes_option
from llmtrack.cli.output import moment, print_fields, print_json, print_rows
from llmtrack.cli.periods import instant
from llmtrack.cli.reprice_output import preview_fields, print_preview, run_fields
from llmtrack.cli.reprice_steps import applied, current_prices, driven, previewed
from llmtrack.domain.nouns import counted

if TYPE_CHECKING:
    from llmtrack.storage.database import Database

RUN_COLUMNS = (
    "id", "created_at", "by", "state", "changed_events", "before_usd", "after_usd", "reason",
)  # fmt: skip


@click.command()
@workspace_option
@click.option("--from", "start", required=True, metavar="T", help="First instant.")
@click.option("--to", "end", required=True, metavar="T", help="First instant after it.")
@click.option("--only-unpriced", is_flag=True, help="Leave every event alone that has a cost.")
@click.option("--model", metavar="M", help="Only events of this model, as they name it.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the run.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@yes_option
@json_option
@pass_data
def recompute(
    data: Data,
    *,
    workspace: str,
    start: str,
    end: str,
    only_unpriced: bool,
    model: str | None,
    reason: str,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Price stored events anew, by the prices that hold now.

    Shows old, new and difference by day and model first, and asks. T is RFC 3339 or a date,
    which is its first moment in the workspace's time zone; --to is not included.

    Events and all their sums change together, in small transactions, and the server may run
    meanwhile. A run that was cut off is gone on with by: llmtrack prices resume RUN, or by the
    server. Every run is kept with who, why, before and after, and can be taken back:
    llmtrack prices undo RUN. Events whose counts contradict each other are not touched.
    """
    asked = _Asked(workspace, start, end, model, only_unpriced, reason)

    async def run(database: "Database") -> dict[str, Any]:
        return await _recomputed(database, asked, dry_run=dry_run, yes=yes, as_json=as_json)

    shown = data.run(run, changes=not dry_run)
    if as_json:
        print_json(shown)
    elif "run" in shown:
        click.echo("")
        print_fields(shown["run"], as_json=False)


class _Asked(NamedTuple):
    workspace: str
    start: str
    end: str
    model: str | None
    only_unpriced: bool
    reason: str


async def _recomputed(
    database: "Database", asked: _Asked, *, dry_run: bool, yes: bool, as_json: bool
) -> dict[str, Any]:
    from llmtrack.storage.reprice_runs import Selection
    from llmtrack.storage.workspaces import scope_for_admin

    scope = await scope_for_admin(database, asked.workspace)
    start_ms = instant("from", asked.start, scope.time_zone)
    end_ms = instant("to", asked.end, scope.time_zone)
    if end_ms <= start_ms:
        raise click.UsageError(f"--to ({moment(end_ms)}) is not after --from")
    selection = Selection(start_ms, end_ms, asked.model, asked.only_unpriced)
    prices = await current_prices(database, scope)
    found = await previewed(scope, selection, prices)
    fields = preview_fields(scope, found)
    shown: dict[str, Any] = {"workspace": scope.public_id, "preview": fields}
    if not as_json:
        print_preview(fields)
    if dry_run or not found.total.events:
        return shown
    confirm(f"Change the cost of {counted(found.total.events, 'event')}?", yes=yes)
    done = await applied(scope, selection, prices, reason=asked.reason, total=found.seen_events)
    return shown | {"run": run_fields(done)}


@click.command()
@workspace_option
@click.argument("run", required=False, metavar="[RUN]")
@json_option
@pass_data
def runs(data: Data, *, workspace: str, run: str | None, as_json: bool) -> None:
    """List the repricing runs of a workspace, or show one."""

    async def read(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage import reprice_runs
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        if run is not None:
            return [run_fields(await reprice_runs.run_of(scope, run))]
        return [run_fields(found) for found in await reprice_runs.runs(scope)]

    found = data.run(read)
    if run is not None:
        print_fields(found[0], as_json=as_json)
    else:
        print_rows(found, columns=RUN_COLUMNS, as_json=as_json, none="no run yet")


@click.command()
@workspace_option
@click.argument("run", metavar="RUN")
@json_option
@pass_data
def resume(data: Data, *, workspace: str, run: str, as_json: bool) -> None:
    """Go on with a repricing run that was cut off."""

    async def go_on(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.reprice_runs import run_of
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        found = await run_of(scope, run)
        return run_fields(await driven(scope, found, await current_prices(database, scope)))

    print_fields(data.run(go_on, changes=True), as_json=as_json)


@click.command()
@workspace_option
@click.argument("run", metavar="RUN")
@yes_option
@json_option
@pass_data
def undo(data: Data, *, workspace: str, run: str, yes: bool, as_json: bool) -> None:
    """Take a repricing run back: its events cost again exactly what they did before.

    An event that was purged since, or that changed once more, is left as it is and counted
    in kept_events. A run that a later one built on is undone after that one.
    """

    async def take_back(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.reprice_orders import begin_undo
        from llmtrack.storage.reprice_runs import run_of
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        found = await run_of(scope, run)
        confirm(f"Restore the cost of {counted(found.changed_events, 'event')}?", yes=yes)
        begun = await scope.write(begin_undo, run, actor=operator(), now_ms=now_ms())
        return run_fields(await driven(scope, begun, await current_prices(database, scope)))

    print_fields(data.run(take_back, changes=True), as_json=as_json)
