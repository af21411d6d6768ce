"""Content and secrets do not get past the front door, and what is neither does."""

import json
from typing import Any

import pytest

from llmtrack.formats.scrubbing import (
    CONTENT_NAMES,
    CONTENT_PREFIXES,
    PERHAPS_CONTENT,
    PERHAPS_TEXT,
)
from llmtrack.formats.usual_event import parse_event

NOW_MS = 1_795_176_000_000
TAGS = {
    "prompt": "support-v3",
    "prompt_version": 7,
    "output": "json",
    "input": "web form",
    "content": "faq",
    "completion": None,
    "messages": [],
    "system": {"os": "linux"},
    "thinking": {"type": "enabled", "budget": 2048},
    "query": "top-customers",
    "reasoning": "high",
    "generation": "v2",
    "promptVersion": "v7",
    "content_type": "text/html",
    "template": "{name}",
    "json": '{"team": "red", "prompt": "support-v3"}',
    "words": ["a", "[b"],
    "order": "2026-1234-5678-9012",
    "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
    "snowflake": 1234567890123456789 % 2**53,
    "snowflake_text": "175928847299117063",
    "micros": 1795176000000000,
    "phone": "+1 202 555 0143",
    "url": "https://example.com/a:b@c",
    "site": "https://user@example.com",
    "sku": "sk-short",
    "uuid": "41111111-1111-4111-8111-111111111111",
    "public": "-----BEGIN PUBLIC KEY-----",
}
CONTENT = [
    {"messages": [{"role": "user", "content": "hello"}]},
    {"prompt": "What is the balance of my account?"},
    {"prompt": ["one"]},
    {"input": {"question": "x"}},
    {"output": "x" * 65},
    {"gen_ai.prompt.0.content": "hello"},
    {"gen_ai.input.messages": "[]x"},
    {"llm.output_messages.0.message.content": "hi"},
    {"traceloop.entity.input": "{}x"},
    {"request": {"body": {"Messages": [{"role": "user"}]}}},
    {"steps": [{"completion": "this was said by the model"}]},
    {"tool_calls": [{"function": "f"}]},
    # OpenAI, Anthropic, Gemini, Bedrock, Cohere
    {"instructions": "hello, be kind to all who ask"},
    {"output_text": "hello"},
    {"system": "hello, you are a helpful assistant"},
    {"thinking": "hello, what could the balance be"},
    {"system": [{"type": "text", "text": "hello to all who are here"}]},
    {"contents": [{"parts": [{"text": "hello"}]}]},
    {"systemInstruction": {"parts": [{"text": "hello"}]}},
    {"inputText": "hello"},
    {"results": [{"outputText": "hello"}]},
    {"generation": "hello, the balance of it is nine"},
    {"preamble": "hello, you are a helpful assistant"},
    # LangChain, OpenInference, Langfuse, and names of one's own
    {"generations": [[{"text": "hello"}]]},
    {"nested": [[{"text": "hello, the balance is nine"}]]},
    {"llm.prompt_template.template": "hello {name}, your balance is {sum}"},
    {"langfuse.observation.output": "hello, the balance is nine"},
    {"userPrompt": "hello"},
    {"prompt-text": "hello"},
    {"USER_MESSAGE": "hello"},
    {"reasoning_content": "hello"},
    {"query": "what is the balance of my account"},
    {"arguments": {"account": "hello"}},
    {"payload": '{"messages": [{"role": "user", "content": "hello"}]}'},
    {"payload": ' [{"prompt": "what is the balance of it"}]'},
    {"payloads": ['{"messages": ["hello"]}']},
]
SECRETS = {
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----": "a private key",
    "-----BEGIN PRIVATE KEY-----\ncut off": "a private key",
    "llmt_" + "a1B2c3" * 6: "an LLMtrack key",
    "sk-proj-" + "a1B2c3" * 5: "a provider's key",
    "sk-ant-api03-" + "a1B2c3" * 5: "a provider's key",
    "AKIAIOSFODNN7EXAMPLE": "a provider's key",
    "AIza" + "x" * 35: "a provider's key",
    "ghp_" + "a" * 36: "a provider's key",
    "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0NTY3.SflKxwRJSMeKKF2QT4": "a token",
    "4111 1111 1111 1111": "a card number",
    "5555-5555-5555-4444": "a card number",
    "378282246310005": "a card number",
    "6011111111111117": "a card number",
    "3530111333300000": "a card number",
    "30569309025904": "a card number",
}


def parsed(metadata: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    body = {"provider": "openai", "model": "gpt-4o-mini", "metadata": metadata}
    event = parse_event(json.dumps(body).encode(), NOW_MS)
    return json.loads(event.metadata or "{}"), event.warnings


def test_tags_stay_as_they_are() -> None:
    assert parsed(TAGS) == (TAGS, [])


@pytest.mark.parametrize("metadata", CONTENT)
def test_content_is_dropped_and_said_so(metadata: dict[str, Any]) -> None:
    kept, warnings = parsed({**metadata, "team": "search"})
    text = json.dumps(kept)
    assert kept["team"] == "search"
    assert not any(word in text for word in ("hello", "balance", "said by", '"role"', "xxx"))
    assert len(warnings) == 1
    assert "content, which is not stored" in warnings[0]


@pytest.mark.parametrize(("secret", "kind"), SECRETS.items())
def test_a_secret_becomes_a_marker(secret: str, kind: str) -> None:
    kept, warnings = parsed({"note": f"see {secret} there", "deep": [{"x": secret}]})
    assert secret not in json.dumps(kept)
    assert kept["note"].startswith(f"see [removed: {kind}]")
    assert kept["deep"] == [{"x": f"[removed: {kind}]"}]
    assert warnings == [
        f"metadata.note held {kind}: replaced by a marker",
        f"metadata.deep[0].x held {kind}: replaced by a marker",
    ]


def test_the_password_alone_is_taken_out_of_a_url() -> None:
    kept, _ = parsed({"dsn": "postgres://app:hunter2@db.internal:5432/app"})
    assert kept == {"dsn": "postgres://[removed: a password in a URL]@db.internal:5432/app"}


def test_a_secret_as_a_name_and_a_card_as_a_number() -> None:
    kept, warnings = parsed({"llmt_" + "a1B2c3" * 6: 1, "card": 4111111111111111})
    assert kept == {"[removed: an LLMtrack key]": 1, "card": "[removed: a card number]"}
    assert len(warnings) == 2


def test_a_number_that_fails_its_check_digit_is_no_card() -> None:
    assert parsed({"a": "4111111111111112", "b": 4111111111111112})[1] == []


def test_the_quick_look_misses_no_name_of_content() -> None:
    for name in CONTENT_NAMES | PERHAPS_CONTENT | PERHAPS_TEXT | set(CONTENT_PREFIXES):
        assert parsed({f"{name}".upper(): "these are words of a user"})[0] == {}, name


def test_content_outside_of_metadata_was_never_stored() -> None:
    body = {"provider": "p", "model": "m", "messages": [{"content": "secret words"}]}
    event = parse_event(json.dumps(body).encode(), NOW_MS)
    assert event.metadata is None
    assert event.warnings == ["unknown properties ignored: messages"]
