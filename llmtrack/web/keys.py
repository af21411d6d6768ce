"""API keys: the list, a new one shown once inside working snippets, and its first event."""

from aiohttp import web

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.roles import Permission, may
from llmtrack.storage.keys import (
    Key,
    create_key,
    deactivate_key,
    delete_key,
    key_of,
    list_keys,
    reactivate_key,
)
from llmtrack.storage.latest_event import LatestEvent, latest_event
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, FRESH_KEYS, SCOPE, SIGNED_IN, SITE
from llmtrack.web.forms import read_form
from llmtrack.web.render import page
from llmtrack.web.snippets import Snippets, snippets_for

LIST = "/w/{workspace}/keys"
ONE = "/w/{workspace}/keys/{key}"

NOTHING_YET = "nothing"
REFUSED = "refused"
ARRIVED = "arrived"


@require(Permission.READ)
async def get_keys(request: web.Request) -> web.StreamResponse:
    return await _list(request)


@require(Permission.MANAGE_KEYS)
async def post_keys(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ("name", "source"))
    scope, signed_in, now_ms = request[SCOPE], request[SIGNED_IN], request.app[CLOCK_MS]()
    try:
        created = await scope.write(
            create_key,
            name=form["name"],
            source=form["source"],
            actor=actor_of(request),
            now_ms=now_ms,
        )
    except InvalidValue as error:
        return await _list(request, form=form, error=error)
    key = created.key
    request.app[FRESH_KEYS].put(signed_in.session, key.public_id, created.raw, now_ms)
    return see_other(_url(request, key))


@require(Permission.READ)
async def get_key(request: web.Request) -> web.StreamResponse:
    """A key's page; the raw key is in it the first time its maker opens it, and never again."""
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    key = await key_of(scope, request.match_info["key"], now_ms=now_ms)
    event = None
    if key.last_used_ms is not None or key.recent_events:
        event = await latest_event(scope, key.id, now_ms=now_ms)
    progress = _progress(key, event)
    asking = request.query.get("waiting")
    if asking is not None and request.headers.get("HX-Request-Type") == "partial":
        if asking == progress:
            return web.Response(status=204)
        return _page(request, key, event, raw=None)
    raw = None
    if request.method == "GET":
        session = request[SIGNED_IN].session
        raw = request.app[FRESH_KEYS].take(session, key.public_id, now_ms)
    return _page(request, key, event, raw=raw)


@require(Permission.MANAGE_KEYS)
async def post_deactivation(request: web.Request) -> web.StreamResponse:
    now_ms = request.app[CLOCK_MS]()
    await request[SCOPE].write(
        deactivate_key, request.match_info["key"], actor=actor_of(request), now_ms=now_ms
    )
    return see_other(_list_url(request))


@require(Permission.MANAGE_KEYS)
async def post_reactivation(request: web.Request) -> web.StreamResponse:
    now_ms = request.app[CLOCK_MS]()
    await request[SCOPE].write(
        reactivate_key, request.match_info["key"], actor=actor_of(request), now_ms=now_ms
    )
    return see_other(_list_url(request))


@require(Permission.MANAGE_KEYS)
async def get_deletion(request: web.Request) -> web.StreamResponse:
    now_ms = request.app[CLOCK_MS]()
    key = await key_of(request[SCOPE], request.match_info["key"], now_ms=now_ms)
    return page(
        request,
        "key_deletion.html",
        now_ms=now_ms,
        key=key,
        list_url=_list_url(request),
        url=_url(request, key),
    )


@require(Permission.MANAGE_KEYS)
async def post_deletion(request: web.Request) -> web.StreamResponse:
    now_ms = request.app[CLOCK_MS]()
    await request[SCOPE].write(
        delete_key, request.match_info["key"], actor=actor_of(request), now_ms=now_ms
    )
    return see_other(_list_url(request))


async def _list(
    request: web.Request, *, form: dict[str, str] | None = None, error: InvalidValue | None = None
) -> web.Response:
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    return page(
        request,
        "keys.html",
        status=422 if error else 200,
        now_ms=now_ms,
        keys=await list_keys(scope, now_ms=now_ms),
        list_url=_list_url(request),
        may_manage=may(scope.role, Permission.MANAGE_KEYS),
        form=form or {"name": "", "source": ""},
        error_field=error.field if error else None,
        error_text=f"{error}".capitalize() + "." if error else "",
    )


def _page(
    request: web.Request, key: Key, event: LatestEvent | None, *, raw: str | None
) -> web.Response:
    site = request.app[SITE]
    snippets: Snippets = snippets_for(site.base_url, raw)
    return page(
        request,
        "key.html",
        now_ms=request.app[CLOCK_MS](),
        key=key,
        event=event,
        raw=raw,
        progress=_progress(key, event),
        snippets=snippets,
        certificate_file=site.certificate_file,
        url=_url(request, key),
        list_url=_list_url(request),
        overview_url=f"/w/{request[SCOPE].public_id}/",
        may_manage=may(request[SCOPE].role, Permission.MANAGE_KEYS),
    )


def _progress(key: Key, event: LatestEvent | None) -> str:
    """How far the first event has come; a use without an event is a refused one."""
    if event is not None:
        return ARRIVED
    return NOTHING_YET if key.last_used_ms is None else REFUSED


def _list_url(request: web.Request) -> str:
    return f"/w/{request[SCOPE].public_id}/keys"


def _url(request: web.Request, key: Key) -> str:
    return f"{_list_url(request)}/{key.public_id}"


ROUTES = [
    web.get(LIST, get_keys),
    web.post(LIST, post_keys),
    web.get(ONE, get_key),
    web.post(f"{ONE}/deactivation", post_deactivation),
    web.post(f"{ONE}/reactivation", post_reactivation),
    web.get(f"{ONE}/deletion", get_deletion),
    web.post(f"{ONE}/deletion", post_deletion),
]
