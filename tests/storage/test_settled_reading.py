"""Who reads a workspace finds its own events in its sums, and waits for nobody else's."""

import asyncio
import sqlite3
import threading

import pytest

from llmtrack.domain.spans import Span
from llmtrack.services.ingest import Ingest
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.questions import Question
from llmtrack.storage.reports import usage_total
from llmtrack.storage.scope import Scope
from tests.conftest import NOW_MS, World
from tests.events import make_event


async def requests(scope: Scope) -> int:
    async with scope.reading() as reading:
        question = Question(Kind.TOTAL, Span(0, 2 * NOW_MS), "UTC")
        return (await usage_total(reading, question)).events


async def test_a_reader_waits_for_the_sums_of_its_own_workspace_alone(world: World) -> None:
    ingest = Ingest(world.database)
    acme, globex = await world.scope(), await world.scope(world.charlie)
    await ingest.add([make_event(workspace_id=acme.workspace_id) for _ in range(20)])

    assert await requests(globex) == 0
    assert await world.database.rows("select 1 from unsummed"), "left for who asks"
    assert await requests(acme) == 20
    assert not await world.database.rows("select 1 from unsummed")

    await ingest.add([make_event(workspace_id=globex.workspace_id)])
    assert (await requests(acme), await requests(globex)) == (20, 1)
    await ingest.close()


async def test_a_reader_waits_for_sums_that_are_written_but_not_committed(world: World) -> None:
    ingest = Ingest(world.database)
    acme = await world.scope()
    await ingest.add([make_event(workspace_id=acme.workspace_id) for _ in range(20)])
    written, may_commit = threading.Event(), threading.Event()

    def write_slowly(_: sqlite3.Connection) -> None:  # the sums were written before it
        written.set()
        may_commit.wait(10)

    writing = asyncio.create_task(world.database.write(write_slowly))
    await asyncio.to_thread(written.wait, 10)
    reading = asyncio.create_task(requests(acme))
    await asyncio.sleep(0.2)
    may_commit.set()

    assert await reading == 20
    await writing
    await ingest.close()


async def test_sums_that_could_not_be_committed_are_written_for_the_next_reader(
    world: World,
) -> None:
    ingest = Ingest(world.database)
    acme = await world.scope()
    await ingest.add([make_event(workspace_id=acme.workspace_id) for _ in range(20)])

    def fail(_: sqlite3.Connection) -> None:
        raise ValueError("after the sums")

    with pytest.raises(ValueError, match="after the sums"):
        await world.database.write(fail)

    assert await requests(acme) == 20
    await ingest.close()
