"""The event table's row: written, found, replaced, and completed by a second report."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from llmtrack.storage.many_rows import ManyRows


class EventRow(NamedTuple):
    """One row of `event`, in the table's order."""

    workspace_id: int
    timestamp_ms: int
    id: int
    arrival_delay_ms: int
    provider_id: int
    model_id: int
    feature_id: int
    environment_id: int
    key_id: int
    source_id: int
    customer_id: int | None
    operation_id: int | None
    service_id: int | None
    service_tier_id: int | None
    status: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    """Only where input or output is unknown: a later price may need no more than a total."""
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cache_write_1h_tokens: int | None
    reasoning_tokens: int | None
    input_audio_tokens: int | None
    output_audio_tokens: int | None
    web_searches: int | None
    usage_convention: int
    latency_ms: int | None
    ttft_ms: int | None
    cost_pico: int | None
    cost_status: int
    cost_flags: int
    rate_card_id: int | None
    client_cost_pico: int | None
    response_id: str | None
    metadata: str | None


COLUMNS = ", ".join(EventRow._fields)

# Columns without a value are not named: sqlite3 takes several times as long to bind a None as
# an int, because it looks for an adapter of its type, and half of an event is None.
_inserts = lru_cache(64)(
    lambda is_null: ManyRows(
        "event_rows.insert",
        "event",
        [name for name, null in zip(EventRow._fields, is_null, strict=True) if not null],
    )
)
FIND_EVENT = f"""
-- event_rows.find
select {COLUMNS} from event where workspace_id = ? and timestamp_ms = ? and id = ?
"""  # noqa: S608 - names of columns
DELETE_EVENT = """
-- event_rows.replace
delete from event where workspace_id = ? and timestamp_ms = ? and id = ?
"""

# What was used, of what, and what it cost belong together: a cost is always that of its
# own row's model and tokens.
_PRICED_TOGETHER = (
    "provider_id",
    "model_id",
    "service_tier_id",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
    "web_searches",
    "usage_convention",
    "cost_pico",
    "cost_status",
    "cost_flags",
    "rate_card_id",
)
_FILLED = (
    "customer_id",
    "operation_id",
    "service_id",
    "latency_ms",
    "ttft_ms",
    "client_cost_pico",
    "metadata",
)


def insert_events(connection: sqlite3.Connection, rows: Iterable[EventRow]) -> None:
    alike: dict[tuple[bool, ...], list[object]] = defaultdict(list)
    for row in rows:
        is_null = tuple([value is None for value in row])
        alike[is_null] += [value for value in row if value is not None]
    for is_null, values in alike.items():
        _inserts(is_null).insert_flat(connection, values)


def find_event(
    connection: sqlite3.Connection, workspace_id: int, timestamp_ms: int, event_id: int
) -> EventRow | None:
    row = connection.execute(FIND_EVENT, (workspace_id, timestamp_ms, event_id)).fetchone()
    return EventRow(*row) if row else None


def replace_event(connection: sqlite3.Connection, row: EventRow) -> None:
    connection.execute(DELETE_EVENT, (row.workspace_id, row.timestamp_ms, row.id))
    insert_events(connection, [row])


def completed(
    first: EventRow, second: EventRow, *, unknown_feature_id: int, default_environment_id: int
) -> EventRow:
    """The event that two reports of one call describe together.

    Identity, time, key and status are the first report's. The report that knows more token
    counts gives usage and cost, as a whole; gaps in the rest are filled from the second.
    """
    changes: dict[str, object] = {
        field: getattr(second, field) for field in _FILLED if getattr(first, field) is None
    }
    if first.feature_id == unknown_feature_id:
        changes["feature_id"] = second.feature_id
    if first.environment_id == default_environment_id:
        changes["environment_id"] = second.environment_id
    if _known_counts(second) > _known_counts(first):
        changes |= {field: getattr(second, field) for field in _PRICED_TOGETHER}
    return first._replace(**changes)  # type: ignore[arg-type]


def _known_counts(row: EventRow) -> int:
    counts = (
        row.input_tokens,
        row.output_tokens,
        row.total_tokens,
        row.cache_read_tokens,
        row.cache_write_tokens,
        row.reasoning_tokens,
    )
    return sum(count is not None for count in counts)
