"""A recount finds nothing, also while events keep coming and their sums are written later."""

import asyncio
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from llmtrack.services.backup import create
from llmtrack.services.ingest import Ingest
from llmtrack.services.inspection import recounted
from llmtrack.services.restoring import restore
from llmtrack.storage import database as database_module
from llmtrack.storage.database import Database
from llmtrack.storage.workspaces import scope_for_admin
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.services.test_deletion import MARKER, erase_customer

EVENTS = "select count(*) from event where workspace_id = :workspace_id"
SUMS = "select events from usage_day where workspace_id = :workspace_id"


async def test_a_recount_beside_arriving_events_finds_no_difference(world: World) -> None:
    ingest = Ingest(world.database)

    async def keep_sending() -> None:
        while True:
            await ingest.add([make_event(world.acme.id) for _ in range(20)])
            await asyncio.sleep(0.005)

    sending = asyncio.create_task(keep_sending())
    other = await Database.open(world.database.path)  # as `llmtrack check data` beside a server
    try:
        for database in (world.database, other) * 3:
            scope = await scope_for_admin(database, "Acme")
            assert (await recounted(scope)).found == []
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
        await other.close()
        await ingest.close()


async def test_pages_read_on_while_nothing_can_be_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "SETTLE_S", 0.2)
    scope = await scope_for_admin(world.database, "Acme")
    ingest = Ingest(world.database)
    await ingest.add([make_event(world.acme.id)])
    blocker = sqlite3.connect(world.database.path, isolation_level=None)
    blocker.execute("begin immediate")

    async with scope.reading() as reading:
        [events] = await reading.rows(EVENTS)
        sums = await reading.rows(SUMS)
    blocker.close()
    async with scope.reading() as reading:
        [later] = await reading.rows(SUMS + " and kind = 0")
    await ingest.close()

    assert (events[0], sums, later[0]) == (1, [], 1)


async def test_a_restore_sums_what_the_backup_had_only_noted_before_it_deletes(
    world: World, tmp_path: Path
) -> None:
    path = world.database.path
    ingest = Ingest(world.database)
    await ingest.add(
        [make_event(world.acme.id, customer_id=name) for name in (MARKER, MARKER, "other")]
    )
    copy = create(path, tmp_path / "copy.db", now_ms=NOW_MS).path
    await ingest.close()
    await erase_customer(world, MARKER)
    await world.database.close()

    restore(copy, path, overwrite=True, now_ms=NOW_MS)

    database = await Database.open(path)
    scope = await scope_for_admin(database, "Acme")
    [row] = await scope.rows(
        "select events from usage_day where workspace_id = :workspace_id and kind = 0"
    )
    assert (await recounted(scope)).found == []
    await database.close()
    assert row[0] == 3, "the totals keep what the customer used, without its name"
