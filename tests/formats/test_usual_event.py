"""The quick reading of a usual event is that of `native`, in everything and for anything."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtrack.domain.errors import InvalidEvent
from llmtrack.domain.events import UsageEvent
from llmtrack.formats import native, usual_event

NOW_MS = 1_764_000_000_000
COUNTS = [
    *("prompt_tokens", "completion_tokens", "total_tokens", "reasoning_tokens"),
    *("cached_input_tokens", "cache_write_tokens", "input_audio_tokens", "output_audio_tokens"),
    *("latency_ms", "cache_write_1h_tokens", "web_searches", "ttft_ms"),
]
TEXTS = ["feature", "customer_id", "customer_name", "environment", "service_tier", "operation"]
ODD = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 1.0, 1.5, 2**53 - 1, 2**53, 2**63, 2**64, 10**30, 1e300),
        *("", " ", "x", " x ", "a:b", "é", "\ud83d\ude00", "\x00", "x" * 100, "x" * 101),
        *("x" * 200, " " + "x" * 200, "x" * 201, "x" * 257, "1", [], {}, {"a": 1}, [1]),
        *("success", "error", "timeout", "cancelled", "Success", "inclusive", "exclusive"),
        *(
            "2025-11-24T16:00:00Z",
            "2025-11-24T16:00:00+01:00",
            "2025-11-24",
            NOW_MS,
            NOW_MS + 10**9,
        ),
    ]
)
COUNT = st.integers(0, 10**6) | st.none()
TEXT = st.text('ab :é"', max_size=6) | st.none()
METADATA = st.dictionaries(
    st.sampled_from(["team", "feature", "service_tier", "processing", "n", "deep", "x:y"]),
    st.sampled_from(
        ["growth", "batch", " ", "a:b", 1, 2.5, None, {"a": {"b": [1, {"c": 2}]}}, 2**70]
    ),
    max_size=4,
)
USUAL = st.fixed_dictionaries(
    {"provider": st.sampled_from(["openai", " xai ", ""]), "model": st.just("gpt-4o")},
    optional={
        **dict.fromkeys(COUNTS, COUNT),
        **dict.fromkeys(TEXTS, TEXT),
        "metadata": METADATA
        | st.none()
        | st.just({"pad": "x" * 8180})
        | st.just({"pad": "x" * 8192}),
        "response_id": TEXT,
        "status": st.sampled_from(["success", "error", "timeout", "cancelled", "", None]),
        "cache_accounting": st.sampled_from(["inclusive", "exclusive", None]),
        "timestamp": st.sampled_from([NOW_MS, NOW_MS - 10**9, "2025-11-24T15:00:00Z", None]),
        "idempotency_key": st.sampled_from(["k", "", None, 7]),
        "cost": st.sampled_from([0.5, "x", None]),
        "unheard_of": st.just(1),
    },
)
KNOWN = [*native.KNOWN_FIELDS, "idempotency_key"]
SPOILED = st.builds(
    lambda document, field, value: document | {field: value}, USUAL, st.sampled_from(KNOWN), ODD
)


def read(parse: Any, body: bytes) -> UsageEvent | tuple[str, str]:
    try:
        event: UsageEvent = parse(body, NOW_MS)
    except InvalidEvent as error:
        return error.field, str(error)
    return event


def check(body: bytes) -> None:
    for quick, slow in (
        (usual_event.parse_event, native.parse_event),
        (usual_event.parse_item, native.parse_item),
    ):
        assert read(quick, body) == read(slow, body)


@settings(max_examples=400)
@given(USUAL | SPOILED, st.booleans())
def test_both_read_the_same(document: dict[str, object], compact: bool) -> None:
    check(json.dumps(document, separators=(",", ":") if compact else None).encode())
    check(json.dumps(document, ensure_ascii=False).encode(errors="surrogatepass"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"provider":"a","model":"b","model":"c"}',
        b'{"provider":"a" ,"model" :"b","model":"c"}',
        b'{"provider":"a","model":"b","metadata":{"x":1,"x":2}}',
        b'{"provider":"a","model":"b","metadata":{"x":NaN}}',
        b'{"provider":"a","model":"b","metadata":{"x":1e999}}',
        b'{"provider":"a","model":"b","prompt_tokens":1.0}',
        b'{"provider":"a","model":"b","prompt_tokens":1e2}',
        b'{"provider":"a","model":"b","feature":"\\u0000"}',
        b'{"provider":"a","model":"b","feature":"\\ud800"}',
        b'{"provider":"a","model":"b","feature":"\xff"}',
        b'{"provider":"a","model":"b"} x',
        b'{"provider":"a","model":"b","metadata":' + b'{"a":' * 5000,
        b'{"provider":"a","model":"b","metadata":{"a":' + b"[" * 900 + b"]" * 900 + b"}}",
    ],
)
def test_both_refuse_and_warn_alike(body: bytes) -> None:
    check(body)


def test_the_usual_event_takes_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(native, "parse_event")
    body = b'{"provider":"openai","model":"gpt-4o","prompt_tokens":7,"metadata":{"team":"x"}}'
    assert usual_event.parse_event(body, NOW_MS).reported.input_tokens == 7
