"""Repricing runs: what was asked, by whom and why, how far it came, what it changed.

    queued -> applying -> applied -> undoing -> undone
                  |                     ^
                  +-> stopped ----------+

A run stops when prices change while it is interrupted: the rest would be priced otherwise
than the part that is done. At most one run of a workspace is under way.
"""

import sqlite3
from enum import StrEnum
from typing import NamedTuple

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.errors import NotFound
from llmtrack.domain.money import join_pico
from llmtrack.storage.scope import Scope


class RunState(StrEnum):
    QUEUED = "queued"
    APPLYING = "applying"
    APPLIED = "applied"
    STOPPED = "stopped"
    UNDOING = "undoing"
    UNDONE = "undone"

    @property
    def is_under_way(self) -> bool:
        return self in {RunState.QUEUED, RunState.APPLYING, RunState.UNDOING}


class Selection(NamedTuple):
    """Which events: `start_ms <= time < end_ms`; `model` is a name as events give it."""

    start_ms: int
    end_ms: int
    model: str | None = None
    only_unpriced: bool = False

    def holds(self, cost_status: int) -> bool:
        """Whether an event of that status may be priced anew."""
        if self.only_unpriced:
            return cost_status == CostStatus.UNPRICED
        return cost_status != CostStatus.INVALID_USAGE


class Run(NamedTuple):
    id: int
    public_id: str
    state: RunState
    selection: Selection
    prices_digest: str
    reason: str
    created_ms: int
    created_by: str
    touched_ms: int
    finished_ms: int | None
    undone_ms: int | None
    undone_by: str | None
    cursor: tuple[int, int]
    total_events: int
    """How many there were to look at when it began, by the rollups."""
    seen_events: int
    changed_events: int
    priced_events: int
    """Those among the changed that had no cost before and have one now."""
    before_pico: int
    after_pico: int
    """Of the changed events; an unknown cost adds nothing."""
    restored_events: int
    kept_events: int
    """What an undo left as it is: gone, or changed again since."""


READ_RUNS = """
-- reprice_runs.runs
select * from reprice_run where workspace_id = :workspace_id order by id desc limit :most
"""
FIND_RUN = """
-- reprice_runs.find_run
select * from reprice_run where workspace_id = :workspace_id and public_id = :public_id
"""
READ_RUN = """
-- reprice_runs.read_run
select * from reprice_run where workspace_id = :workspace_id and id = :run_id
"""
FIND_UNDER_WAY = """
-- reprice_runs.under_way
select * from reprice_run
where workspace_id = :workspace_id
  and state in ('queued', 'applying', 'undoing')
order by id
limit 1
"""
ADOPT_PRICES = """
-- reprice_runs.adopt_prices
update reprice_run
set prices_digest = :prices_digest
where workspace_id = :workspace_id and id = :run_id and prices_digest = ''
"""
SET_STATE = """
-- reprice_runs.set_state
update reprice_run
set state = :state, touched_ms = :now_ms, finished_ms = coalesce(finished_ms, :finished_ms)
where workspace_id = :workspace_id and id = :run_id
returning *
"""


async def runs(scope: Scope, *, most: int = 50) -> list[Run]:
    """The newest first."""
    return [run_of_row(row) for row in await scope.rows(READ_RUNS, most=most)]


async def run_of(scope: Scope, public_id: str) -> Run:
    """Raises NotFound."""
    rows = await scope.rows(FIND_RUN, public_id=public_id)
    if not rows:
        raise unknown_run(public_id)
    return run_of_row(rows[0])


def adopt_prices(
    connection: sqlite3.Connection, workspace_id: int, run_id: int, prices_digest: str
) -> Run:
    """Bind a queued run to the prices that it begins with."""
    values = {"workspace_id": workspace_id, "run_id": run_id, "prices_digest": prices_digest}
    connection.execute(ADOPT_PRICES, values)
    return read_run(connection, workspace_id, run_id)


def under_way(connection: sqlite3.Connection, workspace_id: int) -> Run | None:
    row = connection.execute(FIND_UNDER_WAY, {"workspace_id": workspace_id}).fetchone()
    return None if row is None else run_of_row(row)


def set_state(
    connection: sqlite3.Connection, workspace_id: int, run_id: int, state: RunState, *, now_ms: int
) -> Run:
    values = {
        "workspace_id": workspace_id,
        "run_id": run_id,
        "state": state.value,
        "now_ms": now_ms,
        "finished_ms": None if state.is_under_way else now_ms,
    }
    return run_of_row(connection.execute(SET_STATE, values).fetchone())


def read_run(connection: sqlite3.Connection, workspace_id: int, run_id: int) -> Run:
    values = {"workspace_id": workspace_id, "run_id": run_id}
    return run_of_row(connection.execute(READ_RUN, values).fetchone())


def run_of_row(row: sqlite3.Row) -> Run:
    return Run(
        id=row["id"],
        public_id=row["public_id"],
        state=RunState(row["state"]),
        selection=Selection(
            row["start_ms"], row["end_ms"], row["model"], bool(row["only_unpriced"])
        ),
        prices_digest=row["prices_digest"],
        reason=row["reason"],
        created_ms=row["created_ms"],
        created_by=row["created_by"],
        touched_ms=row["touched_ms"],
        finished_ms=row["finished_ms"],
        undone_ms=row["undone_ms"],
        undone_by=row["undone_by"],
        cursor=(row["cursor_ms"], row["cursor_id"]),
        total_events=row["total_events"],
        seen_events=row["seen_events"],
        changed_events=row["changed_events"],
        priced_events=row["priced_events"],
        before_pico=join_pico(row["before_micro"], row["before_rest"]),
        after_pico=join_pico(row["after_micro"], row["after_rest"]),
        restored_events=row["restored_events"],
        kept_events=row["kept_events"],
    )


def unknown_run(public_id: str) -> NotFound:
    return NotFound(f"there is no repricing run {public_id!r}", fix="see: llmtrack prices runs")
