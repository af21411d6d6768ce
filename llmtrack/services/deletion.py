"""Deletes for good: what the ledger says, in small steps, now or again after a restore.

The ledger's entry is written first. A deletion that was killed is found there unfinished and
goes on; one that a restored backup does not know of is done again.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from llmtrack.domain.errors import NotFound
from llmtrack.domain.periods import day_of, quarter_of
from llmtrack.services.retention import PAUSE_S
from llmtrack.storage import erasure
from llmtrack.storage.database import Database
from llmtrack.storage.deletions import (
    Deletion,
    add_deletions,
    all_deletions,
    finish_deletion,
    note_removed,
)
from llmtrack.storage.key_changes import end_key
from llmtrack.storage.maintenance import time_zone_of
from llmtrack.storage.pending_sums import settle
from llmtrack.storage.purge import RESPONSES_START, purge_events, purge_responses
from llmtrack.storage.writer import Connection, transaction

Progress = Callable[[str, int], None]
"""Hears what is being removed and how many rows of it are gone."""


class Removed(NamedTuple):
    """Rows that went, by kind, and what they had cost where they are old events."""

    rows: dict[str, int]
    cost_pico: int = 0

    @property
    def is_nothing(self) -> bool:
        return not any(self.rows.values())

    def plus(self, batch: "Removed") -> "Removed":
        rows = dict(self.rows)
        for what, count in batch.rows.items():
            if count:
                rows[what] = rows.get(what, 0) + count
        return Removed(rows, self.cost_pico + batch.cost_pico)


Step = Callable[[Connection], Removed]
"""Removes a batch in a transaction; one that removes nothing is done."""


async def delete(
    database: Database, deletion: Deletion, *, now_ms: int, progress: Progress | None = None
) -> Removed:
    """Carry out an entry of the ledger beside a running server."""
    removed = Removed(deletion.removed)
    for step in await database.write(_steps, deletion):
        while not (batch := await database.write(_noted, deletion, step, removed)).is_nothing:
            removed = removed.plus(batch)
            for what, count in batch.rows.items():
                if count and progress is not None:
                    progress(what, removed.rows[what])
            await asyncio.sleep(PAUSE_S)
    await database.write(finish_deletion, deletion.public_id, removed=removed.rows, now_ms=now_ms)
    return removed


def _noted(connection: Connection, deletion: Deletion, step: Step, removed: Removed) -> Removed:
    """A batch, and the ledger with it: a deletion that is killed has still removed this."""
    batch = step(connection)
    if not batch.is_nothing:
        note_removed(connection, deletion.public_id, removed.plus(batch).rows)
    return batch


def replay(connection: Connection, known: Sequence[Deletion]) -> list[Deletion]:
    """Do again what this file does not know of, or had not finished."""
    with transaction(connection):
        settle(connection)  # what goes must be in the sums that it leaves
    own = {deletion.public_id: deletion for deletion in all_deletions(connection)}
    missing = {
        deletion.public_id: deletion
        for deletion in known
        if deletion.public_id not in own or own[deletion.public_id].finished_ms is None
    }
    with transaction(connection):
        add_deletions(connection, missing.values())
    for deletion in missing.values():
        own_entry = own.get(deletion.public_id)
        removed = Removed(own_entry.removed if own_entry else {})
        for step in _steps(connection, deletion):
            while not (batch := _run(connection, step)).is_nothing:
                removed = removed.plus(batch)
        finished_ms = deletion.finished_ms or deletion.begun_ms
        with transaction(connection):
            finish_deletion(
                connection, deletion.public_id, removed=removed.rows, now_ms=finished_ms
            )
    return list(missing.values())


def _run(connection: Connection, step: Step) -> Removed:
    with transaction(connection):
        return step(connection)


def _counted(what: str, run: Callable[[Connection], int]) -> Step:
    """A step of which only the number of rows is known."""
    return lambda at: Removed({what: run(at)})


def _steps(connection: Connection, deletion: Deletion) -> list[Step]:
    """What there is to do; nothing for what this file does not have."""
    if deletion.kind == "user":
        return [_counted("users", lambda at: erasure.erase_user(at, deletion.subject))]
    workspace_id = erasure.workspace_of(connection, deletion.workspace_public_id)
    if workspace_id is None:
        return []
    kinds = {
        "events": _event_steps,
        "customer": _customer_steps,
        "key": _key_steps,
        "workspace": _workspace_steps,
    }
    return list(kinds[deletion.kind](connection, workspace_id, deletion))


def _event_steps(connection: Connection, workspace_id: int, deletion: Deletion) -> Iterator[Step]:
    before_ms = int(deletion.subject)

    def events(at: Connection) -> Removed:
        purged = purge_events(at, workspace_id, before_ms=before_ms)
        return Removed({"events": purged.events}, purged.cost_pico)

    yield events
    cursor = [RESPONSES_START]

    def responses(at: Connection) -> int:
        found = purge_responses(at, workspace_id, before_ms=before_ms, after=cursor[0])
        cursor[0] = found or RESPONSES_START
        return 0 if found is None else 1

    yield _counted("response batches", responses)
    if deletion.keep_totals:
        return
    zone = time_zone_of(connection, workspace_id)
    for table in erasure.TOTALS_TABLES:
        is_day = table.endswith("_day")
        bucket = day_of(before_ms, zone) if is_day else quarter_of(before_ms)
        yield _counted("totals", _totals(workspace_id, table, bucket))


def _totals(workspace_id: int, table: str, bucket: int) -> Callable[[Connection], int]:
    return lambda at: erasure.erase_totals(at, workspace_id, table, before_bucket=bucket)


def _customer_steps(
    connection: Connection, workspace_id: int, deletion: Deletion
) -> Iterator[Step]:
    customer = erasure.customer_of(
        connection, workspace_id, deletion.workspace_public_id, deletion.subject
    )
    if customer is not None:
        yield _customer_rows(workspace_id, customer)


def _customer_rows(workspace_id: int, customer: int) -> Step:
    """The last events and the name go in one transaction: what comes later finds no such name."""
    after, is_done = erasure.START, False

    def erase(at: Connection) -> int:
        nonlocal after
        count, after = erasure.erase_customer_events(at, workspace_id, customer, after=after)
        return count

    def run(at: Connection) -> Removed:
        nonlocal after, is_done
        if is_done:
            return Removed({})
        has_begun = after != erasure.START
        events = erase(at)
        if events < erasure.BATCH_ROWS and has_begun:
            # Events of an earlier time may have come in behind: once more from the start.
            after = erasure.START
            events += erase(at)
        if events >= erasure.BATCH_ROWS:
            return Removed({"events": events})
        is_done = True
        totals = erasure.erase_customer_totals(at, workspace_id, customer)
        return Removed({"events": events, "totals": totals})

    return run


def _key_steps(connection: Connection, workspace_id: int, deletion: Deletion) -> Iterator[Step]:  # noqa: ARG001 - as its siblings
    def run(at: Connection) -> int:
        try:
            end_key(at, workspace_id, deletion.subject, now_ms=deletion.begun_ms)
        except NotFound:
            return 0
        return 1

    yield _counted("keys", run)


def _workspace_steps(
    connection: Connection, workspace_id: int, deletion: Deletion
) -> Iterator[Step]:
    def close(at: Connection) -> int:
        erasure.close_workspace(at, workspace_id, now_ms=deletion.begun_ms)
        return 0

    yield _counted("keys", close)
    for table in erasure.tenant_tables(connection):
        yield _counted(f"{table} rows", _rows(workspace_id, table))
    yield _counted("workspaces", lambda at: erasure.erase_workspace_row(at, workspace_id))


def _rows(workspace_id: int, table: str) -> Callable[[Connection], int]:
    return lambda at: erasure.erase_workspace_rows(at, workspace_id, table)
