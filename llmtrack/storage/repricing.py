"""Prices stored events anew, and takes it back: cost and sums change in one transaction."""

import json
import sqlite3
from typing import NamedTuple

from llmtrack.domain.costs import Cost
from llmtrack.domain.money import split_pico
from llmtrack.domain.pricing import PriceBook
from llmtrack.storage.catalog import Catalog
from llmtrack.storage.counting import Countings
from llmtrack.storage.event_rows import EventRow
from llmtrack.storage.reprice_runs import Run, RunState, read_run, set_state
from llmtrack.storage.rollups import Rollups
from llmtrack.storage.stored_usage import (
    BATCH_EVENTS,
    READ_EVENTS,
    Key,
    Keys,
    StoredUsage,
    stored_of,
)

SET_COST = """
-- repricing.set_cost
update event
set cost_pico = ?, cost_status = ?, cost_flags = ?, rate_card_id = ?
where workspace_id = ? and timestamp_ms = ? and id = ?
"""
ADD_CHANGE = """
-- repricing.apply_batch
insert into reprice_change (
  workspace_id, run_id, timestamp_ms, event_id,
  old_cost_pico, old_cost_status, old_cost_flags, old_rate_card_id,
  new_cost_pico, new_cost_status, new_cost_flags, new_rate_card_id
)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
COUNT_BATCH = """
-- repricing.apply_batch
update reprice_run
set cursor_ms = :cursor_ms,
    cursor_id = :cursor_id,
    touched_ms = :now_ms,
    seen_events = seen_events + :seen,
    changed_events = changed_events + :changed,
    priced_events = priced_events + :priced,
    before_micro = before_micro + :before_micro,
    before_rest = before_rest + :before_rest,
    after_micro = after_micro + :after_micro,
    after_rest = after_rest + :after_rest,
    restored_events = restored_events + :restored,
    kept_events = kept_events + :kept
where workspace_id = :workspace_id and id = :run_id
"""
READ_CHANGES = """
-- repricing.undo_batch
select * from reprice_change
where workspace_id = :workspace_id
  and run_id = :run_id
  and (timestamp_ms, event_id) > (:after_ms, :after_id)
order by timestamp_ms, event_id
limit :most
"""


class PricedState(NamedTuple):
    """What repricing changes of an event."""

    cost_pico: int | None
    cost_status: int
    cost_flags: int
    rate_card_id: int | None


def apply_batch(
    connection: sqlite3.Connection,
    workspace_id: int,
    run: Run,
    found: Keys,
    book: PriceBook,
    *,
    now_ms: int,
) -> Run:
    """Price these events anew and move the run's cursor behind them.

    Does nothing where another process has moved it since `run` was read: no event is passed
    twice, however many work on the run.
    """
    now = read_run(connection, workspace_id, run.id)
    if now.state not in {RunState.QUEUED, RunState.APPLYING} or now.cursor != run.cursor:
        return now
    batch = _Batch(connection, workspace_id, run.id)
    values = {"workspace_id": workspace_id, "keys": json.dumps(found.events)}
    for stored in map(stored_of, connection.execute(READ_EVENTS, values).fetchall()):
        # A second report may have completed it since it was found.
        if run.selection.holds(stored.row.cost_status):
            batch.price(stored, book)
    batch.write(found.cursor or (run.selection.end_ms, -1), seen=len(found.events), now_ms=now_ms)
    state = RunState.APPLYING if found.cursor is not None else RunState.APPLIED
    return set_state(connection, workspace_id, run.id, state, now_ms=now_ms)


def undo_batch(connection: sqlite3.Connection, workspace_id: int, run: Run, *, now_ms: int) -> Run:
    """Give the next events back exactly what they cost before, if they still cost the new."""
    now = read_run(connection, workspace_id, run.id)
    if now.state is not RunState.UNDOING or now.cursor != run.cursor:
        return now
    values = {"workspace_id": workspace_id, "run_id": run.id, "most": BATCH_EVENTS}
    values |= {"after_ms": run.cursor[0], "after_id": run.cursor[1]}
    changes = connection.execute(READ_CHANGES, values).fetchall()
    keys = [(change["timestamp_ms"], change["event_id"]) for change in changes]
    batch = _Batch(connection, workspace_id, run.id)
    which = {"workspace_id": workspace_id, "keys": json.dumps(keys)}
    rows = connection.execute(READ_EVENTS, which).fetchall()
    events = {
        (stored.row.timestamp_ms, stored.row.id): stored.row for stored in map(stored_of, rows)
    }
    for key, change in zip(keys, changes, strict=True):
        batch.restore(events.get(key), change)
    is_last = len(keys) < BATCH_EVENTS
    batch.write(keys[-1] if keys else run.cursor, seen=0, now_ms=now_ms)
    state = RunState.UNDONE if is_last else RunState.UNDOING
    return set_state(connection, workspace_id, run.id, state, now_ms=now_ms)


class _Batch:
    """One transaction's changes: events, what they were, and the sums they are in."""

    def __init__(self, connection: sqlite3.Connection, workspace_id: int, run_id: int) -> None:
        self._connection = connection
        self._workspace_id = workspace_id
        self._run_id = run_id
        self._catalog = Catalog()
        self._rollups = Rollups(Countings(connection).of)
        self._counts = dict.fromkeys(("changed", "priced", "restored", "kept"), 0)
        self._before_pico = self._after_pico = 0

    def price(self, stored: StoredUsage, book: PriceBook) -> None:
        row, cost = stored.row, stored.cost(book)
        if not differs(row, cost):
            return
        after = PricedState(
            cost.cost_pico,
            int(cost.status),
            int(cost.flags),
            self._catalog.rate_card_id(self._connection, cost.rate_card),
        )
        before = state_of(row)
        self._change(row, after)
        key = (self._workspace_id, self._run_id, row.timestamp_ms, row.id)
        self._connection.execute(ADD_CHANGE, (*key, *before, *after))
        self._counts["changed"] += 1
        self._counts["priced"] += before.cost_pico is None and after.cost_pico is not None
        self._before_pico += before.cost_pico or 0
        self._after_pico += after.cost_pico or 0

    def restore(self, row: EventRow | None, change: sqlite3.Row) -> None:
        old, new = (
            PricedState(*(change[f"{which}_{field}"] for field in PricedState._fields))
            for which in ("old", "new")
        )
        if row is None or state_of(row) != new:
            self._counts["kept"] += 1
            return
        self._change(row, old)
        self._counts["restored"] += 1

    def _change(self, row: EventRow, after: PricedState) -> None:
        self._rollups.remove(row)
        self._rollups.add(row._replace(**after._asdict()))
        self._connection.execute(SET_COST, (*after, *row[:3]))

    def write(self, cursor: Key, *, seen: int, now_ms: int) -> None:
        self._rollups.write(self._connection)
        before, after = split_pico(self._before_pico), split_pico(self._after_pico)
        values = {
            "workspace_id": self._workspace_id,
            "run_id": self._run_id,
            "cursor_ms": cursor[0],
            "cursor_id": cursor[1],
            "now_ms": now_ms,
            "seen": seen,
            "before_micro": before[0],
            "before_rest": before[1],
            "after_micro": after[0],
            "after_rest": after[1],
        }
        self._connection.execute(COUNT_BATCH, values | self._counts)


def differs(row: EventRow, cost: Cost) -> bool:
    """Whether the event would cost something else, or be as sure as another.

    Rates that lead to the same cost change nothing: its own card still says what it was
    computed from.
    """
    return (row.cost_pico, row.cost_status, row.cost_flags) != (
        cost.cost_pico,
        cost.status,
        cost.flags,
    )


def state_of(row: EventRow) -> PricedState:
    return PricedState(row.cost_pico, row.cost_status, row.cost_flags, row.rate_card_id)
