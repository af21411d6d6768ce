"""Signing in and out, and the way from `/` to a workspace."""

from typing import NamedTuple

from aiohttp import web

from llmtrack.domain.credentials import token_digest
from llmtrack.domain.errors import Refused
from llmtrack.storage.login_links import is_sign_in_link, redeem_sign_in_link
from llmtrack.storage.memberships import memberships
from llmtrack.storage.users import any_user, note_sign_in
from llmtrack.web.auth import see_other, sign_in_first, start_session, stop_session
from llmtrack.web.context import CLOCK_MS, DATABASE, SIGNED_IN
from llmtrack.web.forms import read_form
from llmtrack.web.password_checks import TooManyAttempts, attempt_succeeded, user_behind
from llmtrack.web.proof import need_proof
from llmtrack.web.render import page
from llmtrack.web.theme import local_path

WRONG = "E-mail and password do not fit together."
HELD_MAX = 200


class Attempt(NamedTuple):
    email: str
    password: str
    next_path: str


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
    return await _form(request, Attempt("", "", next_path))


async def post_sign_in(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ("email", "password", "next"))
    email = form["email"].strip().lower()
    attempt = Attempt(email, form["password"], local_path(form["next"]))
    try:
        user = await user_behind(request, email, attempt.password)
    except TooManyAttempts as error:
        response = await _form(request, attempt, error=str(error), status=429)
        response.headers["Retry-After"] = str(error.wait_s)
        return response
    if user is None:
        return await _form(request, attempt, error=WRONG, status=422)
    attempt_succeeded(request, email)
    return await _welcome(request, user.id, attempt.next_path)


async def get_sign_in_link(request: web.Request) -> web.StreamResponse:
    """Only a button: previews and scanners fetch links, and must not use them up."""
    token = request.query.get("token", "")
    database, now_ms = request.app[DATABASE], request.app[CLOCK_MS]()
    if not await is_sign_in_link(database, token_digest(token), now_ms=now_ms):
        return await _form(request, Attempt("", "", "/"), error=_LINK_GONE, status=410)
    return page(request, "sign_in_link.html", token=token)


async def post_sign_in_link(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ("token",))
    digest, now_ms = token_digest(form["token"]), request.app[CLOCK_MS]()
    try:
        user_id = await request.app[DATABASE].write(redeem_sign_in_link, digest, now_ms=now_ms)
    except Refused:
        return await _form(request, Attempt("", "", "/"), error=_LINK_GONE, status=410)
    return await _welcome(request, user_id, "/", how="link")


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


async def _welcome(
    request: web.Request, user_id: int, next_path: str, *, how: str = "password"
) -> web.Response:
    response = see_other(next_path)
    await start_session(request, response, user_id, how=how)
    await request.app[DATABASE].write(note_sign_in, user_id, now_ms=request.app[CLOCK_MS]())
    return response


async def _form(
    request: web.Request, attempt: Attempt, *, error: str | None = None, status: int = 200
) -> web.Response:
    return page(
        request,
        "sign_in.html",
        status=status,
        set_up=await any_user(request.app[DATABASE]),
        email=attempt.email,
        next_path=attempt.next_path,
        error=error,
    )


ROUTES = [
    web.get("/", get_home),
    web.get("/sign-in", get_sign_in),
    web.post("/sign-in", post_sign_in),
    web.get("/sign-in/link", get_sign_in_link),
    web.post("/sign-in/link", post_sign_in_link),
    web.post("/proof", post_proof),
    web.post("/sign-out", post_sign_out),
]
