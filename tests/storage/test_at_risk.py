"""Failed calls without usage: counted, estimated from their peers, and never in a total."""

from typing import Any

import pytest

from llmtrack.domain.at_risk import AtRisk, estimate, median
from llmtrack.domain.costs import CostStatus
from llmtrack.domain.spans import Span
from llmtrack.domain.usage import Usage
from llmtrack.storage.at_risk import at_risk, shown_at_risk, switch_at_risk
from llmtrack.storage.audit import Actor
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.labels import value_of
from llmtrack.storage.questions import Question
from llmtrack.storage.reports import usage_total
from llmtrack.storage.scope import Scope
from llmtrack.storage.usage import PricedEvent, UsageWriter
from tests.conftest import NOW_MS, World
from tests.events import make_event

DAY_MS = 86_400_000
SPAN = Span(NOW_MS - DAY_MS, NOW_MS + 1)


def call(cost_pico: int, **fields: Any) -> PricedEvent:
    times: dict[str, Any] = {"timestamp_ms": NOW_MS, "received_ms": NOW_MS}
    return make_event(cost_pico=cost_pico, **times | fields)


def failed(**fields: Any) -> PricedEvent:
    values: dict[str, Any] = {
        "timestamp_ms": NOW_MS,
        "received_ms": NOW_MS,
        "status": 1,
        "usage": Usage(),
    }
    return make_event(cost_pico=None, cost_status=CostStatus.NO_USAGE, **values | fields)


@pytest.fixture
async def scope(world: World) -> Scope:
    return await world.scope()


async def add(world: World, *events: PricedEvent) -> None:
    await world.database.write(lambda connection: UsageWriter().add(connection, events, 0))


async def found(scope: Scope, span: Span = SPAN, **filters: str) -> AtRisk:
    async with scope.reading() as reading:
        values = {}
        for name, slug in filters.items():
            value = await value_of(reading, Kind[name.upper()], slug)
            assert value is not None
            values[Kind[name.upper()]] = value
        answer = await at_risk(reading, Question(Kind.TOTAL, span, "UTC", values))
    assert answer is not None
    return answer


def test_the_median_is_exact() -> None:
    assert median([3]) == 3
    assert median([9, 1, 5]) == 5
    assert median([1, 2]) == 2
    assert median([2, 3]) == 2
    assert median([10**18, 10**18 + 1]) == 10**18


def test_what_has_no_peers_is_counted_apart() -> None:
    answer = estimate(7, {(1, 1): 3, (2, 1): 2}, {(1, 1): [10, 20, 60], (3, 1): [5]})

    assert answer == AtRisk(7, 3, 60)
    assert answer.unestimated_events == 4


async def test_peers_are_of_the_same_model_and_feature(world: World, scope: Scope) -> None:
    await add(
        world,
        *(call(cost, feature="chat") for cost in (100, 300, 900)),
        call(7_000, feature="search"),
        call(50_000, model="o3", feature="chat"),
        failed(feature="chat"),
        failed(feature="chat", status=2),
        failed(feature="search", status=3),
        failed(model="o3", feature="search"),
    )

    assert await found(scope) == AtRisk(4, 3, 2 * 300 + 7_000)


async def test_failures_that_told_their_usage_are_not_at_risk(world: World, scope: Scope) -> None:
    await add(world, call(100), call(250, status=1), failed(status=0))

    assert await found(scope) == AtRisk()


async def test_no_total_changes(world: World, scope: Scope) -> None:
    await add(world, call(100), failed())

    async with scope.reading() as reading:
        total = await usage_total(reading, Question(Kind.TOTAL, SPAN, "UTC"))
    assert (total.cost_pico, total.events) == (100, 2)
    assert (await found(scope)).estimate_pico == 100


async def test_peers_of_the_month_before_do(world: World, scope: Scope) -> None:
    before = NOW_MS - 20 * DAY_MS
    long_before = NOW_MS - 40 * DAY_MS
    await add(
        world,
        call(100, timestamp_ms=before),
        call(90_000, timestamp_ms=long_before),
        failed(),
        failed(timestamp_ms=before),
    )

    assert await found(scope) == AtRisk(1, 1, 100)


async def test_filters_hold(world: World, scope: Scope) -> None:
    await add(world, call(100), failed(), failed(environment="staging"), failed(customer_id="c"))

    assert await found(scope, environment="staging") == AtRisk(1, 1, 100)
    assert await found(scope, customer="c") == AtRisk(1, 1, 100)
    assert await found(scope, model="gpt-4o-mini") == AtRisk(3, 3, 300)


async def test_the_read_is_bounded_and_says_what_it_left_out(world: World, scope: Scope) -> None:
    await add(world, call(100), *(failed() for _ in range(30)))

    async with scope.reading() as reading:
        answer = await at_risk(reading, Question(Kind.TOTAL, SPAN, "UTC"), read_max=11)

    assert answer is not None
    assert answer.events == 30
    assert answer.estimated_events <= 11


async def test_it_can_be_switched_off(world: World, scope: Scope) -> None:
    await add(world, call(100), failed())
    question = Question(Kind.TOTAL, SPAN, "UTC")

    await scope.write(switch_at_risk, shown=False, actor=Actor(1, "alice"), now_ms=NOW_MS)
    assert await shown_at_risk(scope, question) is None
    outside = await world.scope(world.charlie)
    assert await shown_at_risk(outside, question) == AtRisk()
    await scope.write(switch_at_risk, shown=True, actor=Actor(1, "alice"), now_ms=NOW_MS)

    assert await shown_at_risk(scope, question) == AtRisk(1, 1, 100)
