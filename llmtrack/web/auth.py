"""Who asks, and what opens to them: sessions, and the one gate to a workspace."""

import functools
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from aiohttp import web

from llmtrack.domain.credentials import mint_token, token_digest
from llmtrack.domain.roles import Permission, may
from llmtrack.storage.access_grants import scope_by_grant
from llmtrack.storage.audit import Actor
from llmtrack.storage.currencies import currency_of
from llmtrack.storage.memberships import memberships, scope_for_member
from llmtrack.storage.notices import shown_notices
from llmtrack.storage.scope import Scope
from llmtrack.storage.sessions import (
    LIFE_MS,
    create_session,
    end_session,
    find_session,
    touch_session,
)
from llmtrack.web.context import (
    CLOCK_MS,
    DATABASE,
    NEW_TOKEN,
    SCOPE,
    SIGNED_IN,
    SITE,
    SignedIn,
)
from llmtrack.web.numbers import shown_in
from llmtrack.web.proof import ask_for_proof, need_proof
from llmtrack.web.render import NOTICES, VIEWER, Viewer, WorkspaceChoice
from llmtrack.web.sso_rules import may_go_on

TOUCH_MS = 10 * 60_000
TOKEN_LENGTH_MAX = 100
WITHOUT_SESSION = ("/api/", "/static/")

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def recognise_user(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Put SIGNED_IN and VIEWER on a request whose cookie is a live session's."""
    if not request.path.startswith(WITHOUT_SESSION):
        token = request.cookies.get(cookie_name(request.app))
        if token and len(token) <= TOKEN_LENGTH_MAX:
            await _recognise(request, token_digest(token))
    return await handler(request)


async def _recognise(request: web.Request, digest: bytes) -> None:
    database, now_ms = request.app[DATABASE], request.app[CLOCK_MS]()
    session = await find_session(database, digest, now_ms=now_ms)
    if session is None or not may_go_on(request.app, session.user, session.how):
        return
    if now_ms - session.last_seen_ms >= TOUCH_MS:
        await database.write_outside(touch_session, digest, now_ms=now_ms)
    request[SIGNED_IN] = SignedIn(session.user, digest, session.proved_ms, session.how)
    request[VIEWER] = Viewer(session.user.email, is_admin=session.user.is_admin)


GATES: dict[Handler, Permission] = {}
"""Which permission each gated handler asks for."""


def check_gates(app: web.Application) -> None:
    """Refuse to start with a page of a workspace that nothing guards."""
    for route in app.router.routes():
        canonical = route.resource.canonical if route.resource else ""
        if canonical.startswith("/w/") and route.handler not in GATES:
            raise RuntimeError(f"{route.method} {canonical} has no gate: add @require(...)")


def require(permission: Permission) -> Callable[[Handler], Handler]:
    """The gate of every page under `/w/{workspace}`: SCOPE is on the request behind it.

    A workspace that is not the user's is a 404 like one that does not exist; a role that
    lacks the permission is a 403.
    """

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def guarded(request: web.Request) -> web.StreamResponse:
            signed_in = request.get(SIGNED_IN)
            if signed_in is None:
                return sign_in_first(request)
            scope, is_strict = await _opened(request, signed_in)
            if not may(scope.role, permission):
                who = signed_in.user.public_id
                log.warning("%s is %s and may not %s", who, scope.role, permission)
                raise web.HTTPForbidden
            if is_strict and not signed_in.has_second_factor:
                return see_other("/account?factor")
            request[SCOPE] = scope
            question = await ask_for_proof(request, permission)
            if question is not None:
                return question
            if permission is not Permission.EXPORT:  # a file shows none
                request[NOTICES] = await shown_notices(scope, now_ms=request.app[CLOCK_MS]())
            with shown_in(await currency_of(scope)):
                return await handler(request)

        GATES[guarded] = permission
        return guarded

    return decorate


async def _opened(request: web.Request, signed_in: SignedIn) -> tuple[Scope, bool]:
    """The workspace of the address, and whether it asks for a second factor; sets VIEWER.

    It opens to members, and to an administrator of the instance who has leave to look in.
    """
    database, user = request.app[DATABASE], signed_in.user
    public_id, now_ms = request.match_info["workspace"], request.app[CLOCK_MS]()
    found = await memberships(database, user.id)
    choices = [WorkspaceChoice(each.public_id, each.name) for each in found]
    if any(each.public_id == public_id for each in found) or not user.is_admin:
        scope = await scope_for_member(database, user.id, public_id)
        strict = {each.public_id for each in found if each.requires_second_factor}
        request[VIEWER] = Viewer(user.email, scope, choices, user.is_admin)
        return scope, public_id in strict
    granted = await scope_by_grant(database, user.id, public_id, now_ms=now_ms)
    request[VIEWER] = Viewer(user.email, granted.scope, choices, user.is_admin, granted.expires_ms)
    return granted.scope, granted.requires_second_factor


def sign_in_first(request: web.Request) -> web.Response:
    """Off to the sign-in page, and back here afterwards if coming back is safe."""
    location = "/sign-in"
    if request.method == "GET" and request.path != "/":
        location += "?next=" + quote(request.path_qs, safe="/")
    if request.headers.get("HX-Request") == "true":
        # A redirect would be followed by the script, and the page swapped into a part of it.
        return web.Response(status=204, headers={"HX-Redirect": location})
    return see_other(location)


def actor_of(request: web.Request) -> Actor:
    """The signed-in user of a request, for the audit log."""
    user = request[SIGNED_IN].user
    return Actor(user.id, user.email, request.remote)


def see_other(location: str) -> web.Response:
    return web.Response(status=303, headers={"Location": location})


def cookie_name(app: web.Application) -> str:
    """`__Host-` binds a cookie to this host, this path and TLS; plain http cannot have it."""
    return "__Host-llmtrack" if app[SITE].secure else "llmtrack"


def require_user(handler: Handler) -> Handler:
    """The gate of pages about the account itself, whatever its workspaces."""

    @functools.wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        signed_in = request.get(SIGNED_IN)
        if signed_in is None:
            return sign_in_first(request)
        choices = [
            WorkspaceChoice(membership.public_id, membership.name)
            for membership in await memberships(request.app[DATABASE], signed_in.user.id)
        ]
        request[VIEWER] = Viewer(signed_in.user.email, None, choices, signed_in.user.is_admin)
        return await handler(request)

    return guarded


def require_admin(handler: Handler) -> Handler:
    """The gate of pages about the instance; to anybody else they do not exist."""

    @require_user
    @functools.wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        if not request[SIGNED_IN].user.is_admin:
            raise web.HTTPNotFound
        question = None if request.method == "GET" else await need_proof(request)
        return question or await handler(request)

    return guarded


async def start_session(
    request: web.Request, response: web.Response, user_id: int, *, how: str = "password"
) -> bytes:
    """A new token at every sign-in; what the browser came with is worth nothing after it."""
    token, now_ms = mint_token(), request.app[CLOCK_MS]()
    database = request.app[DATABASE]
    before = request.get(SIGNED_IN)
    if before is not None:
        await database.write_outside(end_session, before.session)
    await database.write_outside(
        create_session,
        token.digest,
        user_id,
        how=how,
        now_ms=now_ms,
        ip=request.remote or "",
        user_agent=request.headers.get("User-Agent", ""),
    )
    _set_cookie(request, response, token.raw)
    return token.digest


async def stop_session(request: web.Request, response: web.Response) -> None:
    signed_in = request.get(SIGNED_IN)
    if signed_in is not None:
        await request.app[DATABASE].write_outside(end_session, signed_in.session)
    response.del_cookie(
        cookie_name(request.app),
        path="/",
        secure=request.app[SITE].secure,
        httponly=True,
        samesite="Lax",
    )
    response.headers["Clear-Site-Data"] = '"storage"'


async def send_new_token(request: web.Request, response: web.StreamResponse) -> None:
    """The signal `on_response_prepare`: an error page, too, takes a renewed session along."""
    raw, name = request.get(NEW_TOKEN), cookie_name(request.app)
    if raw is not None and name not in response.cookies:
        _set_cookie(request, response, raw)
        # The signal comes after cookies have become headers.
        response.headers.add("Set-Cookie", response.cookies[name].OutputString())


def _set_cookie(request: web.Request, response: web.StreamResponse, raw: str) -> None:
    response.set_cookie(
        cookie_name(request.app),
        raw,
        path="/",
        max_age=LIFE_MS // 1000,
        secure=request.app[SITE].secure,
        httponly=True,
        samesite="Lax",
    )
