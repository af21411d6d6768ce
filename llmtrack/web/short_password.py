"""`/sign-in/password`: a short password was enough beside a second factor that is gone."""

from functools import partial

from aiohttp import web

from llmtrack.domain.errors import InvalidValue
from llmtrack.services.password_rules import check_password
from llmtrack.storage.audit import Actor
from llmtrack.storage.own_password import change_password
from llmtrack.web.context import CLOCK_MS, DATABASE, PASSWORD_POOL
from llmtrack.web.forms import read_form, sentence
from llmtrack.web.password_checks import TooManyAttempts, attempt_succeeded, user_behind
from llmtrack.web.render import page
from llmtrack.web.second_factor import half_way
from llmtrack.web.sign_in import NEW_PASSWORD, WRONG, welcome
from llmtrack.web.sso_rules import must_use_sso
from llmtrack.web.theme import local_path

FIELDS = ("email", "current_password", "password", "next")
NO_SESSION = b""
"""Nobody is signed in yet: every session ends with the old password."""


async def get_short_password(request: web.Request) -> web.StreamResponse:
    return _form(request, email="", next_path=local_path(request.query.get("next")))


async def post_short_password(request: web.Request) -> web.StreamResponse:
    """The present password opens nothing here but the way to a new one."""
    form = await read_form(request, FIELDS)
    app, email = request.app, form["email"].strip().lower()
    next_path = local_path(form["next"])
    again = partial(_form, request, email=email, next_path=next_path)
    try:
        user = await user_behind(request, email, form["current_password"])
    except TooManyAttempts as error:
        return again(error=str(error), status=429, wait_s=error.wait_s)
    if user is None or must_use_sso(app, user):
        return again(error=WRONG, status=422)
    attempt_succeeded(request, email)
    factor_first = await half_way(request, user, "password", next_path)
    if factor_first is not None:
        return factor_first
    try:
        check_password(form["password"], email=email)
    except InvalidValue as error:
        return again(error=sentence(error), status=422)
    await app[DATABASE].write_outside(
        change_password,
        user,
        password_hash=await app[PASSWORD_POOL].hash(form["password"]),
        session=NO_SESSION,
        actor=Actor(user.id, user.email, request.remote),
        now_ms=app[CLOCK_MS](),
    )
    return await welcome(request, user.id, next_path)


def _form(
    request: web.Request,
    *,
    email: str,
    next_path: str,
    error: str | None = None,
    status: int = 200,
    wait_s: int | None = None,
) -> web.Response:
    response = page(
        request, "short_password.html", status=status, email=email, next_path=next_path, error=error
    )
    if wait_s is not None:
        response.headers["Retry-After"] = str(wait_s)
    return response


ROUTES = [
    web.get(NEW_PASSWORD, get_short_password),
    web.post(NEW_PASSWORD, post_short_password),
]
