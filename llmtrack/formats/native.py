"""The hosted contract's body of `POST /api/ingest`: bytes in, `UsageEvent` out.

Every rule and its order is CONTRACT's table of body fields; the first offending field in
that order is the one that an error names.
"""

import re
from decimal import Decimal
from typing import Any

import msgspec

from llmtrack.domain.errors import InvalidEvent
from llmtrack.domain.events import (
    DEFAULT_ENVIRONMENT,
    STATUS_CODES,
    UNKNOWN_FEATURE,
    UsageEvent,
)
from llmtrack.domain.money import PICO_MAX, pico_from_usd
from llmtrack.domain.periods import parse_instant
from llmtrack.domain.usage import ReportedUsage
from llmtrack.formats.json_body import decode_json
from llmtrack.formats.scrubbing import scrub

TEXT_CHARS_MAX = 200
ENVIRONMENT_CHARS_MAX = 100
RESPONSE_ID_CHARS_MAX = 256
METADATA_BYTES_MAX = 8192
AHEAD_MS_MAX = 10 * 60_000
COUNT_MAX = 2**53 - 1
"""The largest integer that every JSON implementation keeps exactly (RFC 8259, section 6)."""

KNOWN_FIELDS = frozenset(
    [
        "provider",
        "model",
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "reasoning_tokens",
        "cached_input_tokens",
        "cache_write_tokens",
        "input_audio_tokens",
        "output_audio_tokens",
        "cache_write_1h_tokens",
        "web_searches",
        "cache_accounting",
        "latency_ms",
        "status",
        "feature",
        "customer_id",
        "customer_name",
        "environment",
        "metadata",
        "response_id",
        "timestamp",
        "service_tier",
        "operation",
        "ttft_ms",
    ]
)
_ACCOUNTINGS = ("inclusive", "exclusive")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse_event(body: bytes, received_ms: int, *, keeps_content: bool = False) -> UsageEvent:
    """One event from a request body. Raises InvalidEvent with the wire name of the field."""
    return event_of(decode_json(body), received_ms, keeps_content=keeps_content)


def parse_item(body: bytes, received_ms: int, *, keeps_content: bool = False) -> UsageEvent:
    """One event of a batch, which may carry its `idempotency_key`. Raises InvalidEvent."""
    document = decode_json(body)
    key = document.pop("idempotency_key", None) if type(document) is dict else None
    event = event_of(document, received_ms, keeps_content=keeps_content)
    if key is not None and (type(key) is not str or not key):
        raise InvalidEvent("idempotency_key", "idempotency_key must be a non-empty string")
    event.idempotency_key = key
    return event


def event_of(document: Any, received_ms: int, *, keeps_content: bool = False) -> UsageEvent:
    """One event from a decoded JSON value. Raises InvalidEvent."""
    if type(document) is not dict:
        raise InvalidEvent("body", "the body must be a JSON object")
    warnings: list[str] = []
    provider = _required(document, "provider")
    model = _required(document, "model")
    usage = _reported_usage(document, provider)
    latency_ms = _count(document, "latency_ms")
    status = _status(document)
    feature = _text(document, "feature")
    customer_id = _text(document, "customer_id")
    customer_name = _text(document, "customer_name")
    environment = _text(document, "environment", ENVIRONMENT_CHARS_MAX)
    tags, metadata, scrubbed = _metadata(document, warnings, keeps_content=keeps_content)
    if customer_name and not customer_id:
        warnings.append("customer_name came without customer_id: filed under the name")
        customer_id = customer_name
    if not document.keys() <= KNOWN_FIELDS:
        _warn_of_unknown(document, warnings)
    return UsageEvent(
        provider=provider,
        model=model,
        reported=usage,
        latency_ms=latency_ms,
        status=status,
        feature=feature or _tag(tags, "feature", warnings) or UNKNOWN_FEATURE,
        customer_id=customer_id,
        customer_name=customer_name,
        environment=environment or DEFAULT_ENVIRONMENT,
        metadata=metadata,
        response_id=_response_id(document),
        timestamp_ms=timestamp_of(document, received_ms),
        received_ms=received_ms,
        service_tier=_service_tier(document, tags, warnings),
        operation=_text(document, "operation"),
        ttft_ms=_count(document, "ttft_ms"),
        client_cost_pico=_client_cost(document, warnings),
        scrubbed=scrubbed,
        warnings=warnings,
    )


def _required(document: dict[str, Any], field: str) -> str:
    value = document.get(field)
    if type(value) is not str:
        raise InvalidEvent(field, f"{field} is required and must be a string")
    value = value.strip()
    if not 1 <= len(value) <= TEXT_CHARS_MAX:
        raise InvalidEvent(field, f"{field} must have 1 to {TEXT_CHARS_MAX} characters")
    return value


def _text(document: dict[str, Any], field: str, chars_max: int = TEXT_CHARS_MAX) -> str | None:
    """Trimmed text; missing, null and empty are all None."""
    value = document.get(field)
    if value is None:
        return None
    if type(value) is not str:
        raise InvalidEvent(field, f"{field} must be a string")
    value = value.strip()
    if len(value) > chars_max:
        raise InvalidEvent(field, f"{field} must have at most {chars_max} characters")
    return value or None


def _count(document: dict[str, Any], field: str) -> int | None:
    value = document.get(field)
    if value is None:
        return None
    # `type is`, because True and False are ints to isinstance.
    if type(value) is not int or not 0 <= value <= COUNT_MAX:
        raise InvalidEvent(field, f"{field} must be an integer from 0 to {COUNT_MAX}")
    return value


def _reported_usage(document: dict[str, Any], provider: str) -> ReportedUsage:
    usage = ReportedUsage(
        provider=provider,
        input_tokens=_count(document, "prompt_tokens"),
        output_tokens=_count(document, "completion_tokens"),
        total_tokens=_count(document, "total_tokens"),
        reasoning_tokens=_count(document, "reasoning_tokens"),
        cache_read_tokens=_count(document, "cached_input_tokens"),
        cache_write_tokens=_count(document, "cache_write_tokens"),
        input_audio_tokens=_count(document, "input_audio_tokens"),
        output_audio_tokens=_count(document, "output_audio_tokens"),
        cache_write_1h_tokens=_count(document, "cache_write_1h_tokens"),
        web_searches=_count(document, "web_searches"),
        cache_accounting=document.get("cache_accounting"),
    )
    if usage.cache_accounting is not None and usage.cache_accounting not in _ACCOUNTINGS:
        raise InvalidEvent("cache_accounting", "cache_accounting must be inclusive or exclusive")
    return usage


def _status(document: dict[str, Any]) -> int:
    value = document.get("status")
    if value is None or value == "":
        return 0
    code = STATUS_CODES.get(value) if type(value) is str else None
    if code is None:
        raise InvalidEvent("status", f"status must be one of {', '.join(STATUS_CODES)}")
    return code


def _metadata(
    document: dict[str, Any], warnings: list[str], *, keeps_content: bool
) -> tuple[dict[str, Any], str | None, tuple[int, int]]:
    """The members that are kept, the same as compact JSON text, and `UsageEvent.scrubbed`."""
    value = document.get("metadata")
    if value is None:
        return {}, None, (0, 0)
    if type(value) is not dict:
        raise InvalidEvent("metadata", "metadata must be an object")
    try:
        compact = msgspec.json.encode(value)
    except (OverflowError, RecursionError, msgspec.MsgspecError):
        raise InvalidEvent(
            "metadata", "metadata has a number too large or too deep a nesting"
        ) from None
    if len(compact) > METADATA_BYTES_MAX:
        raise InvalidEvent(
            "metadata",
            f"metadata is {len(compact)} bytes as compact JSON, over {METADATA_BYTES_MAX}",
        )
    text = compact.decode()
    scrubbed = scrub(value, text) if value and not keeps_content else None
    if scrubbed is None:
        return value, text if value else None, (0, 0)
    warnings.extend(scrubbed.warnings)
    value = scrubbed.metadata
    kept = msgspec.json.encode(value).decode() if value else None
    return value, kept, (len(scrubbed.dropped), len(scrubbed.masked))


def _response_id(document: dict[str, Any]) -> str | None:
    value = document.get("response_id")
    if value is None:
        return None
    if type(value) is not str or not 1 <= len(value) <= RESPONSE_ID_CHARS_MAX:
        raise InvalidEvent(
            "response_id",
            f"response_id must be a string of 1 to {RESPONSE_ID_CHARS_MAX} characters",
        )
    return value


def timestamp_of(document: dict[str, Any], received_ms: int) -> int:
    value = document.get("timestamp")
    if value is None:
        return received_ms
    timestamp_ms = value
    if type(value) is str:
        try:
            timestamp_ms = parse_instant(value.upper()) if _RFC3339.fullmatch(value) else None
        except (ValueError, OverflowError):
            timestamp_ms = None
    if type(timestamp_ms) is not int or timestamp_ms < 0:
        raise InvalidEvent(
            "timestamp", "timestamp must be RFC 3339 text with an offset or epoch milliseconds"
        )
    if timestamp_ms > received_ms + AHEAD_MS_MAX:
        raise InvalidEvent("timestamp", "timestamp is more than 10 minutes in the future")
    return timestamp_ms


def _service_tier(
    document: dict[str, Any], tags: dict[str, Any], warnings: list[str]
) -> str | None:
    if tier := _text(document, "service_tier"):
        return tier
    if not tags:
        return None
    if tier := _tag(tags, "service_tier", warnings):
        return tier
    return "batch" if tags.get("processing") == "batch" else None


def _tag(tags: dict[str, Any], name: str, warnings: list[str]) -> str | None:
    """A metadata value that stands in for a missing field: a string, else as if absent."""
    value = tags.get(name)
    if type(value) is not str:
        return None
    value = value.strip()
    if len(value) > TEXT_CHARS_MAX:
        warnings.append(f"metadata.{name} is over {TEXT_CHARS_MAX} characters: ignored")
        return None
    return value or None


def _client_cost(document: dict[str, Any], warnings: list[str]) -> int | None:
    """The sender's own figure, kept beside ours. Decimal of repr: what the text said."""
    value = document.get("cost")
    if value is None:
        return None
    if type(value) in {int, float}:
        pico = pico_from_usd(Decimal(repr(value)))
        if 0 <= pico <= PICO_MAX:
            return pico
    warnings.append("cost is no amount in USD: ignored")
    return None


def _warn_of_unknown(document: dict[str, Any], warnings: list[str]) -> None:
    unknown = sorted(document.keys() - KNOWN_FIELDS - {"cost"})
    if unknown:
        shown = ", ".join(name[:40] for name in unknown[:10])
        warnings.append(f"unknown properties ignored: {shown}")
    if document.get("cost") is not None:
        warnings.append("cost is kept beside the computed cost, never instead of it")
