"""Repricing: a preview that changes nothing, and runs that go on wherever they were stopped.

A run is driven from outside: batch by batch, each one transaction on the writer, with room
for other writers in between. Whoever drives it, a command or the server, may be killed at any
moment; the next one goes on behind the last batch.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from llmtrack.domain.periods import day_of
from llmtrack.domain.pricing import PriceBook
from llmtrack.services.price_books import PriceBooks
from llmtrack.storage.own_prices import own_prices
from llmtrack.storage.reprice_runs import Run, RunState, Selection, adopt_prices, set_state
from llmtrack.storage.repricing import apply_batch, differs, undo_batch
from llmtrack.storage.scope import Scope
from llmtrack.storage.stored_usage import next_keys, read_events

PAUSE_S = 0.02
"""Between transactions: SQLite's lock is not fair, and ingest must get through."""


class Prices(NamedTuple):
    """A book and what tells it from any other."""

    book: PriceBook
    digest: str


class Difference(NamedTuple):
    """What some events cost now and would cost; unknown costs add nothing."""

    events: int = 0
    priced_events: int = 0
    """Those among them that have no cost now and would have one."""
    before_pico: int = 0
    after_pico: int = 0

    def plus(self, before_pico: int | None, after_pico: int | None) -> "Difference":
        return Difference(
            self.events + 1,
            self.priced_events + (before_pico is None and after_pico is not None),
            self.before_pico + (before_pico or 0),
            self.after_pico + (after_pico or 0),
        )

    @property
    def difference_pico(self) -> int:
        return self.after_pico - self.before_pico


@dataclass
class Preview:
    """What a run would change: events whose cost, status or flags would be others."""

    selection: Selection
    digest: str
    seen_events: int = 0
    total: Difference = field(default_factory=Difference)
    rows: dict[tuple[int, str], Difference] = field(default_factory=dict)
    """By day of the workspace's zone, and model."""


async def prices_of(scope: Scope, books: PriceBooks) -> Prices:
    """The prices that hold for a workspace now."""
    while True:
        before = await _digest(scope, books)
        book = await books.find(scope.workspace_id)
        if await _digest(scope, books) == before:
            return Prices(book, before)


async def _digest(scope: Scope, books: PriceBooks) -> str:
    own = await own_prices(scope)
    held = [
        (record.is_global, item)
        for item, record in (*own.overrides, *own.aliases)
        if record.revoked_ms is None
    ]
    version = (await books.find(None)).list.version
    return hashlib.sha256(msgspec.json.encode([version, held])).hexdigest()[:32]


async def preview(
    scope: Scope,
    selection: Selection,
    prices: Prices,
    *,
    progress: Callable[[int], None] | None = None,
) -> Preview:
    """Price the selected events without keeping any of it; `progress` hears how many so far."""
    found = Preview(selection, prices.digest)
    cursor: tuple[int, int] | None = (selection.start_ms, -1)
    while cursor is not None:
        async with scope.reading() as reading:
            keys = await next_keys(reading, selection, cursor)
            stored = await read_events(reading, keys.events) if keys.events else []
        for item in stored:
            cost, row = item.cost(prices.book), item.row
            if not differs(row, cost):
                continue
            key = day_of(row.timestamp_ms, scope.time_zone), item.model
            known = found.rows.get(key, Difference())
            found.rows[key] = known.plus(row.cost_pico, cost.cost_pico)
            found.total = found.total.plus(row.cost_pico, cost.cost_pico)
        found.seen_events += len(stored)
        cursor = keys.cursor
        if progress is not None:
            progress(found.seen_events)
        await asyncio.sleep(0)
    return found


async def drive(
    scope: Scope,
    run: Run,
    prices: Prices,
    *,
    clock_ms: Callable[[], int],
    progress: Callable[[Run], None] | None = None,
) -> Run:
    """Go on with a run until it is done, or stopped because prices are not what they were."""
    if run.state is RunState.QUEUED and not run.prices_digest:
        run = await scope.write(adopt_prices, run.id, prices.digest)
    while run.state.is_under_way:
        if run.state is RunState.UNDOING:
            run = await scope.write(undo_batch, run, now_ms=clock_ms())
        elif run.prices_digest != prices.digest:
            return await scope.write(set_state, run.id, RunState.STOPPED, now_ms=clock_ms())
        else:
            async with scope.reading() as reading:
                found = await next_keys(reading, run.selection, run.cursor)
            run = await scope.write(apply_batch, run, found, prices.book, now_ms=clock_ms())
        if progress is not None:
            progress(run)
        await asyncio.sleep(PAUSE_S)
    return run
