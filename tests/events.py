"""Events for tests of everything below the HTTP surface."""

from typing import Any

from llmtrack.domain.events import UsageEvent
from llmtrack.domain.pricing import Cost, CostStatus
from llmtrack.domain.usage import ReportedUsage, Usage
from llmtrack.storage.priced_events import PricedEvent

NOW_MS = 1_764_000_000_000  # 2025-11-24T16:00:00Z


def make_event(
    workspace_id: int = 1,
    *,
    key_id: int = 1,
    source: str = "api",
    usage: Usage | None = None,
    cost_pico: int | None = 66_000_000,
    cost_status: CostStatus = CostStatus.PRICED,
    **fields: Any,
) -> PricedEvent:
    """A priced event: 120 tokens in, 80 out, whatever `fields` of UsageEvent say otherwise."""
    values: dict[str, Any] = {
        "provider": "openai",
        "model": "gpt-4o-mini",
        "timestamp_ms": NOW_MS,
        "received_ms": NOW_MS,
        "reported": ReportedUsage(provider="openai"),
        "latency_ms": 420,
        **fields,
    }
    return PricedEvent(
        workspace_id,
        key_id,
        source,
        UsageEvent(**values),
        usage or Usage(input_tokens=120, output_tokens=80),
        Cost(cost_pico=cost_pico, status=cost_status, flags=0, rate_card=None),
    )
