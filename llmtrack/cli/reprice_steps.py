# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""What commands do to price events anew, with a bar on a terminal while it takes time."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from llmtrack.cli.data import now_ms, operator

if TYPE_CHECKING:
    from llmtrack.services.repricing import Preview, Prices
    from llmtrack.storage.database import Database
    from llmtrack.storage.reprice_runs import Run, Selection
    from llmtrack.storage.scope import Scope


async def reprice_unpriced(database: "Database", workspace: str | None, *, reason: str) -> int:
    """What follows a new price or alias: the unpriced events alone, at once; how many changed.

    `workspace` None: of every workspace, for the instance's own prices.
    """
    from llmtrack.storage.reprice_orders import AHEAD_MS, queue_unpriced
    from llmtrack.storage.reprice_runs import Selection
    from llmtrack.storage.workspaces import list_workspaces, scope_for_admin

    every = await list_workspaces(database) if workspace is None else []
    changed = 0
    for name in [workspace] if workspace else [found.public_id for found in every]:
        scope = await scope_for_admin(database, name)
        unpriced = Selection(0, now_ms() + AHEAD_MS, only_unpriced=True)
        prices = await current_prices(database, scope)
        if not (await previewed(scope, unpriced, prices)).total.events:
            continue  # a run that changes nothing is nothing to keep
        queued = await scope.write(queue_unpriced, reason=reason, actor=operator(), now_ms=now_ms())
        done = await driven(scope, queued, prices)
        changed += done.changed_events
    return changed


async def current_prices(database: "Database", scope: "Scope") -> "Prices":
    from llmtrack.services.price_books import PriceBooks
    from llmtrack.services.repricing import prices_of

    return await prices_of(scope, PriceBooks(database))


async def previewed(scope: "Scope", selection: "Selection", prices: "Prices") -> "Preview":
    from llmtrack.services.repricing import preview
    from llmtrack.storage.stored_usage import candidate_count

    async with scope.reading() as reading:
        total = await candidate_count(reading, selection)
    with _bar("Looking", total) as report:
        return await preview(scope, selection, prices, progress=report)


async def applied(
    scope: "Scope", selection: "Selection", prices: "Prices", *, reason: str, total: int
) -> "Run":
    from llmtrack.storage.reprice_orders import create_run

    run = await scope.write(
        create_run,
        selection,
        prices_digest=prices.digest,
        reason=reason,
        actor=operator(),
        total_events=total,
        now_ms=now_ms(),
    )
    return await driven(scope, run, prices)


async def driven(scope: "Scope", run: "Run", prices: "Prices") -> "Run":
    from llmtrack.services.repricing import drive
    from llmtrack.storage.reprice_runs import RunState

    undoing = run.state is RunState.UNDOING
    total = run.changed_events if undoing else run.total_events
    with _bar("Undoing" if undoing else "Pricing", total) as report:

        def progress(so_far: "Run") -> None:
            if report is not None:
                done = so_far.restored_events + so_far.kept_events
                report(done if undoing else so_far.seen_events)

        done = await drive(scope, run, prices, clock_ms=now_ms, progress=progress)
    if done.state is RunState.STOPPED:
        click.echo(
            f"Stopped: prices changed since the run {done.public_id} began.\n"
            f"Try: llmtrack prices undo -w {scope.public_id} {done.public_id}, then recompute anew",
            err=True,
        )
    return done


@contextmanager
def _bar(label: str, total: int) -> "Iterator[Callable[[int], None] | None]":
    """A bar on a terminal, told how many there are by now; nothing elsewhere."""
    if not sys.stderr.isatty() or not total:
        yield None
        return
    with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
        yield lambda done: bar.update(done - bar.pos)
