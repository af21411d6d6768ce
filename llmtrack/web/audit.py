"""Who changed what: in a workspace for its owners and admins, in the instance for its own."""

import json
from urllib.parse import urlencode

from aiohttp import web

from llmtrack.domain.periods import DAY_MS, parse_instant
from llmtrack.domain.roles import Permission
from llmtrack.storage.audit import (
    PAGE_ENTRIES,
    Filters,
    InstanceLog,
    actions_and_actors,
    list_entries,
)
from llmtrack.storage.scope import Scope
from llmtrack.web.auth import require, require_admin
from llmtrack.web.context import CLOCK_MS, DATABASE, SCOPE
from llmtrack.web.render import page

ACTORS_MAX = 200
"""To choose from; a server that strangers knock at has met many."""
NAMES = ("action", "actor", "from", "to")


@require(Permission.READ_AUDIT)
async def get_audit(request: web.Request) -> web.StreamResponse:
    """`GET /w/{workspace}/audit`."""
    scope = request[SCOPE]
    return await _page(request, scope, scope.time_zone)


@require_admin
async def get_instance_audit(request: web.Request) -> web.StreamResponse:
    """`GET /instance/audit`: accounts, sign-ins and what failed."""
    return await _page(request, InstanceLog(request.app[DATABASE]), "UTC")


async def _page(request: web.Request, log: Scope | InstanceLog, time_zone: str) -> web.Response:
    chosen = {name: request.query.get(name, "").strip()[:200] for name in NAMES}
    problems: list[str] = []
    filters = Filters(
        action=chosen["action"] or None,
        actor=chosen["actor"] or None,
        start_ms=_day("from", chosen["from"], time_zone, problems),
        end_ms=_day("to", chosen["to"], time_zone, problems),
    )
    if filters.end_ms is not None:
        filters = filters._replace(end_ms=filters.end_ms + DAY_MS)
    before = request.query.get("before", "")
    before_id = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None
    entries = await list_entries(log, filters, before_id=before_id, most=PAGE_ENTRIES + 1)
    actions, actors = await actions_and_actors(log)
    shown = entries[:PAGE_ENTRIES]
    older = [*((name, value) for name, value in chosen.items() if value)]
    if len(entries) > PAGE_ENTRIES:
        older.append(("before", str(shown[-1].id)))
    return page(
        request,
        "audit.html",
        now_ms=request.app[CLOCK_MS](),
        entries=[(entry, _words(entry.details)) for entry in shown],
        chosen=chosen,
        is_filtered=any(chosen.values()),
        actions=actions,
        actors=actors[:ACTORS_MAX],
        is_instance=isinstance(log, InstanceLog),
        problems=problems,
        url=request.path,
        older_url=f"{request.path}?{urlencode(older)}" if len(entries) > PAGE_ENTRIES else None,
    )


def _day(name: str, text: str, time_zone: str, problems: list[str]) -> int | None:
    if not text:
        return None
    try:
        return parse_instant(text, time_zone)
    except ValueError:
        problems.append(f"The date {text[:40]!r} after {name!r} was not understood: it is ignored.")
        return None


def _words(details: dict[str, object]) -> list[tuple[str, str]]:
    """Details as names and texts; what is not there is not shown."""
    return [
        (name.replace("_", " "), value if isinstance(value, str) else json.dumps(value))
        for name, value in details.items()
        if value is not None
    ]


ROUTES = [
    web.get("/w/{workspace}/audit", get_audit),
    web.get("/instance/audit", get_instance_audit),
]
