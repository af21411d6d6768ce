"""`GET /api/usage`: a workspace's sums, for programs that hold a key which may read."""

import msgspec
from aiohttp import web

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.key_terms import KeyAccess
from llmtrack.domain.periods import (
    day_number,
    day_start_ms,
    local_date,
    month_start,
    parse_instant,
    quarter_end_ms,
    rfc3339,
)
from llmtrack.domain.spans import Span
from llmtrack.domain.tags import key_of, tag_name
from llmtrack.services.usage_filters import usage_filters
from llmtrack.services.usage_rows import BY_DAY, DIMENSIONS, usage_question, usage_rows
from llmtrack.storage.key_lookup import scope_for_key
from llmtrack.web.context import CLOCK_MS, DATABASE
from llmtrack.web.ingest import KEY_RING
from llmtrack.web.key_ring import KeyRefused, credential
from llmtrack.web.security import problem

PARAMETERS = frozenset({"by", "from", "to", "where"})


async def get_usage(request: web.Request) -> web.Response:
    """Query: `by` (default model), `from` (default the month's start), `to` (default the end of
    the quarter hour that is running), `where` (NAME=VALUE, repeatable: only events with it).

    Times are RFC 3339 or a date, which is its first moment in the workspace's zone.
    """
    now_ms = request.app[CLOCK_MS]()
    try:
        key = await request.app[KEY_RING].find(
            credential(request.headers), now_ms, request.remote or "", access=KeyAccess.READ
        )
    except KeyRefused as error:
        return problem(401, str(error), {"WWW-Authenticate": "Bearer"})
    scope = await scope_for_key(request.app[DATABASE], key)
    unknown = request.query.keys() - PARAMETERS
    if unknown:
        raise InvalidValue(min(unknown), f"there is no parameter {min(unknown)[:40]!r}")
    by = request.query.get("by", "model")
    if by not in {*DIMENSIONS, BY_DAY} and not key_of(by):
        named = (*DIMENSIONS, BY_DAY, tag_name("KEY"))
        raise InvalidValue("by", f"by is one of {', '.join(named)}")
    zone = scope.time_zone
    month_ms = day_start_ms(day_number(month_start(local_date(now_ms, zone))), zone)
    start_ms = _instant(request, "from", month_ms, zone)
    end_ms = _instant(request, "to", max(quarter_end_ms(now_ms), start_ms), zone)
    if end_ms < start_ms:
        raise InvalidValue("to", "to is before from")
    filters = await usage_filters(scope, request.query.getall("where", ()))
    question = await usage_question(scope, by, Span(start_ms, end_ms), filters)
    found = await usage_rows(scope, by, question)
    answer = {
        "workspace_id": scope.public_id,
        "time_zone": zone,
        "from": rfc3339(start_ms),
        "to": rfc3339(end_ms),
        "by": by,
        "rows": found.rows,
        "notes": found.notes,
    }
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


def _instant(request: web.Request, name: str, otherwise_ms: int, time_zone: str) -> int:
    text = request.query.get(name)
    if text is None:
        return otherwise_ms
    try:
        return parse_instant(text, time_zone)
    except ValueError:
        raise InvalidValue(
            name, f"{name} {text[:40]!r} is no time", fix="use 2026-11-01 or 2026-11-01T08:00:00Z"
        ) from None


ROUTES = [web.get("/api/usage", get_usage)]
