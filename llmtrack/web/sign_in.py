"""Signing in and out, and the way from `/` to a workspace."""

from functools import partial
from urllib.parse import urlencode

from aiohttp import web

from llmtrack.domain.credentials import token_digest
from llmtrack.domain.errors import Refused
from llmtrack.domain.password_rules import is_long_enough
from llmtrack.storage.login_links import is_sign_in_link, redeem_sign_in_link
from llmtrack.storage.memberships import memberships
from llmtrack.storage.second_factors import list_factors
from llmtrack.storage.users import any_user, note_sign_in, user_of_id
from llmtrack.web.auth import see_other, sign_in_first, start_session, stop_session
from llmtrack.web.context import (
    BY_LINK,
    BY_MAIL,
    CLOCK_MS,
    DATABASE,
    MAILER,
    SIGNED_IN,
    SITE,
    WITH_CODE,
)
from llmtrack.web.forms import read_form
from llmtrack.web.passkey_checks import party_of
from llmtrack.web.password_checks import (
    TooManyAttempts,
    attempt_succeeded,
    begin_attempt,
    note_failure,
    user_behind,
)
from llmtrack.web.pending_steps import PENDING_STEPS, HalfSignedIn
from llmtrack.web.proof import need_proof
from llmtrack.web.render import page
from llmtrack.web.second_factor import (
    code_fits,
    half_way,
    pending_of,
    step_cookie,
)
from llmtrack.web.sso_rules import is_sso_required, must_use_sso, provider_label
from llmtrack.web.theme import local_path

WRONG = "E-mail and password do not fit together."
NEW_PASSWORD = "/sign-in/password"  # noqa: S105 - a path


async def get_home(request: web.Request) -> web.StreamResponse:
    """`GET /`: the first of the user's workspaces."""
    signed_in = request.get(SIGNED_IN)
    if signed_in is None:
        return sign_in_first(request)
    found = await memberships(request.app[DATABASE], signed_in.user.id)
    if not found:
        raise web.HTTPForbidden(text="You are a member of no workspace yet. Ask an owner of one.")
    return see_other(f"/w/{found[0].public_id}/")


async def get_sign_in(request: web.Request) -> web.StreamResponse:
    next_path = local_path(request.query.get("next"))
    if SIGNED_IN in request:
        return see_other(next_path)
    return await sign_in_page(request, next_path=next_path)


async def post_sign_in(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ("email", "password", "next"))
    email = form["email"].strip().lower()
    next_path = local_path(form["next"])
    again = partial(sign_in_page, request, email=email, next_path=next_path)
    try:
        user = await user_behind(request, email, form["password"])
    except TooManyAttempts as error:
        response = await again(error=str(error), status=429)
        response.headers["Retry-After"] = str(error.wait_s)
        return response
    if user is None:
        return await again(error=WRONG, status=422)
    attempt_succeeded(request, email)
    if must_use_sso(request.app, user):
        return await _use_sso(request, email=email, next_path=next_path)
    factor_first = await half_way(request, user, "password", next_path)
    if factor_first is None and not is_long_enough(form["password"]):
        return see_other(f"{NEW_PASSWORD}?{urlencode({'next': next_path})}")
    return factor_first or await welcome(request, user.id, next_path)


async def get_sign_in_link(request: web.Request) -> web.StreamResponse:
    """Only a button: previews and scanners fetch links, and must not use them up."""
    token = request.query.get("token", "")
    database, now_ms = request.app[DATABASE], request.app[CLOCK_MS]()
    if not await is_sign_in_link(database, token_digest(token), now_ms=now_ms):
        return await sign_in_page(request, error=_LINK_GONE, status=410)
    return page(request, "sign_in_link.html", token=token)


async def post_sign_in_link(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ("token",))
    digest, now_ms = token_digest(form["token"]), request.app[CLOCK_MS]()
    try:
        link = await request.app[DATABASE].write_outside(redeem_sign_in_link, digest, now_ms=now_ms)
    except Refused:
        return await sign_in_page(request, error=_LINK_GONE, status=410)
    user, how = await user_of_id(request.app[DATABASE], link.user_id), BY_LINK
    if link.is_mailed:
        how = BY_MAIL
        if must_use_sso(request.app, user):  # since a moment ago
            return await _use_sso(request)
    return await half_way(request, user, how, "/") or await welcome(request, user.id, "/", how=how)


async def get_sign_in_code(request: web.Request) -> web.StreamResponse:
    _, step = pending_of(request)
    return await code_page(request, step) if step else see_other("/sign-in")


async def post_sign_in_code(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ("code",))
    digest, step = pending_of(request)
    if step is None:
        return see_other("/sign-in")
    account = f"code of {step.user.public_id}"
    try:
        await begin_attempt(request, account)
    except TooManyAttempts as error:
        return await code_page(request, step, status=429, error=str(error))
    if not await code_fits(request, step.user, form["code"]):
        await note_failure(request, step.user, account, step="code")
        return await code_page(request, step, status=422, error="That code does not fit.")
    attempt_succeeded(request, account)
    request.app[PENDING_STEPS].drop(digest)
    response = await welcome(request, step.user.id, step.next_path, how=step.how + WITH_CODE)
    response.del_cookie(step_cookie(request), path="/", secure=request.app[SITE].secure)
    return response


async def post_sign_out(request: web.Request) -> web.StreamResponse:
    await read_form(request, ()) if request.body_exists else None
    response = see_other("/sign-in")
    await stop_session(request, response)
    return response


async def post_proof(request: web.Request) -> web.StreamResponse:
    """Prove to be there, then go on to the page that needs it."""
    if SIGNED_IN not in request:
        return sign_in_first(request)
    form = await read_form(request, ("next",))
    return await need_proof(request) or see_other(local_path(form["next"]))


_LINK_GONE = "This link has been used or is too old. Ask for another one, or sign in here."


async def welcome(
    request: web.Request, user_id: int, next_path: str, *, how: str = "password"
) -> web.Response:
    response = see_other(next_path)
    await start_session(request, response, user_id, how=how)
    now_ms = request.app[CLOCK_MS]()
    await request.app[DATABASE].write_outside(
        note_sign_in, user_id, how=how, ip=request.remote, now_ms=now_ms
    )
    return response


async def code_page(
    request: web.Request, step: HalfSignedIn, *, error: str | None = None, status: int = 200
) -> web.Response:
    factors = await list_factors(request.app[DATABASE], step.user.id)
    return page(
        request,
        "sign_in_code.html",
        status=status,
        kinds={factor.kind for factor in factors},
        party=party_of(request.app[SITE]),
        error=error,
    )


async def _use_sso(request: web.Request, *, email: str = "", next_path: str = "/") -> web.Response:
    text = f"Sign in with {provider_label(request.app)} here."
    return await sign_in_page(request, email=email, next_path=next_path, error=text, status=403)


async def sign_in_page(
    request: web.Request,
    *,
    email: str = "",
    next_path: str = "/",
    error: str | None = None,
    status: int = 200,
) -> web.Response:
    return page(
        request,
        "sign_in.html",
        status=status,
        set_up=await any_user(request.app[DATABASE]),
        email=email,
        next_path=next_path,
        party=party_of(request.app[SITE]),
        has_mail=MAILER in request.app,
        sso=provider_label(request.app),
        sso_required=is_sso_required(request.app),
        error=error,
    )


ROUTES = [
    web.get("/", get_home),
    web.get("/sign-in", get_sign_in),
    web.post("/sign-in", post_sign_in),
    web.get("/sign-in/link", get_sign_in_link),
    web.post("/sign-in/link", post_sign_in_link),
    web.get("/sign-in/code", get_sign_in_code),
    web.post("/sign-in/code", post_sign_in_code),
    web.post("/proof", post_proof),
    web.post("/sign-out", post_sign_out),
]
