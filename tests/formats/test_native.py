"""The contract's body of one event, rule by rule."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrack.domain.errors import InvalidEvent
from llmtrack.formats.native import COUNT_MAX, METADATA_BYTES_MAX, parse_event

NOW_MS = 1_764_000_000_000
COUNTS = [
    *("prompt_tokens", "completion_tokens", "total_tokens", "reasoning_tokens"),
    *("cached_input_tokens", "cache_write_tokens", "input_audio_tokens", "output_audio_tokens"),
    *("latency_ms", "cache_write_1h_tokens", "web_searches", "ttft_ms"),
]


def body(**fields: Any) -> bytes:
    return json.dumps({"provider": "openai", "model": "gpt-4o-mini", **fields}).encode()


def offending_field(raw: bytes) -> str:
    with pytest.raises(InvalidEvent) as caught:
        parse_event(raw, NOW_MS)
    return caught.value.field


def test_the_smallest_event_gets_the_defaults() -> None:
    event = parse_event(body(), NOW_MS)

    assert (event.provider, event.model) == ("openai", "gpt-4o-mini")
    assert (event.status, event.feature, event.environment) == (0, "unknown", "production")
    assert event.timestamp_ms == event.received_ms == NOW_MS
    assert event.reported.input_tokens is None
    assert event.customer_id is event.metadata is event.response_id is None
    assert event.warnings == []


@pytest.mark.parametrize("field", ["provider", "model"])
@pytest.mark.parametrize("value", [None, "", "  ", 5, True, [], {}, "x" * 201])
def test_provider_and_model_are_required_text(field: str, value: object) -> None:
    assert offending_field(body(**{field: value})) == field


def test_the_first_offending_field_is_named_in_the_contracts_order() -> None:
    assert offending_field(b'{"prompt_tokens": -1, "model": 7}') == "provider"
    assert offending_field(b'{"status": "bad", "provider": "p", "model": 7}') == "model"


def test_text_is_trimmed_before_its_length_is_judged() -> None:
    event = parse_event(body(provider="  openai ", model=" " + "m" * 200 + " "), NOW_MS)

    assert (event.provider, len(event.model)) == ("openai", 200)


@pytest.mark.parametrize("field", COUNTS)
@pytest.mark.parametrize("value", [True, False, 1.0, 1.5, "1", -1, [], {}, COUNT_MAX + 1, 2**63])
def test_counts_are_integers_from_zero_up(field: str, value: object) -> None:
    assert offending_field(body(**{field: value})) == field


@pytest.mark.parametrize("field", COUNTS)
@pytest.mark.parametrize("value", [None, 0, 1, COUNT_MAX])
def test_counts_may_be_null_or_zero(field: str, value: int | None) -> None:
    parse_event(body(**{field: value}), NOW_MS)


@pytest.mark.parametrize(
    ("sent", "code"),
    [(None, 0), ("", 0), ("success", 0), ("error", 1), ("timeout", 2), ("cancelled", 3)],
)
def test_status_defaults_to_success(sent: str | None, code: int) -> None:
    assert parse_event(body(status=sent), NOW_MS).status == code


@pytest.mark.parametrize("sent", ["SUCCESS", "failed", " success", 0, False, []])
def test_other_statuses_are_refused(sent: object) -> None:
    assert offending_field(body(status=sent)) == "status"


@pytest.mark.parametrize(
    ("fields", "feature"),
    [
        ({"feature": " chat "}, "chat"),
        ({"feature": "top", "metadata": {"feature": "nested"}}, "top"),
        ({"feature": "", "metadata": {"feature": " nested "}}, "nested"),
        ({"feature": None, "metadata": {"feature": "nested"}}, "nested"),
        ({"metadata": {"feature": 5}}, "unknown"),
        ({"metadata": {"feature": ""}}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_feature_prefers_the_top_level(fields: dict[str, Any], feature: str) -> None:
    assert parse_event(body(**fields), NOW_MS).feature == feature


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("feature", "x" * 201),
        ("feature", 1),
        ("customer_id", "x" * 201),
        ("customer_name", ["x"]),
        ("environment", "x" * 101),
        ("cache_accounting", "both"),
        ("cache_accounting", ""),
        ("cache_accounting", []),
        ("metadata", []),
        ("metadata", "text"),
        ("response_id", ""),
        ("response_id", "x" * 257),
        ("response_id", 5),
        ("timestamp", "yesterday"),
        ("timestamp", "2026-11-20"),
        ("timestamp", "2026-11-20T12:00:00"),
        ("timestamp", -1),
        ("timestamp", 1.5),
        ("timestamp", True),
        ("timestamp", "2026-02-30T12:00:00Z"),
        ("timestamp", "2025-06-09T12:00:60Z"),
        ("timestamp", NOW_MS + 600_001),
        ("service_tier", 1),
        ("operation", "x" * 201),
    ],
)
def test_a_bad_optional_field_is_named(field: str, value: object) -> None:
    assert offending_field(body(**{field: value})) == field


def test_empty_optional_text_counts_as_absent() -> None:
    event = parse_event(body(customer_id=" ", customer_name="", environment=""), NOW_MS)

    assert (event.customer_id, event.customer_name) == (None, None)
    assert event.environment == "production"


@pytest.mark.parametrize(
    ("sent", "stored_ms"),
    [
        ("2025-06-10T00:00:00+02:00", 1_749_506_400_000),
        ("2025-06-09T22:00:00.123Z", 1_749_506_400_123),
        ("2025-06-09t22:00:00z", 1_749_506_400_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2016-12-31T15:59:60.5-08:00", 1_483_228_800_500),
        (NOW_MS + 600_000, NOW_MS + 600_000),
        (0, 0),
    ],
)
def test_timestamps_are_rfc_3339_or_epoch_milliseconds(sent: object, stored_ms: int) -> None:
    assert parse_event(body(timestamp=sent), NOW_MS).timestamp_ms == stored_ms


def test_metadata_is_measured_as_compact_utf_8() -> None:
    filler = "ü" * ((METADATA_BYTES_MAX - len('{"k":""}')) // 2)
    spaced = json.dumps({"k": filler}, ensure_ascii=False, indent=8)
    event = parse_event(f'{{"provider":"p","model":"m","metadata":{spaced}}}'.encode(), NOW_MS)

    assert event.metadata == f'{{"k":"{filler}"}}'
    assert offending_field(body(metadata={"k": filler + "üü"})) == "metadata"


def test_unknown_properties_are_ignored_with_a_warning() -> None:
    event = parse_event(body(workspace_id="w", cost=0.00015, temperature=1), NOW_MS)

    assert event.client_cost_pico == 150_000_000
    assert event.warnings[0] == "unknown properties ignored: temperature, workspace_id"


@pytest.mark.parametrize("cost", ["0.1", True, -1, {"usd": 1}, 1e300])
def test_a_client_cost_that_is_no_amount_is_ignored(cost: object) -> None:
    event = parse_event(body(cost=cost), NOW_MS)

    assert event.client_cost_pico is None
    assert "cost is no amount in USD: ignored" in event.warnings


def test_the_service_tier_may_stand_in_the_metadata() -> None:
    assert parse_event(body(metadata={"service_tier": "flex"}), NOW_MS).service_tier == "flex"
    assert parse_event(body(metadata={"processing": "batch"}), NOW_MS).service_tier == "batch"
    assert parse_event(body(service_tier="priority"), NOW_MS).service_tier == "priority"


BAD_BODIES = {
    "empty": b"",
    "not JSON": b"provider=openai",
    "array": b"[]",
    "string": b'"x"',
    "null": b"null",
    "number": b"5",
    "cut off": b'{"provider":"p","model"',
    "trailing": b'{"provider":"p","model":"m"} {}',
    "byte order mark": b'\xef\xbb\xbf{"provider":"p","model":"m"}',
    "not UTF-8": b'{"provider":"p","model":"m","x":"\xff"}',
    "UTF-16": '{"provider":"p","model":"m"}'.encode("utf-16"),
    "encoded surrogate": b'{"provider":"p","model":"m","x":"\xed\xa0\x80"}',
    "lone surrogate": b'{"provider":"p","model":"m","x":"\\ud800"}',
    "NUL": b'{"provider":"p","model":"m","x":{"y":["\\u0000"]}}',
    "NUL in a key": b'{"provider":"p","model":"m","x\\u0000":1}',
    "raw NUL": b'{"provider":"p","model":"m","x":"\x00"}',
    "duplicate key": b'{"provider":"p","model":"m","provider":"q"}',
    "duplicate key, escaped": b'{"provider":"p","model":"m","\\u0070rovider":"q"}',
    "duplicate key inside": b'{"provider":"p","model":"m","metadata":{"a":1,"a":1}}',
    "NaN": b'{"provider":"p","model":"m","x":NaN}',
    "Infinity": b'{"provider":"p","model":"m","x":-Infinity}',
    "depth bomb": b'{"provider":"p","model":"m","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "depth bomb of objects": b'{"provider":"p","model":"m","x":' + b'{"a":' * 50_000,
    "long integer": b'{"provider":"p","model":"m","x":' + b"9" * 5000 + b"e}",
}


@pytest.mark.parametrize("raw", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_a_body_that_is_no_plain_object_is_refused(raw: bytes) -> None:
    assert offending_field(raw) == "body"


@pytest.mark.parametrize(
    "text", ['a \\"key\\":1', ',\\":', "\\\\u0000", "}{", "\\u00e9", "a\\\\", "\\ud83d\\ude00"]
)
def test_text_that_looks_like_structure_is_only_text(text: str) -> None:
    raw = f'{{"provider":"p","model":"m","metadata":{{"a":"{text}","b":"{text}"}}}}'

    assert parse_event(raw.encode(), NOW_MS).metadata is not None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
known = st.sampled_from([*COUNTS, "provider", "model", "metadata", "timestamp", "cost", "feature"])


@given(st.dictionaries(known | st.text(), json_values))
def test_any_object_is_an_event_or_names_a_field(document: dict[str, Any]) -> None:
    try:
        event = parse_event(json.dumps(document).encode(), NOW_MS)
    except InvalidEvent as error:
        assert error.field in {"body", "provider", "model", *document}
    else:
        assert event.provider


@given(st.binary())
def test_any_bytes_are_refused_or_an_event(raw: bytes) -> None:
    try:
        parse_event(raw, NOW_MS)
    except InvalidEvent as error:
        assert error.field
