"""What is done to a key: edit, rotate, switch off and on, delete."""

from aiohttp import web

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.roles import Permission
from llmtrack.storage.key_changes import (
    deactivate_key,
    delete_key,
    edit_key,
    end_old_secret,
    reactivate_key,
    rotate_key,
)
from llmtrack.storage.keys import key_of
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, FRESH_KEYS, SCOPE, SIGNED_IN
from llmtrack.web.forms import read_form
from llmtrack.web.key_forms import EDIT_FIELDS, read_key_form
from llmtrack.web.keys import ONE, key_page, key_url, list_url
from llmtrack.web.render import page


@require(Permission.MANAGE_KEYS)
async def post_edit(request: web.Request) -> web.StreamResponse:
    form, scope = await read_form(request, EDIT_FIELDS), request[SCOPE]
    public_id, now_ms = request.match_info["key"], request.app[CLOCK_MS]()
    try:
        read = read_key_form(form, scope.time_zone)
        await scope.write(
            edit_key,
            public_id,
            name=read.name,
            source=read.source,
            terms=read.terms,
            actor=actor_of(request),
            now_ms=now_ms,
        )
    except InvalidValue as error:
        key = await key_of(scope, public_id, now_ms=now_ms)
        return await key_page(request, key, form=form, error=error)
    return see_other(key_url(request, public_id))


@require(Permission.MANAGE_KEYS)
async def post_rotation(request: web.Request) -> web.StreamResponse:
    form, scope = await read_form(request, ("grace_days",)), request[SCOPE]
    public_id, now_ms = request.match_info["key"], request.app[CLOCK_MS]()
    days = form["grace_days"]
    raw = await scope.write(
        rotate_key,
        public_id,
        grace_days=int(days) if days.isascii() and days.isdigit() and len(days) < 4 else -1,
        actor=actor_of(request),
        now_ms=now_ms,
    )
    request.app[FRESH_KEYS].put(request[SIGNED_IN].session, public_id, raw, now_ms)
    return see_other(key_url(request, public_id))


@require(Permission.MANAGE_KEYS)
async def post_end_of_old_secret(request: web.Request) -> web.StreamResponse:
    public_id, now_ms = request.match_info["key"], request.app[CLOCK_MS]()
    await request[SCOPE].write(end_old_secret, public_id, actor=actor_of(request), now_ms=now_ms)
    return see_other(key_url(request, public_id))


@require(Permission.MANAGE_KEYS)
async def post_deactivation(request: web.Request) -> web.StreamResponse:
    now_ms = request.app[CLOCK_MS]()
    await request[SCOPE].write(
        deactivate_key, request.match_info["key"], actor=actor_of(request), now_ms=now_ms
    )
    return see_other(list_url(request))


@require(Permission.MANAGE_KEYS)
async def post_reactivation(request: web.Request) -> web.StreamResponse:
    now_ms = request.app[CLOCK_MS]()
    await request[SCOPE].write(
        reactivate_key, request.match_info["key"], actor=actor_of(request), now_ms=now_ms
    )
    return see_other(list_url(request))


@require(Permission.MANAGE_KEYS)
async def get_deletion(request: web.Request) -> web.StreamResponse:
    now_ms = request.app[CLOCK_MS]()
    key = await key_of(request[SCOPE], request.match_info["key"], now_ms=now_ms)
    return page(
        request,
        "key_deletion.html",
        now_ms=now_ms,
        key=key,
        list_url=list_url(request),
        url=key_url(request, key.public_id),
    )


@require(Permission.MANAGE_KEYS)
async def post_deletion(request: web.Request) -> web.StreamResponse:
    now_ms = request.app[CLOCK_MS]()
    await request[SCOPE].write(
        delete_key, request.match_info["key"], actor=actor_of(request), now_ms=now_ms
    )
    return see_other(list_url(request))


ROUTES = [
    web.post(f"{ONE}/edit", post_edit),
    web.post(f"{ONE}/rotation", post_rotation),
    web.post(f"{ONE}/old-secret", post_end_of_old_secret),
    web.post(f"{ONE}/deactivation", post_deactivation),
    web.post(f"{ONE}/reactivation", post_reactivation),
    web.get(f"{ONE}/deletion", get_deletion),
    web.post(f"{ONE}/deletion", post_deletion),
]
