"""The same usage, as a page is asked for it and as the command line tells it."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.periods import DAY_MS, rfc3339
from llmtrack.domain.spans import Span
from llmtrack.domain.usage import Usage
from llmtrack.web.ingest import INGEST
from tests.cli.conftest import Program
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.storage.seeded import repeatable
from tests.web.conftest import Client

EVENTS = 700
DAYS = 70
Row = dict[str, Any]


class Asked(NamedTuple):
    """What a page is asked for, in a workspace of that zone."""

    zone: str
    by: str
    period: Mapping[str, str]
    filters: Mapping[str, str]


ASKED = [
    Asked("UTC", "model", {}, {}),
    Asked("Asia/Kathmandu", "feature", {"period": "month"}, {"environment": "staging"}),
    Asked("Asia/Kathmandu", "customer", {"period": "24h"}, {}),
    Asked("America/St_Johns", "key", {"period": "7d"}, {"provider": "openai"}),
    # A day of 25 hours, and the two weeks around it under two filters.
    Asked("Europe/Berlin", "model", {"from": "2026-10-25", "to": "2026-10-25"}, {}),
    Asked("Europe/Berlin", "status", {"from": "2026-10-20", "to": "2026-11-02"},
          {"feature": "<search>", "model": "gpt-4o"}),
    Asked("Europe/Berlin", "environment", {"period": "last-month"}, {"customer": "c1"}),
    Asked("Pacific/Apia", "provider", {"period": "yesterday"}, {"status": "error"}),
    Asked("Australia/Lord_Howe", "feature", {"period": "90d"}, {"model": "own"}),
]  # fmt: skip


class Figure(NamedTuple):
    """Rows of the command line, added up."""

    rows: list[Row]

    def __getattr__(self, name: str) -> int:
        return sum(row[name] for row in self.rows)

    @property
    def pico(self) -> int:
        return sum(pico_of(row) for row in self.rows)

    @property
    def tokens(self) -> int:
        return int(self.input_tokens + self.output_tokens)

    @property
    def is_unknown(self) -> bool:
        without = self.unpriced_events + self.unknown_usage_events
        return bool(self.events) and without >= self.events


def pico_of(row: Row) -> int:
    return int(Decimal(row["cost_usd"]) * 10**12)


class Said:
    """What `llmtrack usage --json` says of one workspace under the same filters."""

    def __init__(self, world: World, asked: Asked) -> None:
        self._program = Program(world.database.path.parent)
        where = [f"--where={name}={value}" for name, value in asked.filters.items()]
        self._always = ("usage", "--workspace", world.acme.public_id, *where)

    async def __call__(self, by: str, span: Span, *more: str) -> Any:
        times = ("--from", rfc3339(span.start_ms), "--to", rfc3339(span.end_ms))
        command = (*self._always, *times, "--by", by, *more)
        return await asyncio.to_thread(self._program.json, *command)

    async def total(self, span: Span) -> Figure:
        return Figure(await self("status", span))


async def fill(client: Client) -> None:
    """Of all kinds and ages: priced, in part, without a price, without usage, failed."""
    source = repeatable("overview")
    events = []
    for _ in range(EVENTS):
        kind = source.choice([CostStatus.PRICED] * 8 + list(CostStatus))
        model = source.choice(["gpt-4o", "sonnet", "mini", "<b>"])
        if kind is CostStatus.UNPRICED:
            model = source.choice(["own", "other own"])
        known = kind in {CostStatus.PRICED, CostStatus.PARTIAL}
        no_usage = kind is CostStatus.NO_USAGE
        used = Usage(
            input_tokens=None if no_usage else source.randrange(10**6),
            output_tokens=None if no_usage else source.randrange(10**5),
            cache_read_tokens=None if no_usage else source.randrange(1000),
        )
        events.append(
            make_event(
                provider=source.choice(["openai", "anthropic"]),
                model=model,
                feature=source.choice(["chat", "<search>", "&"]),
                environment=source.choice(["production", "staging"]),
                customer_id=source.choice(["c1", "c2", None]),
                status=1 if no_usage else source.choice([0, 0, 0, 1, 2, 3]),
                cost_pico=source.randrange(10**14) if known else None,
                cost_status=kind,
                usage=used,
                latency_ms=source.randrange(50, 20_000),
                timestamp_ms=NOW_MS - source.randrange(DAYS * DAY_MS),
                received_ms=NOW_MS,
            )
        )
    assert client.app is not None
    await client.app[INGEST].add(events)
