# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack purge`: data that is old enough goes."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.confirmation import confirm
from llmtrack.cli.data import Data, now_ms, pass_data
from llmtrack.cli.options import json_option, yes_option
from llmtrack.cli.output import counted, moment, print_rows
from llmtrack.cli.periods import days

if TYPE_CHECKING:
    from llmtrack.storage.database import Database
    from llmtrack.storage.purge import Purged
    from llmtrack.storage.scope import Scope

COLUMNS = ("workspace", "before", "events", "cost_usd", "purged")


@click.group()
def purge() -> None:
    """Remove old data."""


@purge.command()
@click.option("--older-than", required=True, metavar="AGE", help="Days or weeks: 90d, 12w.")
@click.option("--workspace", "-w", metavar="W", help="Only this one (id or exact name).")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@yes_option
@json_option
@pass_data
def events(
    data: Data,
    *,
    older_than: str,
    workspace: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove single events, and keep every total.

    Goes by whole days of each workspace's time zone. What stays: the sums per quarter hour
    and per day by provider, model, feature, key, environment, status, source and customer,
    the pairs of those per day, latencies, and the names in them. What goes: the events with
    their metadata, and the response ids that would complete them. Questions that need single
    events (several filters at once, hours of one customer, exports) find none of before.

    The server may run meanwhile. A purge that was interrupted is completed by running it
    again. The file keeps its size; the room is used again.
    """

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.services.retention import cutoff_ms, purge
        from llmtrack.storage.purge import purgeable

        plans: list[tuple[Scope, int, Purged]] = []
        for scope in await _scopes(database, workspace):
            before_ms = cutoff_ms(now_ms(), days(older_than), scope.time_zone)
            async with scope.reading() as reading:
                plans.append((scope, before_ms, await purgeable(reading, before_ms)))
        count = sum(found.events for _, _, found in plans)
        if count and not dry_run:
            confirm(f"Remove {counted(count, 'event')} for good?", yes=yes)
        rows = []
        for scope, before_ms, found in plans:
            gone = found
            if not dry_run:
                with _progress(scope.name, found.events) as report:
                    gone = await purge(scope, before_ms=before_ms, progress=report)
            rows.append(_row(scope, before_ms, gone, purged=not dry_run))
        return rows

    rows = data.run(run, changes=not dry_run)
    if not dry_run:
        _settle(data)
    print_rows(rows, columns=COLUMNS, as_json=as_json, none="there is no workspace")


async def _scopes(database: "Database", workspace: str | None) -> "list[Scope]":
    from llmtrack.storage.workspaces import list_workspaces, scope_for_admin

    if workspace is not None:
        return [await scope_for_admin(database, workspace)]
    every = await list_workspaces(database)
    return [await scope_for_admin(database, found.public_id) for found in every]


def _settle(data: Data) -> None:
    """Empty the WAL, which still has the removed rows. A reader may be in the way: no harm."""
    from llmtrack.storage.maintenance import all_checkpointed

    all_checkpointed(data.database)


def _row(scope: "Scope", before_ms: int, gone: "Purged", *, purged: bool) -> dict[str, Any]:
    from llmtrack.domain.money import usd_text

    return {
        "workspace": scope.name,
        "workspace_id": scope.public_id,
        "before": moment(before_ms),
        "events": gone.events,
        "cost_usd": usd_text(gone.cost_pico),
        "purged": purged,
    }


@contextmanager
def _progress(name: str, events: int) -> "Iterator[Callable[[Purged], None] | None]":
    """A bar on a terminal; nothing where stderr is a file or a pipe."""
    if not sys.stderr.isatty() or not events:
        yield None
        return
    with click.progressbar(length=events, label=name, file=sys.stderr) as bar:
        done = 0

        def report(purged: "Purged") -> None:
            nonlocal done
            bar.update(purged.events - done)
            done = purged.events

        yield report
