"""A workspace whose events have tags, and what the sums by them must be."""

import json
import random
from collections import Counter
from typing import Any

import msgspec

from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.spans import Span
from llmtrack.services.inspection import recounted
from llmtrack.storage.audit import Actor
from llmtrack.storage.counting import Countings
from llmtrack.storage.dimensions import Dimension, Kind
from llmtrack.storage.event_rows import DELETE_EVENT, EventRow, insert_events
from llmtrack.storage.labels import labels_of, value_of
from llmtrack.storage.questions import Question
from llmtrack.storage.reports import usage_by_value
from llmtrack.storage.rollups import Rollups
from llmtrack.storage.scope import Scope
from llmtrack.storage.tracked_tags import tags_of, track_tag
from tests.storage.seeded import Seeded, repeatable

OPERATOR = Actor(None, "a test")
START_MS = 1_793_000_000_000 // DAY_MS * DAY_MS
END_MS = START_MS + 4 * DAY_MS
SPAN = Span(START_MS - DAY_MS, END_MS + DAY_MS)
ZONE = "Europe/Berlin"
TEAMS = ["search", "ads", "a b", "élan", 7, 1.5, True, "", None, ["x"], {"y": 1}, "nul\0l"]
TIERS = ["gold", "free"]


def metadata_of(source: random.Random) -> str | None:
    members: dict[str, Any] = {"other": 1}
    if source.random() < 0.8:
        members["team"] = source.choice(TEAMS)
    if source.random() < 0.5:
        members["tier"] = source.choice(TIERS)
    return source.choice([None, *[msgspec.json.encode(members).decode()] * 5])


async def tag_all(store: Seeded) -> None:
    """Give the events that are there metadata, before anything is tracked."""
    source = repeatable("tags")
    store.rows = [row._replace(metadata=metadata_of(source)) for row in store.rows]
    await store.database.write(set_metadata, store.rows)


def set_metadata(connection: Any, rows: list[EventRow]) -> None:
    connection.executemany(
        "update event set metadata = ? where workspace_id = ? and timestamp_ms = ? and id = ?",
        [(row.metadata, *row[:3]) for row in rows],
    )


async def track(store: Seeded, *keys: str) -> None:
    for key in keys:
        await store.scope.write(track_tag, key=key, actor=OPERATOR, now_ms=END_MS)


def told(row: EventRow, kind: Dimension | str) -> Any:
    """What an event has of a dimension, in plain Python; a tag's value is its text."""
    if isinstance(kind, str):
        value = json.loads(row.metadata or "{}").get(kind)
        if isinstance(value, str):
            return "other values" if "\0" in value else value or None
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, int | float) else None
    return {
        Kind.TOTAL: 0,
        Kind.PROVIDER: row.provider_id,
        Kind.MODEL: row.model_id,
        Kind.FEATURE: row.feature_id,
        Kind.KEY: row.key_id,
        Kind.ENVIRONMENT: row.environment_id,
        Kind.STATUS: row.status,
        Kind.SOURCE: row.source_id,
        Kind.CUSTOMER: row.customer_id,
    }[Kind(kind)]


def expected(
    rows: list[EventRow], by: Dimension | str, where: dict[Any, Any] | None = None
) -> dict[Any, tuple[int, int]]:
    """Events and cost by value, one event at a time."""
    counts: Counter[Any] = Counter()
    costs: Counter[Any] = Counter()
    for row in rows:
        if SPAN.start_ms <= row.timestamp_ms < SPAN.end_ms and all(
            told(row, kind) == value for kind, value in (where or {}).items()
        ):
            counts[told(row, by)] += 1
            costs[told(row, by)] += row.cost_pico or 0
    return {value: (counts[value], costs[value]) for value in counts}


async def found(
    scope: Scope, by: Dimension | str, where: dict[Any, Any] | None = None
) -> dict[Any, tuple[int, int]]:
    async with scope.reading() as reading:
        tags = {tag.key: tag for tag in await tags_of(reading)}
        filters: dict[Dimension, int] = {}
        for name, value in (where or {}).items():
            kind: Dimension = tags[name] if isinstance(name, str) else name
            number = await value_of(reading, kind, value) if isinstance(name, str) else value
            assert number is not None
            filters[kind] = number
        kind = tags[by] if isinstance(by, str) else by
        values = await usage_by_value(reading, Question(kind, SPAN, scope.time_zone, filters))
        labels = await labels_of(reading, kind, [value for value in values if value is not None])
    named = {
        (labels[value].text if isinstance(by, str) and value is not None else value): sums
        for value, sums in values.items()
    }
    return {value: (sums.events, sums.cost_pico) for value, sums in named.items() if sums.events}


QUESTIONS: list[tuple[Dimension | str, dict[Any, Any]]] = [
    ("team", {}),
    ("tier", {}),
    (Kind.TOTAL, {"team": "search"}),
    (Kind.MODEL, {"team": "search"}),
    (Kind.CUSTOMER, {"team": "ads"}),
    ("team", {Kind.STATUS: 0}),
    ("team", {Kind.KEY: 1}),
    ("team", {"tier": "gold"}),
    ("tier", {"team": "ads"}),
    (Kind.FEATURE, {"team": "7", "tier": "gold"}),
]


async def assert_right(store: Seeded, scope: Scope | None = None) -> None:
    scope = scope or store.scope
    for by, where in QUESTIONS:
        if by in {"team", "tier"} or where.keys() & {"team", "tier"}:
            assert await found(scope, by, where) == expected(store.rows, by, where), (by, where)
    assert (await recounted(scope)).found == []


def change_events(connection: Any, rows: list[EventRow], gone: list[EventRow]) -> None:
    """What a batch, a second report, a new price or a deletion does to events and sums."""
    rollups = Rollups(Countings(connection).of)
    for row in gone:
        connection.execute(DELETE_EVENT, row[:3])
        rollups.remove(row)
    insert_events(connection, rows)
    for row in rows:
        rollups.add(row)
    rollups.write(connection)
