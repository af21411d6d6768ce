"""A name means one row of the list, or none: never a similar name, never another provider."""

import tracemalloc
from pathlib import Path

import msgspec
import pytest

from llmtrack.domain.listed_prices import ListedPrices
from llmtrack.domain.model_names import model_names, provider_id
from llmtrack.domain.price_list import parse_price_list, parse_upstream_list

DATA = (Path(__file__).parents[2] / "llmtrack/prices.json").read_bytes()
LIST = parse_price_list(DATA)
PRICES = ListedPrices(LIST)


def row(provider: str, model: str) -> str | None:
    match = PRICES.named(provider, model).match
    return match and f"{match.provider}/{match.model.id}"


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        # Spelling
        ("openai", "GPT-4o-Mini", "openai/gpt-4o-mini"),
        (" OpenAI ", " gpt-4o-mini ", "openai/gpt-4o-mini"),
        ("x_ai", "grok-4", "x-ai/grok-4-0709"),
        # One leading name of that very provider, or a resource path
        ("openai", "openai/gpt-4.1", "openai/gpt-4.1"),
        ("xai", "xai/grok-4", "x-ai/grok-4-0709"),
        ("groq", "groq/llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile"),
        ("gemini", "gemini/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("vertex_ai", "google/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("google", "models/gemini-2.5-flash", "google/gemini-2.5-flash"),
        (
            "vertex_ai",
            "projects/p/locations/l/publishers/anthropic/models/claude-opus-4-5@20251101",
            "google/claude-opus-4-5",
        ),
        ("vertex_ai", "claude-3-5-sonnet-v2@20241022", "google/claude-3-5-sonnet"),
        ("openrouter", "openrouter/openai/gpt-5", "openrouter/openai/gpt-5"),
        (
            "bedrock",
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-lite-v1:0",
            "aws/amazon.nova-lite-v1:0",
        ),
        ("together_ai", "together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo",
         "together/meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        # A gateway that bills nothing names the biller
        ("litellm", "groq/llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile"),
        # Exact names come before patterns, dates and versions complete a pattern
        ("openai", "gpt-4o-2024-05-13", "openai/gpt-4o-2024-05-13"),
        ("anthropic", "claude-3-5-haiku-20241022", "anthropic/claude-3-5-haiku-latest"),
        ("anthropic", "claude-sonnet-4-20250514", "anthropic/claude-sonnet-4-0"),
        ("openai", "gpt-5-nano-20250807", "openai/gpt-5-nano"),
        ("google", "gemini-2.0-flash-001", "google/gemini-2.0-flash"),
        ("google", "gemini-2.5-flash-lite-preview-06-17", "google/gemini-2.5-flash-lite"),
        ("google", "gemini-2.5-pro-preview-05-06", "google/gemini-2.5-pro"),
        ("google", "gemini-2.5-pro-preview-tts", "google/gemini-2.5-pro-tts"),
        ("bedrock", "anthropic.claude-3-haiku-20240307-v1:0",
         "aws/regional.anthropic.claude-3-haiku-20240307-v1:0"),
        ("mistral", "magistral-medium-2506", "mistral/magistral-medium"),
        # Regions have prices of their own
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
         "aws/regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
         "aws/global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        # So have fine-tunes and free variants
        ("openai", "ft:gpt-4o-2024-08-06:acme:support:9abc", "openai/ft:gpt-4o"),
        ("openai", "ft:gpt-3.5-turbo:acme::1", "openai/ft:gpt-3.5-turbo-"),
        ("azure", "gpt-4o-mini-2024-07-18.ft-0a1b", "openai/gpt-4o-mini-2024-07-18.ft-"),
        ("openrouter", "openai/gpt-oss-20b:free", "openrouter/openai/gpt-oss-20b:free"),
        # Azure bills like OpenAI where it has no row of its own: the list says so
        ("azure_openai", "gpt-5", "openai/gpt-5"),
        ("azure", "o4-mini-deep-research", "openai/o4-mini-deep-research"),
        ("openai", "omni-moderation-latest", "openai/moderation"),
    ],
)  # fmt: skip
def test_a_name_means_this_row(provider: str, model: str, expected: str) -> None:
    assert row(provider, model) == expected


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", ""),
        ("openai", "gpt-5-nano-super"),
        ("openai", "gpt-99"),
        ("openai", "ft:gpt-4.1-2025-04-14:acme::1"),
        ("openai", "my-moderation-model"),
        ("openai", "azure/gpt-4o"),  # another provider's prefix
        ("openai", "openai/openai/gpt-4o"),
        ("anthropic", "claude-3-opus-99999999"),
        ("anthropic", "claude-sonnet-4-5-turbo"),
        ("anthropic", "claude-opus-9-20300101"),
        ("google", "gemini-2.5-pro-ultra"),
        ("google", "gemini-1.5-flash-8b"),
        ("deepseek", "deepseek-chat-v9"),
        ("deepseek", "deepseek-r1-distill-llama-70b"),
        ("moonshotai", "kimi-k2.6-pro"),
        ("bedrock", "global.amazon.nova-lite-v1:0"),
        ("bedrock", "xx.amazon.nova-lite-v1:0"),
        ("azure", "my-o4-mini"),
        ("openrouter", "openai/gpt-4o:nitro"),
        ("unknown-gateway", "gpt-4o"),
        ("my-openai", "gpt-4o"),
        ("litellm", "my-group"),
        ("litellm", "gpt-4o"),
        ("", "gpt-4o"),
        ("openai", "gpt-4o" + " " * 200 + "x"),
        ("openai", "gpt-4ö"),
    ],
)
def test_a_name_that_only_resembles_has_no_row(provider: str, model: str) -> None:
    assert row(provider, model) is None


def test_provider_names_have_one_spelling() -> None:
    assert {provider_id(name) for name in ("azure_openai", "Azure OpenAI", "azure.ai.openai")} == {
        "azure"
    }
    assert {provider_id(name) for name in ("gcp.vertex_ai", "vertex-ai", "google.genai")} == {
        "google"
    }
    assert provider_id("my Gateway") == "my-gateway"


def test_only_one_prefix_is_taken_off_and_dates_stay() -> None:
    assert model_names("openai", "openai/openai/gpt-4o") == (
        "openai/openai/gpt-4o",
        "openai/gpt-4o",
    )
    assert model_names("openai", "gpt-5.2-20251211") == ("gpt-5.2-20251211", "gpt-5.2-2025-12-11")


def test_strangers_names_occupy_bounded_memory() -> None:
    prices = ListedPrices(LIST)
    tracemalloc.start()
    try:
        for number in range(12_000):
            prices.named("groq", f"{number:0200d}")
        full = tracemalloc.get_traced_memory()[0]
        for number in range(12_000, 30_000):
            prices.named("groq", f"{number:0200d}")
            prices.named(f"provider {number}", "gpt-4o")
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert full < 10_000_000
    assert grown < full + 1_000_000


def test_a_row_with_an_unknown_charge_is_refused_and_told() -> None:
    upstream = b"""[{"id": "p", "name": "P", "api_pattern": "x", "models": [
      {"id": "a", "name": "A", "match": {"equals": "a"}, "prices": {"input_mtok": 1.5}},
      {"id": "b", "match": {"equals": "b"}, "prices": {"input_mtok": 1, "telepathy_mtok": 2}},
      {"id": "c", "match": {"equals": "c"}, "prices": [
        {"constraint": {"moon": "full"}, "prices": {"input_mtok": 1}}]},
      {"id": "d", "match": {"equals": "d"}, "prices": {"input_mtok": -1}},
      {"id": "e", "match": {"equals": "e"}, "prices": []}]}]"""
    prices = parse_upstream_list(upstream, "2026-11-20", LIST.date)
    assert [model.id for model in prices.providers[0].models] == ["a"]
    assert [(refused.model, refused.reason) for refused in prices.refused] == [
        ("b", "unknown price key telepathy_mtok"),
        ("c", "Object contains unknown field `moon` - at `$.prices[0].constraint`"),
        ("d", "input_mtok is no amount"),
        ("e", "it has no price record"),
    ]
    with pytest.raises(msgspec.DecodeError):
        parse_price_list(b'{"format": 1}')


def test_an_empty_record_is_free_only_where_that_is_documented() -> None:
    rows = {
        (provider.id, model.id): model.free
        for provider in LIST.providers
        for model in provider.models
        if not any(window.prices for window in model.windows)
    }
    assert sum(rows.values()) == 170
    assert not rows["openrouter", "google/lyria-3-pro-preview"]
    assert rows["openai", "moderation"]
    assert rows["openrouter", "openai/gpt-oss-20b:free"]
