"""API keys: the list, a new one shown once inside working snippets, and its first event."""

from collections.abc import Mapping

from aiohttp import web

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.roles import Permission, may
from llmtrack.storage.keys import Key, create_key, key_of, list_keys
from llmtrack.storage.latest_event import LatestEvent, latest_event
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, FRESH_KEYS, SCOPE, SIGNED_IN, SITE
from llmtrack.web.forms import read_form, sentence
from llmtrack.web.key_forms import CREATE_FIELDS, EMPTY, form_of, read_key_form
from llmtrack.web.render import page
from llmtrack.web.snippets import snippets_for

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
    form = await read_form(request, CREATE_FIELDS)
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    try:
        read = read_key_form(form, scope.time_zone)
        created = await scope.write(
            create_key,
            name=read.name,
            source=read.source,
            terms=read.terms,
            actor=actor_of(request),
            now_ms=now_ms,
        )
    except InvalidValue as error:
        return await _list(request, form=form, error=error)
    public_id = created.key.public_id
    request.app[FRESH_KEYS].put(request[SIGNED_IN].session, public_id, created.raw, now_ms)
    return see_other(key_url(request, public_id))


@require(Permission.READ)
async def get_key(request: web.Request) -> web.StreamResponse:
    """A key's page; the raw key is in it the first time its maker opens it, and never again."""
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    key = await key_of(scope, request.match_info["key"], now_ms=now_ms)
    asking = request.query.get("waiting")
    if asking is not None and request.headers.get("HX-Request-Type") == "partial":
        if asking == _progress(key, await _latest(request, key)):
            return web.Response(status=204)
        return await key_page(request, key)
    raw = None
    if request.method == "GET":
        session = request[SIGNED_IN].session
        raw = request.app[FRESH_KEYS].take(session, key.public_id, now_ms)
    return await key_page(request, key, raw=raw)


async def key_page(
    request: web.Request,
    key: Key,
    *,
    raw: str | None = None,
    form: Mapping[str, str] | None = None,
    error: InvalidValue | None = None,
) -> web.Response:
    """`form` and `error`: what was typed into the settings, and what is wrong with it."""
    site, scope, now_ms = request.app[SITE], request[SCOPE], request.app[CLOCK_MS]()
    event = await _latest(request, key)
    return page(
        request,
        "key.html",
        status=422 if error else 200,
        now_ms=now_ms,
        key=key,
        event=event,
        raw=raw,
        progress=_progress(key, event),
        snippets=snippets_for(site.base_url, raw),
        certificate_file=site.certificate_file,
        url=key_url(request, key.public_id),
        list_url=list_url(request),
        overview_url=f"/w/{scope.public_id}/",
        may_manage=may(scope.role, Permission.MANAGE_KEYS),
        base_url=site.base_url,
        form=form or form_of(key, scope.time_zone),
        error_field=error.field if error else None,
        error_text=sentence(error) if error else "",
    )


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
        list_url=list_url(request),
        may_manage=may(scope.role, Permission.MANAGE_KEYS),
        form=form or EMPTY,
        error_field=error.field if error else None,
        error_text=sentence(error) if error else "",
    )


async def _latest(request: web.Request, key: Key) -> LatestEvent | None:
    if key.last_used_ms is None and not key.recent_events:
        return None
    return await latest_event(request[SCOPE], key.id, now_ms=request.app[CLOCK_MS]())


def _progress(key: Key, event: LatestEvent | None) -> str:
    """How far the first event has come; a use without an event is a refused one."""
    if event is not None:
        return ARRIVED
    return NOTHING_YET if key.last_used_ms is None else REFUSED


def list_url(request: web.Request) -> str:
    return f"/w/{request[SCOPE].public_id}/keys"


def key_url(request: web.Request, public_id: str) -> str:
    return f"{list_url(request)}/{public_id}"


ROUTES = [web.get(LIST, get_keys), web.post(LIST, post_keys), web.get(ONE, get_key)]
