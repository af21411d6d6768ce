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
)
from llmtrack.storage.key_changes import end_key
from llmtrack.storage.maintenance import time_zone_of
from llmtrack.storage.pending_sums import settle
from llmtrack.storage.purge import RESPONSES_START, purge_events, purge_responses
from llmtrack.storage.writer import Connection, transaction

Progress = Callable[[str, int], None]
"""Hears what is being removed and how many rows of it are gone."""


class Step(NamedTuple):
    """`run` removes a batch in a transaction and returns its size; 0 means done."""

    what: str
    run: Callable[[Connection], int]


async def delete(
    database: Database, deletion: Deletion, *, now_ms: int, progress: Progress | None = None
) -> dict[str, int]:
    """Carry out an entry of the ledger beside a running server; rows removed by kind."""
    removed = dict(deletion.removed)
    for step in await database.write(_steps, deletion):
        while count := await database.write(step.run):
            removed[step.what] = removed.get(step.what, 0) + count
            if progress is not None:
                progress(step.what, removed[step.what])
            await asyncio.sleep(PAUSE_S)
    await database.write(finish_deletion, deletion.public_id, removed=removed, now_ms=now_ms)
    return removed


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
        removed: dict[str, int] = {}
        for step in _steps(connection, deletion):
            while count := _run(connection, step):
                removed[step.what] = removed.get(step.what, 0) + count
        finished_ms = deletion.finished_ms or deletion.begun_ms
        with transaction(connection):
            finish_deletion(connection, deletion.public_id, removed=removed, now_ms=finished_ms)
    return list(missing.values())


def _run(connection: Connection, step: Step) -> int:
    with transaction(connection):
        return step.run(connection)


def _steps(connection: Connection, deletion: Deletion) -> list[Step]:
    """What there is to do; nothing for what this file does not have."""
    if deletion.kind == "user":
        return [Step("users", lambda at: erasure.erase_user(at, deletion.subject))]
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
    yield Step("events", lambda at: purge_events(at, workspace_id, before_ms=before_ms).events)
    cursor = [RESPONSES_START]

    def responses(at: Connection) -> int:
        found = purge_responses(at, workspace_id, before_ms=before_ms, after=cursor[0])
        cursor[0] = found or RESPONSES_START
        return 0 if found is None else 1

    yield Step("response batches", responses)
    if deletion.keep_totals:
        return
    zone = time_zone_of(connection, workspace_id)
    for table in erasure.TOTALS_TABLES:
        is_day = table.endswith("_day")
        bucket = day_of(before_ms, zone) if is_day else quarter_of(before_ms)
        yield Step("totals", _totals(workspace_id, table, bucket))


def _totals(workspace_id: int, table: str, bucket: int) -> Callable[[Connection], int]:
    return lambda at: erasure.erase_totals(at, workspace_id, table, before_bucket=bucket)


def _customer_steps(
    connection: Connection, workspace_id: int, deletion: Deletion
) -> Iterator[Step]:
    customer = erasure.customer_of(
        connection, workspace_id, deletion.workspace_public_id, deletion.subject
    )
    if customer is not None:
        yield Step("events", _customer_events(workspace_id, customer))
        yield Step("totals", lambda at: erasure.erase_customer_totals(at, workspace_id, customer))


def _customer_events(workspace_id: int, customer: int) -> Callable[[Connection], int]:
    after = erasure.START

    def run(at: Connection) -> int:
        nonlocal after
        count, place = erasure.erase_customer_events(at, workspace_id, customer, after=after)
        if not count and after != erasure.START:
            # Events of an earlier time may have come in behind: once more from the start.
            count, place = erasure.erase_customer_events(
                at, workspace_id, customer, after=erasure.START
            )
        after = place
        return count

    return run


def _key_steps(connection: Connection, workspace_id: int, deletion: Deletion) -> Iterator[Step]:  # noqa: ARG001 - as its siblings
    def run(at: Connection) -> int:
        try:
            end_key(at, workspace_id, deletion.subject, now_ms=deletion.begun_ms)
        except NotFound:
            return 0
        return 1

    yield Step("keys", run)


def _workspace_steps(
    connection: Connection, workspace_id: int, deletion: Deletion
) -> Iterator[Step]:
    def close(at: Connection) -> int:
        erasure.close_workspace(at, workspace_id, now_ms=deletion.begun_ms)
        return 0

    yield Step("keys", close)
    for table in erasure.tenant_tables(connection):
        yield Step(f"{table} rows", _rows(workspace_id, table))
    yield Step("workspaces", lambda at: erasure.erase_workspace_row(at, workspace_id))


def _rows(workspace_id: int, table: str) -> Callable[[Connection], int]:
    return lambda at: erasure.erase_workspace_rows(at, workspace_id, table)
