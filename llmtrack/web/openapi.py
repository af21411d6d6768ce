"""`GET /api/openapi.json`: what the API takes and answers, for programs (OpenAPI 3.1).

Kept by hand beside the routes; a test holds it to the table of routes.
"""

from typing import Any

from aiohttp import web

from llmtrack import __version__
from llmtrack.services.usage_rows import BY_DAY, DIMENSIONS
from llmtrack.web.context import SITE

COUNTS = [
    *("prompt_tokens", "completion_tokens", "total_tokens", "reasoning_tokens"),
    *("cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens"),
    *("input_audio_tokens", "output_audio_tokens", "latency_ms", "ttft_ms", "web_searches"),
]
TEXTS = {
    "feature": 200,
    "customer_id": 200,
    "customer_name": 200,
    "environment": 100,
}
_KEYED: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}]


def _text(most: int) -> dict[str, Any]:
    return {"type": ["string", "null"], "maxLength": most}


def _event() -> dict[str, Any]:
    name = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"\S"}
    count = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**53 - 1}
    return {
        "type": "object",
        "required": ["provider", "model"],
        "properties": {
            "provider": name,
            "model": name,
            **dict.fromkeys(COUNTS, count),
            **{field: _text(most) for field, most in TEXTS.items()},
            "cache_accounting": {"enum": ["inclusive", "exclusive", None]},
            "status": {"enum": ["success", "error", "timeout", "cancelled", "", None]},
            "metadata": {"type": ["object", "null"]},
            "response_id": {"type": ["string", "null"], "minLength": 1, "maxLength": 256},
            "timestamp": {
                "oneOf": [
                    {"type": "string", "format": "date-time"},
                    {"type": "integer", "minimum": 0},
                    {"type": "null"},
                ]
            },
        },
    }


def _json(schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {kind: {"schema": schema}}


def _answers(good: int, schema: dict[str, Any]) -> dict[str, Any]:
    error = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    fault = {"description": "Not taken; `error` says why.", "content": _json(error)}
    statuses = ("400", "401", "402", "421", "503", "507")
    taken = {"description": "Taken, and on disk.", "content": _json(schema)}
    return {str(good): taken, **dict.fromkeys(statuses, fault)}


def _ingest() -> dict[str, Any]:
    stored = {"type": "object", "required": ["ok", "duplicate"]}
    key = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}
    return {
        "operationId": "ingest",
        "summary": "Store one event.",
        "security": _KEYED,
        "parameters": [key],
        "requestBody": {"required": True, "content": _json({"$ref": "#/components/schemas/Event"})},
        "responses": _answers(200, stored),
    }


def _batch() -> dict[str, Any]:
    # Items of any form: one that is no event has the 400 of its own in the answer.
    events = {"type": "array", "minItems": 1, "maxItems": 1000, "items": {}}
    return {
        "operationId": "ingest_batch",
        "summary": "Store up to a thousand events; each has a result of its own.",
        "security": _KEYED,
        "requestBody": {"required": True, "content": _json(events)},
        "responses": _answers(207, {"type": "object"}),
    }


def _usage() -> dict[str, Any]:
    problem = {
        "description": "Problem details, RFC 9457.",
        "content": _json({"type": "object", "required": ["status"]}, "application/problem+json"),
    }
    instant = {"type": "string", "format": "date"}
    by_tag = {"type": "string", "pattern": "^tag:.+"}
    named = {
        "by": {"anyOf": [{"enum": [*DIMENSIONS, BY_DAY]}, by_tag]},
        "from": instant,
        "to": instant,
        "where": {"type": "array", "items": {"type": "string", "pattern": "^[^=]+=.+"}},
    }
    return {
        "operationId": "usage",
        "summary": "Sums of a workspace, for a key that may read.",
        "security": _KEYED,
        "parameters": [
            {"name": name, "in": "query", "schema": schema} for name, schema in named.items()
        ],
        "responses": {
            "200": {"description": "Sums.", "content": _json({"type": "object"})},
            **dict.fromkeys(("401", "404", "421", "422", "503"), problem),
        },
    }


def document(base_url: str) -> dict[str, Any]:
    own = {
        "operationId": "openapi",
        "summary": "This document.",
        "responses": {"200": {"description": "OpenAPI 3.1.", "content": _json({"type": "object"})}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "LLMtrack", "version": __version__},
        "servers": [{"url": base_url}],
        "paths": {
            "/api/ingest": {"post": _ingest()},
            "/api/ingest/batch": {"post": _batch()},
            "/api/usage": {"get": _usage()},
            "/api/openapi.json": {"get": own},
        },
        "components": {
            "schemas": {"Event": _event()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


async def get_openapi(request: web.Request) -> web.Response:
    return web.json_response(document(request.app[SITE].base_url))


ROUTES = [web.get("/api/openapi.json", get_openapi)]
