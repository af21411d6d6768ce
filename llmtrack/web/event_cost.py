"""Explain this cost: one event's lines, and why these rates. The event's sheet embeds it."""

from typing import Any, NamedTuple

from aiohttp import web

from llmtrack.domain.charges import CostLine
from llmtrack.domain.explanations import amount_text
from llmtrack.domain.price_reasons import per_text
from llmtrack.domain.roles import Permission
from llmtrack.services.explanation import explain_event
from llmtrack.web.auth import require
from llmtrack.web.context import CLOCK_MS, SCOPE
from llmtrack.web.ingest import PRICE_BOOKS
from llmtrack.web.render import page

CLASS_NAMES = {
    "input": "Input, not cached",
    "cache_read": "Input read from the cache",
    "cache_write": "Input written to the cache",
    "cache_write_1h": "Input cached for an hour",
    "input_audio": "Audio input",
    "cache_audio_read": "Audio input read from the cache",
    "output": "Output",
    "output_audio": "Audio output",
    "reasoning": "Reasoning",
    "web_searches": "Web searches",
    "requests": "Request",
}


class Line(NamedTuple):
    """A row of the page."""

    name: str
    tokens: int
    rate: str | None
    per: str
    short_per: str
    amount: str


@require(Permission.READ)
async def get_event_cost(request: web.Request) -> web.StreamResponse:
    values = await cost_values(request)
    return page(request, "event_cost.html", now_ms=request.app[CLOCK_MS](), **values)


async def cost_values(request: web.Request) -> dict[str, Any]:
    """What `_event_cost.html` shows of the event in the path. Raises NotFound."""
    scope = request[SCOPE]
    event, explanation, source = await explain_event(
        scope, request.app[PRICE_BOOKS], request.match_info["event"]
    )
    rounding = explanation.rounding_pico
    return {
        "event": event,
        "explanation": explanation,
        "source": source,
        "lines": [_line(line) for line in explanation.lines],
        "rounding": amount_text(rounding) if rounding else None,
        "pricing_url": f"/w/{scope.public_id}/pricing",
    }


def _line(line: CostLine) -> Line:
    return Line(
        name=CLASS_NAMES[line.token_class],
        tokens=line.count,
        rate=line.rate,
        per=per_text(line.price_key) if line.price_key else "",
        short_per="M" if (line.price_key or "").endswith("_mtok") else "k",
        amount=amount_text(line.amount_pico),
    )


ROUTES = [web.get("/w/{workspace}/events/{event}/cost", get_event_cost)]
