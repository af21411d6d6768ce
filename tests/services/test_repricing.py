"""Events priced anew: exactly, with all their sums, and undone to the last flag."""

from llmtrack.domain.costs import CostStatus
from llmtrack.services.repricing import preview
from llmtrack.storage.audit import Actor
from llmtrack.storage.own_prices import create_alias
from llmtrack.storage.reprice_runs import RunState, Selection, run_of
from llmtrack.storage.repricing import apply_batch
from llmtrack.storage.stored_usage import next_keys
from tests.conftest import NOW_MS
from tests.services.repriced import ALL, MODELS, Events, Store, full, store

__all__ = ["full", "store"]


async def test_the_same_prices_change_nothing_of_any_usage(full: Store) -> None:
    before = await full.events()
    statuses = {row.cost_status for row in before.values()}
    assert statuses == {int(status) for status in CostStatus}

    run = await full.applied()

    assert (run.state, run.changed_events) == (RunState.APPLIED, 0)
    assert await full.events() == before
    await full.check()


async def test_a_new_price_changes_events_and_every_sum(full: Store) -> None:
    await full.set_rate("gpt-4o-mini")
    await full.scope.write(
        create_alias, provider="azure", model="our-deployment",
        to_provider="azure", to_model="gpt-4o", by=Actor(None, "alice"), now_ms=NOW_MS,
    )  # fmt: skip
    expected = await preview(full.scope, ALL, await full.prices())

    run = await full.applied()

    assert run.changed_events == expected.total.events > 50
    assert run.priced_events == expected.total.priced_events > 0
    assert (run.before_pico, run.after_pico) == expected.total[2:]
    assert sum(row.events for row in expected.rows.values()) == run.changed_events
    assert {model for _, model in expected.rows} == {"gpt-4o-mini", "our-deployment"}
    await full.check()
    again = await preview(full.scope, ALL, await full.prices())
    assert again.total.events == 0


async def test_an_undo_restores_everything_exactly(full: Store) -> None:
    before = await full.events()
    await full.set_rate("gpt-4o-mini")
    run = await full.applied()
    assert await full.events() != before

    undone = await full.undone(run)

    assert undone.state is RunState.UNDONE
    assert (undone.restored_events, undone.kept_events) == (run.changed_events, 0)
    assert undone.undone_by == "alice@example.com"
    assert await full.events() == before
    await full.check()


async def test_contradictory_usage_stays_invalid(full: Store) -> None:
    def invalid(events: Events) -> set[tuple[int, int]]:
        return {key for key, row in events.items() if row.cost_status == CostStatus.INVALID_USAGE}

    before = invalid(await full.events())
    assert before
    for provider, model in MODELS:
        await full.set_rate(model, provider=provider)

    await full.applied()

    assert invalid(await full.events()) == before


async def test_a_run_goes_on_where_it_was_cut_off(full: Store) -> None:
    await full.set_rate("gpt-4o-mini")
    expected = await preview(full.scope, ALL, await full.prices())
    run = await full.order()
    prices = await full.prices()
    for _ in range(1):
        async with full.scope.reading() as reading:
            found = await next_keys(reading, run.selection, run.cursor)
        run = await full.scope.write(apply_batch, run, found, prices.book, now_ms=NOW_MS)
    assert run.state is RunState.APPLYING
    assert 0 < run.changed_events < expected.total.events
    await full.check()

    done = await full.driven(await run_of(full.scope, run.public_id))

    assert done.state is RunState.APPLIED
    assert (done.changed_events, done.after_pico) == (
        expected.total.events,
        expected.total.after_pico,
    )
    await full.check()


async def test_a_batch_that_somebody_else_did_is_not_done_twice(full: Store) -> None:
    await full.set_rate("gpt-4o-mini")
    run, prices = await full.order(), await full.prices()
    async with full.scope.reading() as reading:
        found = await next_keys(reading, run.selection, run.cursor)
    first = await full.scope.write(apply_batch, run, found, prices.book, now_ms=NOW_MS)

    second = await full.scope.write(apply_batch, run, found, prices.book, now_ms=NOW_MS)

    assert second == first
    await full.check()


async def test_only_unpriced_leaves_priced_events_alone(full: Store) -> None:
    await full.set_rate("gpt-4o-mini")
    await full.set_rate("our-llama", provider="vllm")
    priced = await full.costs("gpt-4o-mini")

    run = await full.applied(Selection(0, NOW_MS + 1, only_unpriced=True))

    assert run.changed_events >= run.priced_events > 0
    assert run.before_pico == 0
    assert await full.costs("gpt-4o-mini") == priced
    assert (None, int(CostStatus.UNPRICED)) not in await full.costs("our-llama")
    await full.check()
