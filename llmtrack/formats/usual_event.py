"""The quick way to read an event of the usual shape; `native` is the rule for all others.

What passes here has only known fields of the right type and length, none twice, and no text
that needs a second look. Anything else is left to `native`, which knows every rule and names
the offending field. `tests/formats/test_usual_event.py` holds the two against each other.
"""

from typing import Annotated, Any, Literal

import msgspec

from llmtrack.domain.errors import InvalidEvent
from llmtrack.domain.events import (
    DEFAULT_ENVIRONMENT,
    STATUS_CODES,
    UNKNOWN_FEATURE,
    UsageEvent,
)
from llmtrack.domain.usage import ReportedUsage
from llmtrack.formats import native
from llmtrack.formats.json_body import count_members
from llmtrack.formats.native import (
    COUNT_MAX,
    ENVIRONMENT_CHARS_MAX,
    METADATA_BYTES_MAX,
    RESPONSE_ID_CHARS_MAX,
    TEXT_CHARS_MAX,
)
from llmtrack.formats.scrubbing import scrub

_Count = Annotated[int, msgspec.Meta(ge=0, le=COUNT_MAX)] | None
_Text = Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)] | None
_Required = Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)]
_Environment = Annotated[str, msgspec.Meta(max_length=ENVIRONMENT_CHARS_MAX)] | None
_ResponseId = Annotated[str, msgspec.Meta(min_length=1, max_length=RESPONSE_ID_CHARS_MAX)] | None


class _Wire(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The fields of CONTRACT's table, without those that need more than a type."""

    provider: _Required
    model: _Required
    prompt_tokens: _Count = None
    completion_tokens: _Count = None
    total_tokens: _Count = None
    reasoning_tokens: _Count = None
    cached_input_tokens: _Count = None
    cache_write_tokens: _Count = None
    input_audio_tokens: _Count = None
    output_audio_tokens: _Count = None
    cache_accounting: Literal["inclusive", "exclusive"] | None = None
    latency_ms: _Count = None
    status: Literal["success", "error", "timeout", "cancelled"] | None = None
    feature: _Text = None
    customer_id: _Text = None
    customer_name: _Text = None
    environment: _Environment = None
    metadata: dict[str, Any] | None = None
    response_id: _ResponseId = None
    timestamp: str | int | None = None
    ttft_ms: _Count = None


class _Item(_Wire):
    """The same in a batch."""

    idempotency_key: Annotated[str, msgspec.Meta(min_length=1)] | None = None


_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()
# What of the metadata stands in for a field, or may.
_TAGS = frozenset({"feature", "service_tier", "processing"})


def parse_event(body: bytes, received_ms: int, *, keeps_content: bool = False) -> UsageEvent:
    """One event from a request body. Raises InvalidEvent with the wire name of the field."""
    return usual_event(body, received_ms, keeps_content=keeps_content) or native.parse_event(
        body, received_ms, keeps_content=keeps_content
    )


def parse_item(body: bytes, received_ms: int, *, keeps_content: bool = False) -> UsageEvent:
    """One event of a batch, which may carry its `idempotency_key`. Raises InvalidEvent."""
    return _usual_event(body, received_ms, _Item, keeps_content) or native.parse_item(
        body, received_ms, keeps_content=keeps_content
    )


def usual_event(body: bytes, received_ms: int, *, keeps_content: bool) -> UsageEvent | None:
    """The event, or None if `parse_event` has to look at it more closely."""
    return _usual_event(body, received_ms, _Wire, keeps_content)


def _usual_event(
    body: bytes, received_ms: int, shape: type[_Wire], keeps_content: bool
) -> UsageEvent | None:
    """The event, or None if `native` has to look at it."""
    if b"\\u" in body or not body.isascii():
        return None
    try:
        document = _decoder.decode(body)
        # A colon for each member, others only in texts that are still there: then no key can
        # have been there twice, since the second would have left its colon behind.
        rest = body.count(b":") - count_members(document)
        if rest and rest != _colons(document):
            return None
        wire = msgspec.convert(document, shape)
        timestamp_ms = native.timestamp_of(document, received_ms)
        return _event(wire, timestamp_ms, received_ms, keeps_content=keeps_content)
    except (msgspec.MsgspecError, RecursionError, OverflowError, InvalidEvent):
        return None


def _event(
    wire: _Wire, timestamp_ms: int, received_ms: int, *, keeps_content: bool
) -> UsageEvent | None:
    metadata: str | None = None
    if wire.metadata:
        compact = _encoder.encode(wire.metadata)
        if len(compact) > METADATA_BYTES_MAX or not _TAGS.isdisjoint(wire.metadata):
            return None
        metadata = compact.decode()
        if not keeps_content and scrub(wire.metadata, metadata) is not None:
            return None
    provider, model, customer_id = (
        wire.provider.strip(),
        wire.model.strip(),
        _text(wire.customer_id),
    )
    customer_name = _text(wire.customer_name)
    if not provider or not model or (customer_name and not customer_id):
        return None
    return UsageEvent(
        provider=provider,
        model=model,
        reported=_reported(wire, provider),
        latency_ms=wire.latency_ms,
        status=STATUS_CODES[wire.status] if wire.status else 0,
        feature=_text(wire.feature) or UNKNOWN_FEATURE,
        customer_id=customer_id,
        customer_name=customer_name,
        environment=_text(wire.environment) or DEFAULT_ENVIRONMENT,
        metadata=metadata,
        response_id=wire.response_id,
        timestamp_ms=timestamp_ms,
        received_ms=received_ms,
        ttft_ms=wire.ttft_ms,
        idempotency_key=wire.idempotency_key if isinstance(wire, _Item) else None,
        warnings=[],
    )


def _colons(document: Any) -> int:
    if type(document) is not dict:
        return 0
    return sum(value.count(":") for value in document.values() if type(value) is str)


def _reported(wire: _Wire, provider: str) -> ReportedUsage:
    return ReportedUsage(
        provider=provider,
        input_tokens=wire.prompt_tokens,
        output_tokens=wire.completion_tokens,
        total_tokens=wire.total_tokens,
        reasoning_tokens=wire.reasoning_tokens,
        cache_read_tokens=wire.cached_input_tokens,
        cache_write_tokens=wire.cache_write_tokens,
        input_audio_tokens=wire.input_audio_tokens,
        output_audio_tokens=wire.output_audio_tokens,
        cache_accounting=wire.cache_accounting,
    )


def _text(value: str | None) -> str | None:
    return (value.strip() or None) if value else None
