"""For supervisors and scrapers: /healthz, /readyz, /metrics. No page, no session."""

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from llmtrack.services.vitals import Vitals, exposition
from llmtrack.web.context import DATABASE

VITALS = web.AppKey("vitals", Vitals)
READY_TIMEOUT_S = 3.0
UNMATCHED = "unmatched"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count answers by route, never by path: ids in paths would make a series each."""
    begun = time.perf_counter()
    status = 500
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else UNMATCHED
        vitals = request.app[VITALS]
        vitals.note(request.method, route, status, time.perf_counter() - begun)
    return response


async def get_health(request: web.Request) -> web.Response:  # noqa: ARG001 - it only has to answer
    """The process lives and its loop turns; says nothing of the database."""
    return web.Response(text="ok\n")


async def get_ready(request: web.Request) -> web.Response:
    """200 if events can be stored and pages be read now, else 503 with the reason."""
    checks = {
        "database": await _database_fault(request),
        "disk": "full: events are refused" if request.app[VITALS].is_disk_full else None,
    }
    is_ready = not any(checks.values())
    body = {
        "status": "pass" if is_ready else "fail",
        "checks": {name: fault or "pass" for name, fault in checks.items()},
    }
    return web.json_response(body, status=200 if is_ready else 503)


async def get_metrics(request: web.Request) -> web.Response:
    vitals = request.app[VITALS]
    if not vitals.access.is_on:
        raise web.HTTPNotFound
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    by_token = (
        bool(vitals.access.token)
        and scheme.lower() == "bearer"
        and hmac.compare_digest(token.encode(), vitals.access.token.encode())
    )
    if not by_token and not vitals.access.allows(request.remote):
        raise web.HTTPUnauthorized(
            text="Metrics need the token of the setting metrics.token, or an address of "
            "metrics.allow.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    text = exposition(await vitals.samples(request.app[DATABASE]))
    return web.Response(text=text, content_type="text/plain", charset="utf-8")


async def _database_fault(request: web.Request) -> str | None:
    """A read and a turn of the writer: both must come through in time."""
    database = request.app[DATABASE]
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            async with database.reading():
                pass
            await database.turn()
    except TimeoutError:
        return "busy for too long"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not ready
        return type(error).__name__
    return None


ROUTES = [
    web.get("/healthz", get_health),
    web.get("/readyz", get_ready),
    web.get("/metrics", get_metrics),
]
