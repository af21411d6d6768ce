"""What is asked of repricing: a run over some events, one over all unpriced ones, an undo."""

import sqlite3
from collections.abc import Mapping

from llmtrack.domain.errors import Refused
from llmtrack.domain.identifiers import new_public_id
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.reprice_runs import (
    FIND_RUN,
    Run,
    RunState,
    Selection,
    run_of_row,
    under_way,
    unknown_run,
)

AHEAD_MS = 600_000
"""How far ahead of the clock an event's time may be (CONTRACT)."""


ADD_RUN = """
-- reprice_orders.create_run
insert into reprice_run (
  workspace_id, id, public_id, state, start_ms, end_ms, model, only_unpriced, prices_digest,
  reason, created_ms, created_by, touched_ms, cursor_ms, total_events
)
values (
  :workspace_id,
  (select coalesce(max(id), 0) + 1 from reprice_run where workspace_id = :workspace_id),
  :public_id, 'queued', :start_ms, :end_ms, :model, :only_unpriced, :prices_digest,
  :reason, :now_ms, :by, :now_ms, :start_ms, :total_events
)
returning *
"""
FIND_WAITING = """
-- reprice_orders.queue_unpriced
select * from reprice_run
where workspace_id = :workspace_id and state = 'queued' and prices_digest = '' and only_unpriced
"""
BEGIN_UNDO = """
-- reprice_orders.begin_undo
update reprice_run
set state = 'undoing',
    undone_by = :by,
    undone_ms = :now_ms,
    touched_ms = :now_ms,
    cursor_ms = start_ms,
    cursor_id = -1
where workspace_id = :workspace_id and id = :run_id
returning *
"""
FIND_LATER = """
-- reprice_orders.begin_undo
select later.public_id
from reprice_run later
where later.workspace_id = :workspace_id
  and later.id > :run_id
  and later.state <> 'undone'
  and exists (
    select 1
    from reprice_change mine
    where mine.workspace_id = :workspace_id
      and mine.run_id = :run_id
      and exists (
        select 1
        from reprice_change theirs
        where theirs.workspace_id = :workspace_id
          and theirs.run_id = later.id
          and theirs.timestamp_ms = mine.timestamp_ms
          and theirs.event_id = mine.event_id
      )
  )
order by later.id desc
limit 1
"""


def create_run(
    connection: sqlite3.Connection,
    workspace_id: int,
    selection: Selection,
    *,
    prices_digest: str,
    reason: str,
    actor: Actor,
    total_events: int,
    now_ms: int,
) -> Run:
    """Raises Refused while another run of the workspace is under way."""
    other = under_way(connection, workspace_id)
    if other is not None:
        raise Refused(
            f"the repricing run {other.public_id} is still {other.state.value}",
            fix=f"wait for it, or go on with it: llmtrack prices resume {other.public_id}",
        )
    return _add(
        connection,
        workspace_id,
        selection,
        prices_digest=prices_digest,
        reason=reason,
        actor=actor,
        total_events=total_events,
        now_ms=now_ms,
    )


def queue_unpriced(
    connection: sqlite3.Connection, workspace_id: int, *, reason: str, actor: Actor, now_ms: int
) -> Run:
    """Have every unpriced event of the workspace priced by what holds when the run begins.

    For the transaction of a new price or alias. One run that has not begun is enough.
    """
    row = connection.execute(FIND_WAITING, {"workspace_id": workspace_id}).fetchone()
    if row is not None:
        return run_of_row(row)
    return _add(
        connection,
        workspace_id,
        Selection(0, now_ms + AHEAD_MS, only_unpriced=True),
        prices_digest="",
        reason=reason,
        actor=actor,
        total_events=0,
        now_ms=now_ms,
    )


def _add(
    connection: sqlite3.Connection,
    workspace_id: int,
    selection: Selection,
    *,
    prices_digest: str,
    reason: str,
    actor: Actor,
    total_events: int,
    now_ms: int,
) -> Run:
    values = {
        "workspace_id": workspace_id,
        "public_id": new_public_id("run"),
        **selection._asdict(),
        "prices_digest": prices_digest,
        "reason": reason.strip(),
        "by": actor.text,
        "now_ms": now_ms,
        "total_events": total_events,
    }
    run = run_of_row(connection.execute(ADD_RUN, values).fetchone())
    details = {**selection._asdict(), "reason": run.reason}
    _record(connection, workspace_id, "create", run, actor=actor, details=details)
    return run


def begin_undo(
    connection: sqlite3.Connection, workspace_id: int, public_id: str, *, actor: Actor, now_ms: int
) -> Run:
    """Raises NotFound; Refused where there is nothing to undo, or a later run built on it."""
    found = {"workspace_id": workspace_id, "public_id": public_id}
    row = connection.execute(FIND_RUN, found).fetchone()
    if row is None:
        raise unknown_run(public_id)
    run = run_of_row(row)
    if run.state not in {RunState.APPLIED, RunState.STOPPED}:
        raise Refused(f"the run {public_id} is {run.state.value}", fix="undo a run that is applied")
    other = under_way(connection, workspace_id)
    if other is not None:
        raise Refused(f"the run {other.public_id} is still {other.state.value}", fix="wait for it")
    values = {"workspace_id": workspace_id, "run_id": run.id}
    later = connection.execute(FIND_LATER, values).fetchone()
    if later is not None:
        raise Refused(
            f"the later run {later[0]} priced some of the same events anew",
            fix=f"undo {later[0]} first",
        )
    row = connection.execute(BEGIN_UNDO, values | {"by": actor.text, "now_ms": now_ms}).fetchone()
    run = run_of_row(row)
    details = {"changed_events": run.changed_events}
    _record(connection, workspace_id, "undo", run, actor=actor, details=details)
    return run


def _record(
    connection: sqlite3.Connection,
    workspace_id: int,
    verb: str,
    run: Run,
    *,
    actor: Actor,
    details: Mapping[str, object],
) -> None:
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action=f"reprice_run.{verb}",
        target=run.public_id,
        details=details,
        now_ms=run.touched_ms,
    )
