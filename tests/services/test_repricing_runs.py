"""Repricing runs: their bounds, their order, and who goes on with them."""

import pytest

from llmtrack.domain.errors import Refused
from llmtrack.domain.usage import ReportedUsage
from llmtrack.services.repricer import STALLED_MS, Repricer
from llmtrack.storage.audit import Actor
from llmtrack.storage.own_prices import revoke
from llmtrack.storage.reprice_orders import queue_unpriced
from llmtrack.storage.reprice_runs import Run, RunState, Selection, run_of, runs
from llmtrack.storage.stored_usage import BATCH_EVENTS
from tests.conftest import NOW_MS, World
from tests.services.repriced import ALICE, DAY_MS, Store, call, full, store

__all__ = ["full", "store"]


async def test_one_model_and_one_period_alone(store: Store) -> None:
    await store.add(
        [
            call("openai", "gpt-4o-mini", timestamp_ms=NOW_MS - 2 * DAY_MS),
            call("openai", "gpt-4o-mini"),
            call("openai", "o3"),
        ]
    )
    await store.set_rate("gpt-4o-mini")
    await store.set_rate("o3")

    run = await store.applied(Selection(NOW_MS - DAY_MS, NOW_MS, model="gpt-4o-mini"))

    assert run.changed_events == 1
    assert len(await store.costs("gpt-4o-mini")) == 2
    nothing = await store.applied(Selection(0, NOW_MS, model="never-seen"))
    assert (nothing.state, nothing.seen_events) == (RunState.APPLIED, 0)


async def test_the_ends_of_the_period_are_exact(store: Store) -> None:
    start_ms = NOW_MS - DAY_MS + 12_345
    for at_ms in (start_ms - 1, start_ms, start_ms + 99, start_ms + 100):
        await store.add([call("openai", "gpt-4o-mini", timestamp_ms=at_ms)])
    await store.set_rate("gpt-4o-mini")

    assert (await store.applied(Selection(start_ms, start_ms + 100))).changed_events == 2


async def test_many_events_of_one_millisecond_are_all_found(store: Store) -> None:
    await store.add([call("openai", "gpt-4o-mini") for _ in range(2 * BATCH_EVENTS + 1)])
    await store.set_rate("gpt-4o-mini")

    run = await store.applied()

    assert run.changed_events == 2 * BATCH_EVENTS + 1
    await store.check()


async def test_a_run_that_a_later_one_built_on_is_not_undone_first(full: Store) -> None:
    own = await full.set_rate("gpt-4o-mini")
    before = await full.events()
    first = await full.applied()
    between = await full.events()
    await full.scope.write(revoke, own, by=Actor(None, "alice"), now_ms=NOW_MS)
    await full.set_rate("gpt-4o-mini", usd="3")
    second = await full.applied()

    with pytest.raises(Refused, match=second.public_id):
        await full.undone(first)
    await full.undone(second)

    assert await full.events() == between
    await full.undone(first)
    assert await full.events() == before
    await full.check()


async def test_an_event_that_was_completed_since_keeps_what_it_costs_now(store: Store) -> None:
    await store.add([call("openai", "gpt-4o-mini", response_id="r1")])
    await store.set_rate("gpt-4o-mini")
    run = await store.applied()
    fuller = ReportedUsage(
        provider="openai", input_tokens=900, output_tokens=90, cache_read_tokens=10
    )
    await store.add([call("openai", "gpt-4o-mini", response_id="r1", reported=fuller)])
    now = await store.events()

    undone = await store.undone(run)

    assert (undone.restored_events, undone.kept_events) == (0, 1)
    assert await store.events() == now
    await store.check()


async def test_one_run_at_a_time(full: Store) -> None:
    await full.order()

    with pytest.raises(Refused, match="is still queued"):
        await full.order()


async def test_prices_that_change_under_a_run_stop_it(full: Store) -> None:
    await full.set_rate("gpt-4o-mini")
    run = await full.order()
    await full.set_rate("o3")

    stopped = await full.driven(run)

    assert (stopped.state, stopped.changed_events) == (RunState.STOPPED, 0)
    assert (await full.undone(stopped)).state is RunState.UNDONE


async def test_a_new_price_can_queue_its_own_run(full: Store) -> None:
    await full.set_rate("our-llama", provider="vllm")

    async def queued() -> Run:
        return await full.scope.write(
            queue_unpriced, reason="new price", actor=ALICE, now_ms=NOW_MS
        )

    first = await queued()
    assert await queued() == first

    repricer = Repricer(full.database, full.books, clock_ms=lambda: NOW_MS)
    await repricer.work(every=False)
    assert (await run_of(full.scope, first.public_id)).state is RunState.QUEUED
    await repricer.work(every=True)

    done = await run_of(full.scope, first.public_id)
    assert done.state is RunState.APPLIED
    assert done.changed_events >= done.priced_events > 0
    await full.check()


async def test_a_run_that_nobody_drives_is_taken_up(full: Store) -> None:
    await full.set_rate("gpt-4o-mini")
    run = await full.order()

    later = Repricer(full.database, full.books, clock_ms=lambda: NOW_MS + STALLED_MS)
    await later.work(every=False)

    assert (await run_of(full.scope, run.public_id)).state is RunState.APPLIED


async def test_another_workspace_is_not_touched(full: Store, world: World) -> None:
    await full.set_rate("gpt-4o-mini")
    outside = await world.scope(world.charlie)

    run = await full.applied()

    assert await runs(outside) == []
    assert [known.public_id for known in await runs(full.scope)] == [run.public_id]
    with pytest.raises(Exception, match="there is no repricing run"):
        await run_of(outside, run.public_id)
