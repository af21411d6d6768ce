"""A workspace full of random events, stored as the write path stores them."""

import random
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.roles import Role
from llmtrack.storage.counting import Counting, DayZone
from llmtrack.storage.database import Database
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.event_rows import EventRow, insert_events
from llmtrack.storage.names import NameCache
from llmtrack.storage.rollups import Rollups
from llmtrack.storage.scope import Scope

WORKSPACE_ID = 1
OTHER_WORKSPACE_ID = 2
NAMES = {
    Kind.PROVIDER: ("openai", "anthropic", "google"),
    Kind.MODEL: ("gpt-5", "gpt-4o-mini", "sonnet", "flash", "llama", "o3", "own-model"),
    Kind.FEATURE: ("chat", "search", "unknown"),
    Kind.ENVIRONMENT: ("production", "staging"),
    Kind.SOURCE: ("api", "otlp"),
    Kind.CUSTOMER: ("acme", "globex", "initech"),
}
KEYS = {1: "backend", 2: "worker"}

Ids = dict[tuple[Kind, str], int]


def repeatable(seed: object) -> random.Random:
    return random.Random(str(seed))  # noqa: S311 - nothing secret, the same in every run


def add_workspace(connection: sqlite3.Connection, workspace_id: int, time_zone: str) -> Ids:
    """A workspace with two keys and all of NAMES; what number each name has."""
    connection.execute(
        "insert into workspace (id, public_id, name, time_zone, created_ms) values (?, ?, ?, ?, 0)",
        (workspace_id, f"wsp_{workspace_id}", f"W{workspace_id}", time_zone),
    )
    connection.executemany(
        "insert into api_key (workspace_id, id, public_id, name, prefix, created_ms)"
        " values (?, ?, ?, ?, 'llmt_abc', 0)",
        [(workspace_id, key_id, f"key_{name}", name) for key_id, name in KEYS.items()],
    )
    names = NameCache()
    return {
        (kind, text): names.id_of(connection, workspace_id, kind, text)
        for kind, texts in NAMES.items()
        for text in texts
    }


def add_rows(connection: sqlite3.Connection, rows: Sequence[EventRow], time_zone: str) -> None:
    insert_events(connection, rows)
    rollups = Rollups(lambda _: Counting(DayZone(time_zone)))
    for row in rows:
        rollups.add(row)
    rollups.write(connection)


UNSAID = (
    *("operation_id", "service_id", "service_tier_id", "total_tokens", "cache_write_tokens"),
    *("cache_write_1h_tokens", "input_audio_tokens", "output_audio_tokens", "web_searches"),
    *("ttft_ms", "rate_card_id", "client_cost_pico", "response_id", "metadata"),
)


def random_row(source: random.Random, ids: Ids, workspace_id: int, timestamp_ms: int) -> EventRow:
    def one_of(kind: Kind) -> int:
        return ids[kind, source.choice(NAMES[kind])]

    status = source.choice([CostStatus.PRICED] * 6 + [CostStatus.PARTIAL, CostStatus.UNPRICED])
    cost = None if status is CostStatus.UNPRICED else source.randrange(10**15)
    return EventRow(
        workspace_id=workspace_id,
        timestamp_ms=timestamp_ms,
        id=source.getrandbits(60),
        arrival_delay_ms=0,
        provider_id=one_of(Kind.PROVIDER),
        model_id=one_of(Kind.MODEL),
        feature_id=one_of(Kind.FEATURE),
        environment_id=one_of(Kind.ENVIRONMENT),
        key_id=source.choice(list(KEYS)),
        source_id=one_of(Kind.SOURCE),
        customer_id=source.choice([None, one_of(Kind.CUSTOMER)]),
        **dict.fromkeys(UNSAID),
        status=source.choice([0, 0, 0, 0, 1, 2, 3]),
        input_tokens=source.choice([None, source.randrange(10**6)]),
        output_tokens=source.randrange(10**5),
        cache_read_tokens=source.choice([None, source.randrange(100)]),
        reasoning_tokens=source.choice([None, 7]),
        usage_convention=0,
        latency_ms=source.choice([None, source.randrange(60_000)]),
        cost_pico=cost,
        cost_status=status,
        cost_flags=0,
    )


class Seeded:
    """An open database with events of two workspaces, and what was put into the first."""

    def __init__(self, database: Database, time_zone: str) -> None:
        self.database = database
        self.time_zone = time_zone
        self.rows: list[EventRow] = []
        self.ids: Ids = {}
        self.scope = Scope(
            database,
            workspace_id=WORKSPACE_ID,
            public_id="wsp_1",
            name="W1",
            time_zone=time_zone,
            role=Role.VIEWER,
        )

    def fill(self, connection: sqlite3.Connection, start_ms: int, end_ms: int, count: int) -> None:
        source = repeatable(f"{self.time_zone} {start_ms}")
        for workspace_id in (WORKSPACE_ID, OTHER_WORKSPACE_ID):
            ids = add_workspace(connection, workspace_id, self.time_zone)
            rows = [
                random_row(source, ids, workspace_id, source.randrange(start_ms, end_ms))
                for _ in range(count)
            ]
            add_rows(connection, rows, self.time_zone)
            if workspace_id == WORKSPACE_ID:
                self.rows, self.ids = rows, ids


@asynccontextmanager
async def seeded(
    path: Path, time_zone: str, start_ms: int, end_ms: int, count: int
) -> AsyncIterator[Seeded]:
    database = await Database.open(path, create=True)
    try:
        store = Seeded(database, time_zone)
        await database.write(store.fill, start_ms, end_ms, count)
        yield store
    finally:
        await database.close()
