"""Group commit: answers after the commit, a bounded hold, faults that stay apart."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmtrack.domain.errors import Overloaded
from llmtrack.services import ingest as ingest_module
from llmtrack.services.ingest import BATCHES_AT_ONCE, Ingest
from llmtrack.services.plain_refusal import HANDSHAKES
from llmtrack.storage.database import Database
from llmtrack.storage.usage import Outcome
from tests.events import make_event


def add_workspace(connection: sqlite3.Connection) -> None:
    connection.execute(
        "insert into workspace (id, public_id, name, created_ms) values (1, 'wsp_1', 'w', 0)"
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "llmtrack.db", create=True)
    await opened.write(add_workspace)
    yield opened
    await opened.close()


@pytest.fixture
async def ingest(database: Database) -> AsyncIterator[Ingest]:
    made = Ingest(database, queue_events_max=50)
    yield made
    await made.close()


async def count_events(database: Database) -> int:
    [row] = await database.rows("select count(*) from event")
    return int(row[0])


async def test_an_answer_means_the_event_is_committed(ingest: Ingest, database: Database) -> None:
    [outcome] = await ingest.add([make_event()])

    assert isinstance(outcome, Outcome)
    other_process = sqlite3.connect(database.path)
    assert other_process.execute("select id from event").fetchall() == [(outcome.event_id,)]
    other_process.close()


async def test_every_commit_waits_for_the_disk(
    ingest: Ingest, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sums' as well: after a sync that failed, a commit that did not wait is a hole in the
    WAL, and whatever was acknowledged behind it would be lost with the power."""
    for bound in ("UNSUMMED_EVENTS_MAX", "UNSUMMED_EVENTS_CALM"):
        monkeypatch.setattr(ingest_module, bound, 2)
    modes: list[int] = []

    def look(connection: sqlite3.Connection, statement: str) -> None:
        if statement == "begin immediate":
            modes.append(connection.execute("pragma synchronous").fetchone()[0])

    def watch(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(lambda statement: look(connection, statement))

    database.submit(watch)
    for _ in range(4):
        await ingest.add([make_event()])
    await database.turn()

    full = 2
    assert len(modes) > 4, "no sums were written"
    assert set(modes) == {full}


async def test_all_that_wait_share_few_commits(ingest: Ingest, database: Database) -> None:
    statements: list[str] = []
    await database.write(lambda connection: connection.set_trace_callback(statements.append))

    await asyncio.gather(*(ingest.add([make_event()]) for _ in range(40)))

    assert await count_events(database) == 40
    assert 1 <= statements.count("commit") <= 5


@pytest.mark.parametrize(("goes_on", "batches"), [(True, 1), (False, 3)])
async def test_a_batch_waits_a_moment_for_those_who_shake_hands(
    ingest: Ingest, database: Database, monkeypatch: pytest.MonkeyPatch, goes_on: bool, batches: int
) -> None:
    """Turns of the loop in which a handshake goes on, with an event now and then."""
    monkeypatch.setattr(ingest_module, "JOIN_HANDSHAKES_S", 10.0)
    adding = []
    for turn in range(30):
        if turn % 10 == 0:
            adding.append(asyncio.ensure_future(ingest.add([make_event()])))
        HANDSHAKES.steps += goes_on
        await asyncio.sleep(0)
        if not goes_on:
            await asyncio.wait(adding)
    await asyncio.wait_for(asyncio.gather(*adding), timeout=5)

    [[noted]] = await database.rows("select count(*) from unsummed")
    assert noted == batches, "a note for each commit"


async def test_handshakes_without_end_hold_nothing_up(ingest: Ingest) -> None:
    adding = asyncio.ensure_future(ingest.add([make_event()]))
    begun = asyncio.get_running_loop().time()
    while not adding.done():
        HANDSHAKES.steps += 1
        await asyncio.sleep(0)
    assert asyncio.get_running_loop().time() - begun < 2
    assert isinstance(adding.result()[0], Outcome)


async def test_one_event_that_cannot_be_stored_fails_alone(
    ingest: Ingest, database: Database
) -> None:
    homeless = make_event(workspace_id=999)

    results = await asyncio.gather(
        *(ingest.add([make_event()]) for _ in range(9)),
        ingest.add([homeless]),
        ingest.add([make_event(), homeless, make_event()]),
    )

    assert [isinstance(result, Outcome) for [result] in results[:9]] == [True] * 9
    assert isinstance(results[9][0], BaseException)
    assert [isinstance(result, Outcome) for result in results[10]] == [True, False, True]
    assert await count_events(database) == 11


async def test_a_locked_file_is_held_then_given_back(
    ingest: Ingest, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "HOLD_S", 0.3)
    blocker = sqlite3.connect(database.path, isolation_level=None)
    blocker.execute("begin immediate")

    with pytest.raises(Overloaded):
        await ingest.add([make_event(idempotency_key="a")])

    blocker.execute("rollback")
    blocker.close()
    [outcome] = await ingest.add([make_event(idempotency_key="a")])
    assert isinstance(outcome, Outcome)
    assert not outcome.duplicate, "what was given back was not stored"


async def test_a_short_lock_only_delays(ingest: Ingest, database: Database) -> None:
    blocker = sqlite3.connect(database.path, isolation_level=None)
    blocker.execute("begin immediate")
    waiting = asyncio.ensure_future(ingest.add([make_event()]))
    await asyncio.sleep(0.3)

    assert not waiting.done()
    blocker.execute("rollback")
    blocker.close()
    [outcome] = await waiting
    assert isinstance(outcome, Outcome)


async def test_a_full_queue_holds_then_refuses(
    ingest: Ingest, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "HOLD_S", 0.3)
    blocker = sqlite3.connect(database.path, isolation_level=None)
    blocker.execute("begin immediate")

    results = await asyncio.gather(
        *(ingest.add([make_event() for _ in range(30)]) for _ in range(4)), return_exceptions=True
    )

    blocker.execute("rollback")
    blocker.close()
    assert all(isinstance(result, Overloaded) for result in results)
    assert await count_events(database) == 0


async def test_few_batches_are_decoded_at_once_and_the_others_hold_then_are_refused(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "HOLD_S", 0.2)
    inside, most = 0, 0
    leave = asyncio.Event()

    async def batch() -> float:
        nonlocal inside, most
        async with ingest.batch_turn() as since:
            inside += 1
            most = max(most, inside)
            await leave.wait()
            inside -= 1
            return since

    first = [asyncio.create_task(batch()) for _ in range(BATCHES_AT_ONCE)]
    await asyncio.sleep(0)
    assert inside == BATCHES_AT_ONCE
    refused = await asyncio.gather(batch(), batch(), return_exceptions=True)
    assert all(isinstance(result, Overloaded) for result in refused)

    waiting = asyncio.create_task(batch())
    await asyncio.sleep(0.05)
    leave.set()
    since = await asyncio.gather(*first, waiting)
    assert since[-1] > since[0], "the hold counts from when it began to wait"
    assert most == BATCHES_AT_ONCE
