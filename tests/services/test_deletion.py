"""What is deleted is gone from the files, totals still add up, and no restore revives it."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from llmtrack.domain.views import View
from llmtrack.services import deletion as deletion_module
from llmtrack.services.deletion import delete
from llmtrack.services.deletion_runs import (
    apply_retention,
    begin,
    ledger,
    resume,
    unfinished,
)
from llmtrack.services.ingest import Ingest
from llmtrack.services.inspection import recounted
from llmtrack.storage import erasure
from llmtrack.storage.audit import Actor
from llmtrack.storage.customer_prices import set_customer_price
from llmtrack.storage.deletions import Deletion, customer_digest
from llmtrack.storage.erasure import tenant_tables
from llmtrack.storage.event_digests import RESPONSES
from llmtrack.storage.maintenance import all_checkpointed, all_costs
from llmtrack.storage.retention_rules import Retention, retention_of, set_retention
from llmtrack.storage.saved_views import save_view
from llmtrack.storage.shared_links import share_view
from tests.conftest import NOW_MS, WHO, World
from tests.events import NOW_MS as EVENT_MS
from tests.events import make_event

DAY_MS = 86_400_000
MARKER = "ZANZIBAR-7391"
ALICE = Actor(1, "alice@example.com")


async def add(world: World, count: int = 30, **fields: object) -> None:
    ingest = Ingest(world.database)
    await ingest.add(
        [
            make_event(
                world.acme.id,
                key_id=1,
                timestamp_ms=EVENT_MS + number * 3_600_000,
                response_id=f"{fields.get('customer_id', 'none')}-{number}",
                **fields,  # type: ignore[arg-type]
            )
            for number in range(count)
        ]
    )
    await ingest.close()


def directory(world: World) -> Path:
    return world.database.path.parent


def bytes_of(world: World) -> bytes:
    """Of the database and its WAL."""
    path = world.database.path
    return path.read_bytes() + path.with_name(path.name + "-wal").read_bytes()


async def erase_customer(world: World, customer: str = MARKER) -> dict[str, int]:
    done = await delete(world.database, await begin_customer(world, customer), now_ms=NOW_MS)
    return done.rows


async def begin_customer(world: World, customer: str = MARKER) -> Deletion:
    return await begin(
        world.database,
        directory(world),
        kind="customer",
        workspace_public_id=world.acme.public_id,
        subject=customer_digest(world.acme.public_id, customer),
        now_ms=NOW_MS,
    )


async def begin_events(world: World, before_ms: int, *, keep_totals: bool = True) -> Deletion:
    return await begin(
        world.database,
        directory(world),
        kind="events",
        workspace_public_id=world.acme.public_id,
        subject=str(before_ms),
        keep_totals=keep_totals,
        now_ms=NOW_MS,
    )


async def begin_workspace(world: World) -> Deletion:
    public_id = world.acme.public_id
    return await begin(
        world.database,
        directory(world),
        kind="workspace",
        workspace_public_id=public_id,
        subject=public_id,
        now_ms=NOW_MS,
    )


async def count(world: World, table: str, where: str = "true") -> int:
    [row] = await world.database.rows(f"select count(*) from {table} where {where}")  # noqa: S608
    return int(row[0])


async def count_responses(world: World) -> int:
    return sum([await count(world, table) for table in RESPONSES.tables])


async def test_an_erased_customer_is_in_neither_the_database_nor_the_wal(world: World) -> None:
    metadata = f'{{"a":"{MARKER}"}}'
    await add(world, customer_id=MARKER, customer_name=f"{MARKER} Ltd", metadata=metadata)
    await add(world, customer_id="other")
    assert MARKER.encode() in bytes_of(world)
    before = await world.database.write(all_costs)

    removed = await erase_customer(world)

    assert removed["events"] == 30
    assert removed["totals"] > 0
    assert all_checkpointed(world.database.path)
    assert MARKER.encode() not in bytes_of(world)
    assert await count(world, "event") == 30
    assert await count(world, "name", "text = 'other'") == 1
    assert await count_responses(world) == 30
    after = await world.database.write(all_costs)
    assert after.totals_pico == before.totals_pico, "the workspace's totals must add up"
    assert (await recounted(await world.scope())).found == []
    assert MARKER not in (directory(world) / "deletions.jsonl").read_text()


async def test_no_view_link_price_or_log_entry_keeps_an_erased_customer(world: World) -> None:
    await add(world, count=3, customer_id=MARKER, customer_name=f"{MARKER} Ltd")
    scope = await world.scope()
    view = View("/customers", f"customer={MARKER}")
    await scope.write(
        save_view, user_id=world.alice.id, name="big one", view=view, is_shared=True, **WHO
    )
    await scope.write(share_view, digest=b"d" * 32, name="for them", view=view, days=7, **WHO)
    [row] = await world.database.rows("select id from name where text = :text", text=MARKER)
    await scope.write(set_customer_price, row[0], monthly_pico=10**13, **WHO)
    assert bytes_of(world).count(f"customer={MARKER}".encode()) >= 2

    await erase_customer(world)

    assert all_checkpointed(world.database.path)
    assert MARKER.encode() not in bytes_of(world)
    assert await count(world, "saved_view") == await count(world, "shared_link") == 0
    assert await count(world, "customer_price") == 0
    assert await count(world, "audit_log", "action = 'customer_price.set'") == 1


async def test_nothing_of_a_deleted_workspace_is_left_and_the_other_one_is_whole(
    world: World,
) -> None:
    await add(world, customer_id=MARKER)
    rule = Retention(event_days=9000, keep_totals=True)
    scope = await world.scope()
    await scope.write(set_retention, rule=rule, actor=ALICE, now_ms=NOW_MS)
    ingest = Ingest(world.database)
    await ingest.add([make_event(world.globex.id) for _ in range(5)])
    await ingest.close()
    tables = await world.database.write(tenant_tables)

    removed = await delete(world.database, await begin_workspace(world), now_ms=NOW_MS)

    assert removed.rows["workspaces"] == 1
    for table in tables:
        assert await count(world, table, f"workspace_id = {world.acme.id}") == 0, table
    assert all_checkpointed(world.database.path)
    assert MARKER.encode() not in bytes_of(world)
    assert await count(world, "event") == 5
    assert await count(world, "user") == 3
    assert await count(world, "audit_log", "action = 'workspace.delete'") == 1
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        await world.database.write(lambda at: at.execute("delete from audit_log"))
    assert await unfinished(world.database) == []


async def test_totals_go_with_the_events_where_that_is_wanted(world: World) -> None:
    await add(world, count=100)
    before_ms = EVENT_MS + 2 * DAY_MS - EVENT_MS % DAY_MS

    await delete(
        world.database, await begin_events(world, before_ms, keep_totals=False), now_ms=NOW_MS
    )

    left = await count(world, "event")
    assert 0 < left < 100
    assert await count(world, "event", f"timestamp_ms < {before_ms}") == 0
    costs = await world.database.write(all_costs)
    assert costs.events_pico == costs.totals_pico == left * 66_000_000
    assert await count(world, "usage_day", f"bucket < {before_ms // DAY_MS}") == 0
    assert await count(world, "latency_quarter", f"bucket < {before_ms // 900_000}") == 0


async def test_a_deletion_that_was_killed_is_completed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(world, 1020, customer_id=MARKER)
    monkeypatch.setattr(deletion_module, "PAUSE_S", 0)
    original = erasure.erase_customer_totals

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(erasure, "erase_customer_totals", killed)
    with pytest.raises(KeyboardInterrupt):
        await erase_customer(world)
    [left] = await unfinished(world.database)
    assert await count(world, "event") == 20
    assert await count(world, "name", f"text = '{MARKER}'") == 1
    monkeypatch.setattr(erasure, "erase_customer_totals", original)

    assert await resume(world.database, now_ms=NOW_MS) == 1

    assert (left.kind, left.removed) == ("customer", {"events": 1000})
    assert await unfinished(world.database) == []
    [entry] = await ledger(world.database)
    assert entry.removed["events"] == 1020
    assert entry.removed["totals"] > 0
    assert await count(world, "name", f"text = '{MARKER}'") == 0


async def test_what_comes_in_while_a_customer_is_erased_is_erased_or_a_new_customer_s(
    world: World,
) -> None:
    sent, removed = 0, 0

    async def send() -> None:
        nonlocal sent
        ingest = Ingest(world.database)
        while True:
            sent += len(await ingest.add([make_event(world.acme.id, customer_id=MARKER)]))

    sending = asyncio.create_task(send())
    for _ in range(10):
        removed += (await erase_customer(world)).get("events", 0)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)

    assert await count(world, "event", "customer_id not in (select id from name)") == 0
    assert await count(world, "event") in (sent - removed, sent - removed + 1)
    assert removed > 0


async def test_retention_is_the_workspace_s_own(world: World) -> None:
    await add(world, count=10)
    scope = await world.scope()
    rule = Retention(event_days=30, keep_totals=True)
    await scope.write(set_retention, rule=rule, actor=ALICE, now_ms=NOW_MS)
    async with scope.reading() as reading:
        assert await retention_of(reading) == rule
    ingest = Ingest(world.database)
    await ingest.add([make_event(world.globex.id, timestamp_ms=EVENT_MS) for _ in range(5)])
    await ingest.close()

    early = await apply_retention(world.database, directory(world), now_ms=EVENT_MS + DAY_MS)
    removed = await apply_retention(world.database, directory(world), now_ms=NOW_MS)
    again = await apply_retention(world.database, directory(world), now_ms=NOW_MS)

    assert (early, removed, again) == ({}, {"Acme": 10}, {})
    assert await count(world, "event") == 5
    await scope.write(set_retention, rule=None, actor=ALICE, now_ms=NOW_MS)
    async with scope.reading() as reading:
        assert await retention_of(reading) is None
