"""A usage event: one call of a model, in our own names, whatever format it came in."""

import msgspec

from llmtrack.domain.usage import ReportedUsage

STATUSES = ("success", "error", "timeout", "cancelled")
"""An event's status is stored as its place here."""
STATUS_CODES = {status: code for code, status in enumerate(STATUSES)}

UNKNOWN_FEATURE = "unknown"
DEFAULT_ENVIRONMENT = "production"


class UsageEvent(msgspec.Struct, kw_only=True, gc=False):
    """What a sender told us of one call. None = not told; times are epoch milliseconds."""

    provider: str
    model: str
    timestamp_ms: int
    received_ms: int
    reported: ReportedUsage
    status: int = 0
    feature: str = UNKNOWN_FEATURE
    environment: str = DEFAULT_ENVIRONMENT
    customer_id: str | None = None
    customer_name: str | None = None
    operation: str | None = None
    service: str | None = None
    service_tier: str | None = None
    latency_ms: int | None = None
    ttft_ms: int | None = None
    response_id: str | None = None
    metadata: str | None = None
    """Compact JSON text of an object."""
    client_cost_pico: int | None = None
    idempotency_key: str | None = None
    scrubbed: tuple[int, int] = (0, 0)
    """Members of metadata dropped as content, and values masked as secrets."""
    warnings: list[str] = []
