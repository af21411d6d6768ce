"""The write path: what a batch leaves behind, and that the rollups are its exact sums."""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtrack.domain.latency import latency_step
from llmtrack.domain.money import join_pico
from llmtrack.domain.periods import QUARTER_MS, day_of
from llmtrack.domain.pricing import CostStatus
from llmtrack.domain.usage import Usage
from llmtrack.storage.database import connect_writer, migrate
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

    def __init__(self, path: Path) -> None:
        self.connection = connect_writer(path, create=True)
        migrate(self.connection)
        self.usage = UsageWriter()
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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "llmtrack.db")
    yield made
    made.connection.close()


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


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 25), min_size=1, max_size=6))
def test_rollups_are_the_sums_of_the_events(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sizes: list[int]
) -> None:
    rng = random.Random(seed)  # noqa: S311 - examples
    store = Store(tmp_path_factory.mktemp("rollups") / "llmtrack.db")

    for size in sizes:
        store.add(*(random_event(rng) for _ in range(size)))

    assert stored_rollups(store) == expected_rollups(store)
    store.connection.close()


def test_sums_over_ten_million_dollars_stay_exact(store: Store) -> None:
    cost = 9_000_000 * 10**12 + 1
    store.add(*(make_event(cost_pico=cost) for _ in range(3)))
    store.add(make_event(cost_pico=cost))

    [row] = store.rows("select cost_micro, cost_rest from usage_day where kind = 0")
    assert join_pico(*row) == 4 * cost


def test_a_known_idempotency_key_stores_nothing(store: Store) -> None:
    first, same = store.add(make_event(idempotency_key="a"), make_event(idempotency_key="a"))
    [later] = store.add(make_event(idempotency_key="a"))
    [other_workspace] = store.add(make_event(2, idempotency_key="a"))

    assert [first.duplicate, same.duplicate, later.duplicate] == [False, True, True]
    assert not other_workspace.duplicate
    assert store.one("select count(*) from event") == 2


def test_a_header_that_is_not_utf_8_is_a_key_like_any_other(store: Store) -> None:
    key = b"caf\xe9".decode(errors="surrogateescape")

    assert not store.add(make_event(idempotency_key=key))[0].duplicate
    assert store.add(make_event(idempotency_key=key))[0].duplicate


@pytest.mark.parametrize("apart", [True, False], ids=["two transactions", "one transaction"])
def test_two_reports_of_one_response_are_one_event(store: Store, *, apart: bool) -> None:
    sparse = make_event(
        response_id="r", usage=Usage(), cost_pico=None, cost_status=CostStatus.NO_USAGE,
        latency_ms=None, model="gpt-4o",
    )  # fmt: skip
    full = make_event(response_id="r", feature="chat", customer_id="c", timestamp_ms=NOW_MS + 5)

    if apart:
        [first], [second] = store.add(sparse), store.add(full)
    else:
        first, second = store.add(sparse, full)

    assert second.merged
    assert (second.event_id, second.timestamp_ms) == (first.event_id, NOW_MS)
    [event] = store.rows("select * from event")
    assert (event["input_tokens"], event["cost_pico"]) == (120, 66_000_000)
    assert event["latency_ms"] == 420
    model = store.one("select text from name where id = ?", event["model_id"])
    assert model == "gpt-4o-mini", "usage, model and cost come from one report"
    assert stored_rollups(store) == expected_rollups(store)
    assert store.one("select events from quota_month") == 1


def test_a_poorer_second_report_takes_nothing_away(store: Store) -> None:
    store.add(make_event(response_id="r", feature="chat"))
    store.add(make_event(response_id="r", usage=Usage(), cost_pico=None, status=1))

    [event] = store.rows("select input_tokens, cost_pico, status from event")
    assert tuple(event) == (120, 66_000_000, 0)


def test_the_same_response_id_in_two_workspaces_is_two_events(store: Store) -> None:
    outcomes = store.add(make_event(1, response_id="r"), make_event(2, response_id="r"))

    assert [outcome.merged for outcome in outcomes] == [False, False]


def test_what_a_failed_transaction_named_is_forgotten(store: Store) -> None:
    nowhere = make_event(workspace_id=999)
    with pytest.raises(TypeError):
        store.add(make_event(model="new"), nowhere)
    store.usage.forget()

    store.add(make_event(model="new"))

    assert store.one("select count(*) from event join name on name.id = model_id") == 1


def test_a_customers_latest_name_is_its_label(store: Store) -> None:
    store.add(make_event(customer_id="c", customer_name="Old"))
    store.add(make_event(customer_id="c", customer_name="New"), make_event(customer_id="c"))

    assert store.one("select label from name where text = 'c'") == "New"
