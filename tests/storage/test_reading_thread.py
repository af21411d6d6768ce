"""What a page reads is read on the connection's own thread, as one piece of work."""

import asyncio
import threading
from collections.abc import Sequence
from contextvars import ContextVar

import pytest

from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.wall import TooSlow
from tests.conftest import World

NAMES = "select text from name where workspace_id = :workspace_id and kind = :kind"
ENDLESS = """
with recursive n (i) as (select 1 union all select i + 1 from n)
select count(*) from n where :workspace_id
"""

shown_in: ContextVar[str] = ContextVar("shown_in", default="USD")


async def test_all_of_it_runs_on_one_other_thread(world: World) -> None:
    threads: list[int] = []

    async def asked(reading: ScopedReading, kinds: Sequence[int]) -> str:
        for kind in kinds:
            await reading.rows(NAMES, kind=kind)
            threads.append(threading.get_ident())
        await asyncio.sleep(0)  # nobody else waits for its turn there
        return shown_in.get()

    scope = await world.scope()
    shown_in.set("EUR")
    async with scope.reading() as reading:
        assert await reading.run(asked(reading, [1, 2, 3])) == "EUR"
        assert set(threads) == {threads[0]} != {threading.get_ident()}
        await asked(reading, [4])
        assert threads[-1] == threading.get_ident()


async def test_what_runs_there_may_run_more_there(world: World) -> None:
    scope = await world.scope()

    async def inner(reading: ScopedReading) -> int:
        await reading.rows(NAMES, kind=1)
        return threading.get_ident()

    async def outer(reading: ScopedReading) -> list[int]:
        return [await reading.run(inner(reading)), threading.get_ident()]

    async with scope.reading() as reading:
        [of_inner, of_outer] = await reading.run(outer(reading))
    assert of_inner == of_outer != threading.get_ident()


async def test_what_would_wait_for_something_else_fails_and_the_reading_goes_on(
    world: World,
) -> None:
    scope = await world.scope()
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def waiting() -> None:
        await never

    async with scope.reading() as reading:
        with pytest.raises(RuntimeError, match="wait for nothing else"):
            await reading.run(waiting())
        assert len(await reading.rows("select :workspace_id as id")) == 1


async def test_a_fault_is_the_askers(world: World) -> None:
    scope = await world.scope()

    async def failing(reading: ScopedReading) -> None:
        await reading.rows(NAMES, kind=1)
        raise LookupError("not there")

    async with scope.reading() as reading:
        with pytest.raises(LookupError, match="not there"):
            await reading.run(failing(reading))


async def test_what_takes_too_long_is_ended_there_too(world: World) -> None:
    with pytest.raises(TooSlow):
        async with world.database.reading_within(world.acme.id, 200_000) as reading:
            await reading.run(reading.rows(ENDLESS, workspace_id=world.acme.id))
    async with (await world.scope()).reading() as again:  # the connection is as good as before
        assert await again.run(again.rows(NAMES, kind=1)) is not None
