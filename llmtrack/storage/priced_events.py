"""An event ready to be stored, and the row that it becomes."""

import sqlite3

import msgspec

from llmtrack.domain.costs import Cost
from llmtrack.domain.events import UsageEvent
from llmtrack.domain.usage import Usage
from llmtrack.storage.catalog import Catalog, EventNames
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.event_rows import EventRow


class PricedEvent(msgspec.Struct, frozen=True, gc=False):
    """Whose event, what, and what it costs."""

    workspace_id: int
    key_id: int
    source: str
    event: UsageEvent
    usage: Usage
    cost: Cost


def event_row(
    connection: sqlite3.Connection, catalog: Catalog, item: PricedEvent, event_id: int
) -> EventRow:
    """The row, under a new id; names that are new are stored on the way."""
    event, cost = item.event, item.cost
    names = _names(connection, catalog, item)
    # By place: thirty-five keywords would take longer than all the rest of this.
    return EventRow(
        item.workspace_id,
        event.timestamp_ms,
        event_id,
        event.received_ms - event.timestamp_ms,
        names.provider_id,
        names.model_id,
        names.feature_id,
        names.environment_id,
        item.key_id,
        names.source_id,
        _customer_id(connection, catalog, item),
        names.operation_id,
        names.service_id,
        names.service_tier_id,
        event.status,
        *_counts(item.usage),
        event.latency_ms,
        event.ttft_ms,
        cost.cost_pico,
        int(cost.status),  # plain ints are bound at once, enums by way of an adapter
        cost.flags,
        catalog.rate_card_id(connection, cost.rate_card),
        event.client_cost_pico,
        event.response_id,
        event.metadata,
    )


def _names(connection: sqlite3.Connection, catalog: Catalog, item: PricedEvent) -> EventNames:
    event = item.event
    texts = (
        event.provider,
        event.model,
        event.feature,
        event.environment,
        item.source,
        event.operation,
        event.service,
        event.service_tier,
    )
    return catalog.event_names(connection, item.workspace_id, texts)


_Count = int | None
_Counts = tuple[_Count, _Count, _Count, _Count, _Count, _Count, _Count, _Count, _Count, _Count, int]


def _counts(usage: Usage) -> _Counts:
    """The row's columns from `input_tokens` to `usage_convention`."""
    total = None
    if usage.input_tokens is None or usage.output_tokens is None:
        total = usage.total_tokens
    return (
        usage.input_tokens,
        usage.output_tokens,
        total,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.reasoning_tokens,
        usage.input_audio_tokens,
        usage.output_audio_tokens,
        usage.web_searches,
        int(usage.convention),
    )


def _customer_id(connection: sqlite3.Connection, catalog: Catalog, item: PricedEvent) -> int | None:
    event, names = item.event, catalog.names
    if event.customer_id is None:
        return None
    customer_id = names.id_of(connection, item.workspace_id, Kind.CUSTOMER, event.customer_id)
    if event.customer_name:
        names.set_label(connection, item.workspace_id, customer_id, event.customer_name)
    return customer_id
