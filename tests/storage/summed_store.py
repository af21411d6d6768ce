"""A real file with events in it, and what all sums of it must be."""

import random
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

from llmtrack.domain.latency import latency_step
from llmtrack.domain.periods import QUARTER_MS, day_of
from llmtrack.domain.pricing import CostStatus
from llmtrack.domain.usage import Usage
from llmtrack.storage.dimensions import (
    DAY_KINDS,
    LATENCY_DAY_KINDS,
    LATENCY_QUARTER_KINDS,
    MEASURES,
    PAIRS,
    QUARTER_KINDS,
    Kind,
    pair_code,
)
from llmtrack.storage.migrating import migrate
from llmtrack.storage.opening import connect_writer
from llmtrack.storage.pending_sums import PendingSums
from llmtrack.storage.priced_events import PricedEvent
from llmtrack.storage.usage import Outcome, UsageWriter
from llmtrack.storage.writer import transaction
from tests.events import NOW_MS, make_event

ZONES = {1: "Asia/Kathmandu", 2: "UTC"}
COLUMN_OF_KIND = {
    Kind.PROVIDER: "provider_id",
    Kind.MODEL: "model_id",
    Kind.FEATURE: "feature_id",
    Kind.KEY: "key_id",
    Kind.ENVIRONMENT: "environment_id",
    Kind.STATUS: "status",
    Kind.SOURCE: "source_id",
    Kind.CUSTOMER: "customer_id",
}


class Store:
    """A real file and the writer on it."""

    def __init__(self, path: Path, pending: PendingSums | None = None) -> None:
        self.connection = connect_writer(path, create=True)
        migrate(self.connection)
        self.usage = UsageWriter(pending)
        for workspace_id, zone in ZONES.items():
            self.connection.execute(
                "insert into workspace (id, public_id, name, time_zone, created_ms)"
                " values (?, ?, 'w', ?, 0)",
                (workspace_id, f"wsp_{workspace_id}", zone),
            )

    def add(self, *events: PricedEvent) -> list[Outcome]:
        with transaction(self.connection):
            return self.usage.add(self.connection, events, 0)

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        return self.connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: object) -> Any:
        return self.connection.execute(sql, values).fetchone()[0]


def value_of(event: sqlite3.Row, kind: Kind) -> int | None:
    return 0 if kind is Kind.TOTAL else event[COLUMN_OF_KIND[kind]]


def _two(event: sqlite3.Row, a: Kind, b: Kind) -> tuple[int | None, int | None]:
    return value_of(event, a), value_of(event, b)


def measures_of(event: sqlite3.Row) -> Counter[str]:
    pico, status = event["cost_pico"] or 0, event["cost_status"]
    return Counter(
        events=1,
        errors=event["status"] == 1,
        timeouts=event["status"] == 2,
        cancelled=event["status"] == 3,
        input_tokens=event["input_tokens"] or 0,
        cache_read_tokens=event["cache_read_tokens"] or 0,
        cache_write_tokens=event["cache_write_tokens"] or 0,
        output_tokens=event["output_tokens"] or 0,
        reasoning_tokens=event["reasoning_tokens"] or 0,
        cost_micro=pico // 10**6,
        cost_rest=pico % 10**6,
        unpriced_events=status == CostStatus.UNPRICED,
        partial_events=status == CostStatus.PARTIAL,
        unknown_usage_events=status in (3, 4, 5),
    )


def expected_rollups(store: Store) -> dict[tuple[Any, ...], Counter[str]]:
    """All rollups added up from the events, one event at a time."""
    sums: dict[tuple[Any, ...], Counter[str]] = {}
    for event in store.rows("select * from event"):
        workspace_id, at_ms = event["workspace_id"], event["timestamp_ms"]
        quarter, day = at_ms // QUARTER_MS, day_of(at_ms, ZONES[workspace_id])
        keys: list[tuple[Any, ...]] = [
            ("usage_quarter", workspace_id, kind, quarter, value_of(event, kind))
            for kind in QUARTER_KINDS
        ]
        keys += [("usage_day", workspace_id, k, day, value_of(event, k)) for k in DAY_KINDS]
        keys += [
            ("usage_pair_day", workspace_id, pair_code(a, b), day, *_two(event, a, b))
            for a, b in PAIRS
        ]
        for key in keys:
            if None not in key:
                sums.setdefault(key, Counter()).update(measures_of(event))
        if event["latency_ms"] is not None:
            step = latency_step(event["latency_ms"])
            for table, kinds, bucket in (
                ("latency_quarter", LATENCY_QUARTER_KINDS, quarter),
                ("latency_day", LATENCY_DAY_KINDS, day),
            ):
                for kind in kinds:
                    key = (table, workspace_id, kind, bucket, value_of(event, kind), step)
                    sums.setdefault(key, Counter()).update(events=1)
    return {key: +counts for key, counts in sums.items()}


def stored_rollups(store: Store) -> dict[tuple[Any, ...], Counter[str]]:
    found = {}
    for table in ("usage_quarter", "usage_day", "usage_pair_day", "latency_quarter", "latency_day"):
        for row in store.rows(f"select * from {table}"):  # noqa: S608 - from the list above
            names = [name for name in row.keys() if name not in MEASURES]  # noqa: SIM118
            counts = +Counter({name: row[name] for name in row.keys() if name in MEASURES})  # noqa: SIM118
            if counts:
                found[table, *(row[name] for name in names)] = counts
    return found


def random_event(rng: random.Random) -> PricedEvent:
    return make_event(
        rng.choice([1, 2]),
        key_id=rng.randrange(3),
        source=rng.choice(["api", "web"]),
        usage=Usage(
            input_tokens=rng.choice([None, rng.randrange(10**6)]),
            output_tokens=rng.choice([None, rng.randrange(10**4)]),
            cache_read_tokens=rng.choice([None, 7]),
            reasoning_tokens=rng.choice([None, 3]),
        ),
        cost_pico=rng.choice([None, 0, rng.randrange(10**15)]),
        cost_status=rng.choice(list(CostStatus)),
        provider=rng.choice("pq"),
        model=rng.choice("xyz"),
        feature=rng.choice(["unknown", "chat"]),
        environment=rng.choice(["production", "staging"]),
        customer_id=rng.choice([None, "c1", "c2"]),
        status=rng.randrange(4),
        latency_ms=rng.choice([None, rng.randrange(10**5)]),
        timestamp_ms=NOW_MS - rng.randrange(3 * 86_400_000),
        response_id=rng.choice([None, None, f"r{rng.randrange(6)}"]),
        idempotency_key=rng.choice([None, f"k{rng.randrange(40)}"]),
    )
