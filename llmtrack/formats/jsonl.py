"""Events as JSON lines: what `llmtrack events export` writes, one object a line."""

from typing import NamedTuple

import msgspec

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.events import STATUSES
from llmtrack.domain.identifiers import event_uuid
from llmtrack.domain.money import usd_text
from llmtrack.domain.periods import rfc3339


class ExportedEvent(NamedTuple):
    """An event with its names in place of their numbers."""

    timestamp_ms: int
    id: int
    provider: str
    model: str
    operation: str | None
    feature: str
    environment: str
    customer_id: str | None
    key_prefix: str | None
    status: int
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    latency_ms: int | None
    cost_pico: int | None
    cost_status: int
    client_cost_pico: int | None
    response_id: str | None
    service: str | None
    source: str
    metadata: str | None
    """JSON text of an object."""


def event_line(event: ExportedEvent) -> bytes:
    """One line with its line feed. Unknown is null, and money is decimal text."""
    fields = {
        "id": event_uuid(event.timestamp_ms, event.id),
        "timestamp": rfc3339(event.timestamp_ms),
        "provider": event.provider,
        "model": event.model,
        "operation": event.operation,
        "feature": event.feature,
        "environment": event.environment,
        "customer_id": event.customer_id,
        "key_prefix": event.key_prefix,
        "status": STATUSES[event.status],
        "input_tokens": event.input_tokens,
        "output_tokens": event.output_tokens,
        "cache_read_tokens": event.cache_read_tokens,
        "cache_write_tokens": event.cache_write_tokens,
        "reasoning_tokens": event.reasoning_tokens,
        "latency_ms": event.latency_ms,
        "cost_usd": _usd(event.cost_pico),
        "cost_status": CostStatus(event.cost_status).label,
        "client_cost_usd": _usd(event.client_cost_pico),
        "response_id": event.response_id,
        "service": event.service,
        "source": event.source,
        "metadata": None if event.metadata is None else msgspec.Raw(event.metadata.encode()),
    }
    return msgspec.json.encode(fields) + b"\n"


def _usd(pico: int | None) -> str | None:
    return None if pico is None else usd_text(pico)
