"""Every checked case of the sample file, from the provider's raw usage to the exact amount."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmtrack.domain.money import join_pico, split_pico, usd_text
from llmtrack.domain.pricing import Cost, CostStatus, PriceBook
from llmtrack.domain.usage import ReportedUsage, canonical_usage

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden/pricing_cases.json"
SHARED = ROOT.parent / "shared/pricing/cases.json"
FILE = json.loads(GOLDEN.read_text())
CASES = {case["id"]: case for case in FILE["cases"]}
BOOK = PriceBook.bundled((ROOT / "llmtrack/prices.json").read_bytes())

# A case that an aggregate names and the sample leaves out: its note tells what it is.
CASES_NAMED_ONLY = {
    "exact-03": {
        "provider": "aws",
        "model": "us.amazon.nova-micro-v1:0",
        "usage_style": "bedrock_converse",
        "usage_raw": {"inputTokens": 0, "outputTokens": 0, "cacheReadInputTokens": 1},
        "timestamp": "2026-11-20T12:00:00Z",
        "expected_status": "priced",
    }
}

Counts = dict[str, Any]


def openai(raw: dict[str, Any]) -> Counts:
    chat = "prompt_tokens" in raw or "input_tokens" not in raw
    into, out = ("prompt", "completion") if chat else ("input", "output")
    details, out_details = raw.get(f"{into}_tokens_details"), raw.get(f"{out}_tokens_details")
    return {
        "input_tokens": raw.get(f"{into}_tokens"),
        "output_tokens": raw.get(f"{out}_tokens"),
        "total_tokens": raw.get("total_tokens"),
        "cache_read_tokens": (details or {}).get("cached_tokens"),
        "cache_write_tokens": (details or {}).get("cache_write_tokens"),
        "input_audio_tokens": (details or {}).get("audio_tokens"),
        "output_audio_tokens": (out_details or {}).get("audio_tokens"),
        "reasoning_tokens": (out_details or {}).get("reasoning_tokens"),
    }


def anthropic(raw: dict[str, Any]) -> Counts:
    return {
        "input_tokens": raw["input_tokens"],
        "output_tokens": raw["output_tokens"],
        "cache_read_tokens": raw.get("cache_read_input_tokens"),
        "cache_write_tokens": raw.get("cache_creation_input_tokens"),
        "cache_write_1h_tokens": (raw.get("cache_creation") or {}).get("ephemeral_1h_input_tokens"),
        "web_searches": (raw.get("server_tool_use") or {}).get("web_search_requests"),
    }


def bedrock(raw: dict[str, Any]) -> Counts:
    return {
        "input_tokens": raw["inputTokens"],
        "output_tokens": raw["outputTokens"],
        "total_tokens": raw.get("totalTokens"),
        "cache_read_tokens": raw.get("cacheReadInputTokens"),
        "cache_write_tokens": raw.get("cacheWriteInputTokens"),
    }


def gemini(raw: dict[str, Any]) -> Counts:
    audio = [
        part["tokenCount"]
        for part in raw.get("promptTokensDetails", ())
        if part["modality"] == "AUDIO"
    ]
    return {
        "input_tokens": raw["promptTokenCount"] + raw.get("toolUsePromptTokenCount", 0),
        "output_tokens": raw["candidatesTokenCount"] + raw.get("thoughtsTokenCount", 0),
        "total_tokens": raw.get("totalTokenCount"),
        "cache_read_tokens": raw.get("cachedContentTokenCount"),
        "reasoning_tokens": raw.get("thoughtsTokenCount"),
        "input_audio_tokens": sum(audio) if audio else None,
    }


def cohere(raw: dict[str, Any]) -> Counts:
    return {name: raw["billed_units"].get(name) for name in ("input_tokens", "output_tokens")}


STYLES: dict[str, Callable[[dict[str, Any]], Counts]] = {
    "openai_chat": openai,
    "openai_responses": openai,
    "embedding": openai,
    "anthropic": anthropic,
    "bedrock_converse": bedrock,
    "gemini": gemini,
    "cohere": cohere,
}


def priced(case: dict[str, Any], reported: ReportedUsage) -> Cost:
    context = case.get("price_context") or {}
    return BOOK.price(
        case["provider"],
        case["model"],
        canonical_usage(reported),
        at_ms=int(datetime.fromisoformat(case["timestamp"]).timestamp() * 1000),
        service_tier=context.get("service_tier") or context.get("processing"),
    )


def from_raw(case: dict[str, Any]) -> Cost:
    counts = STYLES[case["usage_style"]](case["usage_raw"])
    return priced(case, ReportedUsage(provider=case["provider"], **counts))


def expect(case: dict[str, Any], cost: Cost) -> None:
    amount = None if cost.cost_pico is None else usd_text(cost.cost_pico)
    assert (amount, cost.status.label) == (case["expected_cost_usd"], case["expected_status"])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_raw_usage_costs_exactly_this(case: dict[str, Any]) -> None:
    expect(case, from_raw(case))


@pytest.mark.parametrize(
    "case", [case for case in CASES.values() if case.get("usage")], ids=lambda case: case["id"]
)
def test_the_canonical_usage_costs_the_same(case: dict[str, Any]) -> None:
    counts = {f"{name}_tokens": n for name, n in case["usage"].items()}
    counts.setdefault("output_tokens", 0)
    counts["total_tokens"] = counts["input_tokens"] + counts["output_tokens"]
    expect(case, priced(case, ReportedUsage(provider=case["provider"], **counts)))


SUFFICIENT = [case for case in CASES.values() if case.get("basic_body_sufficient")]


@pytest.mark.parametrize("case", SUFFICIENT, ids=lambda case: case["id"])
def test_the_flat_body_of_three_counts_costs_the_same(case: dict[str, Any]) -> None:
    body = case["basic_ingest_body"]
    reported = ReportedUsage(
        provider=body["provider"],
        input_tokens=body["prompt_tokens"],
        output_tokens=body["completion_tokens"],
        total_tokens=body["total_tokens"],
    )
    expect(case, priced(case, reported))


CLIENT = [case for case in CASES.values() if "expected_client_minus_computed_usd" in case]


@pytest.mark.parametrize("case", CLIENT, ids=lambda case: case["id"])
def test_the_sender_s_own_figure_is_compared_and_not_taken(case: dict[str, Any]) -> None:
    cost = from_raw(case)
    assert cost.cost_pico is not None
    computed = Decimal(usd_text(cost.cost_pico))
    difference = Decimal(case["client_cost_usd"]) - computed
    assert difference == Decimal(case["expected_client_minus_computed_usd"])


@pytest.mark.parametrize("aggregate", FILE["aggregates"], ids=lambda aggregate: aggregate["id"])
def test_sums_are_exact(aggregate: dict[str, Any]) -> None:
    micro = rest = events = unpriced = 0
    for part in aggregate["events"]:
        case = CASES.get(part["case"]) or CASES_NAMED_ONLY[part["case"]]
        cost = from_raw(case)
        high, low = split_pico(cost.cost_pico or 0)
        micro, rest = micro + high * part["repeat"], rest + low * part["repeat"]
        events += part["repeat"]
        unpriced += part["repeat"] * (cost.status is CostStatus.UNPRICED)
    assert usd_text(join_pico(micro, rest)) == aggregate["expected_total_usd"]
    assert events == aggregate["expected_event_count"]
    assert unpriced == aggregate["expected_unpriced_count"]


def test_the_copy_is_the_sample_file() -> None:
    if not SHARED.exists():
        pytest.skip("the sample file lies beside the repository only where it was handed out")
    assert GOLDEN.read_bytes() == SHARED.read_bytes()
