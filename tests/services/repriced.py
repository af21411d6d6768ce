"""A workspace whose events are priced as ingest prices them, for tests of repricing."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from llmtrack.domain.events import UsageEvent
from llmtrack.domain.usage import ReportedUsage, canonical_usage
from llmtrack.services.inspection import recounted
from llmtrack.services.price_books import PriceBooks
from llmtrack.services.repricing import Prices, drive, prices_of
from llmtrack.storage.audit import Actor
from llmtrack.storage.event_rows import EventRow
from llmtrack.storage.own_prices import create_override
from llmtrack.storage.reprice_orders import begin_undo, create_run
from llmtrack.storage.reprice_runs import Run, Selection
from llmtrack.storage.scope import Scope
from llmtrack.storage.usage import PricedEvent, UsageWriter
from tests.conftest import NOW_MS, World

Events = dict[tuple[int, int], EventRow]
DAY_MS = 86_400_000
ALICE = Actor(1, "alice@example.com")
ALL = Selection(0, NOW_MS + 1)
MODELS = (
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-haiku-4-5"),
    ("azure", "our-deployment"),
    ("vllm", "our-llama"),
    ("openai", "o3"),
)


class Store:
    """Acme with events that are priced as ingest prices them."""

    def __init__(self, world: World, scope: Scope) -> None:
        self.world, self.scope = world, scope
        self.database = world.database
        self.books = PriceBooks(world.database)

    async def prices(self) -> Prices:
        return await prices_of(self.scope, self.books)

    async def add(self, events: Sequence[UsageEvent]) -> None:
        book = (await self.prices()).book
        priced = []
        for event in events:
            usage = canonical_usage(event.reported)
            cost = book.price(
                event.provider, event.model, usage,
                at_ms=event.timestamp_ms, service_tier=event.service_tier,
            )  # fmt: skip
            key_id = self.world.acme_key.key.id
            priced.append(PricedEvent(self.scope.workspace_id, key_id, "api", event, usage, cost))
        writer = UsageWriter()
        await self.database.write(lambda connection: writer.add(connection, priced, 0))

    async def events(self) -> Events:
        rows = await self.scope.rows(
            "select * from event where workspace_id = :workspace_id order by timestamp_ms, id"
        )
        return {(row["timestamp_ms"], row["id"]): EventRow(*row) for row in rows}

    async def costs(self, model: str) -> set[tuple[int | None, int]]:
        rows = await self.scope.rows(
            "select cost_pico, cost_status from event where workspace_id = :workspace_id and"
            " model_id = (select id from name where workspace_id = :workspace_id and kind = 2"
            " and text = :model)",
            model=model,
        )
        return {(row[0], row[1]) for row in rows}

    async def order(self, selection: Selection = ALL) -> Run:
        return await self.scope.write(
            create_run,
            selection,
            prices_digest=(await self.prices()).digest,
            reason="the contract says so",
            actor=ALICE,
            total_events=0,
            now_ms=NOW_MS,
        )

    async def applied(self, selection: Selection = ALL) -> Run:
        return await self.driven(await self.order(selection))

    async def driven(self, run: Run) -> Run:
        return await drive(self.scope, run, await self.prices(), clock_ms=lambda: NOW_MS)

    async def undone(self, run: Run) -> Run:
        begun = await self.scope.write(begin_undo, run.public_id, actor=ALICE, now_ms=NOW_MS)
        return await self.driven(begun)

    async def set_rate(self, model: str, *, provider: str = "openai", usd: str = "2") -> str:
        made = await self.scope.write(
            create_override, provider=provider, model=model,
            rates={"input_mtok": usd, "output_mtok": "4"}, by=Actor(None, "alice"), now_ms=NOW_MS,
        )  # fmt: skip
        return made.id

    async def check(self) -> None:
        """What `llmtrack check data` does."""
        assert (await recounted(self.scope)).found == []


def random_event(source: random.Random) -> UsageEvent:
    provider, model = source.choice(MODELS)

    def count(most: int) -> int | None:
        return source.choice([None, 0, source.randrange(most), source.randrange(most)])

    reported = ReportedUsage(
        provider=provider,
        input_tokens=count(100_000),
        output_tokens=count(5_000),
        total_tokens=count(200_000),
        reasoning_tokens=count(100),
        cache_read_tokens=count(2_000),
        cache_write_tokens=count(2_000),
        input_audio_tokens=count(50),
        web_searches=count(3),
    )
    at_ms = NOW_MS - source.randrange(2 * DAY_MS)
    return UsageEvent(
        provider=provider,
        model=model,
        timestamp_ms=at_ms,
        received_ms=at_ms,
        reported=reported,
        status=source.choice([0, 0, 0, 1, 2]),
        service_tier=source.choice([None, "batch", "priority"]),
        latency_ms=source.randrange(9_000),
        feature=source.choice(["chat", "search"]),
    )


def call(provider: str, model: str, **fields: Any) -> UsageEvent:
    values: dict[str, Any] = {
        "timestamp_ms": NOW_MS - 1_000,
        "received_ms": NOW_MS,
        "reported": ReportedUsage(provider=provider, input_tokens=1_000, output_tokens=100),
    }
    return UsageEvent(provider=provider, model=model, **values | fields)


@pytest.fixture
async def store(world: World) -> Store:
    return Store(world, await world.scope())


@pytest.fixture
async def full(store: Store) -> Store:
    source = random.Random("repricing")  # noqa: S311 - the same in every run
    await store.add([random_event(source) for _ in range(800)])
    nothing = ReportedUsage(provider="openai")
    await store.add([call("openai", "gpt-4o-mini", reported=nothing, status=2)])
    return store
