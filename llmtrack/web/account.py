"""`/account`: one's own password, sessions and workspaces."""

from aiohttp import web

from llmtrack.domain.errors import InvalidValue
from llmtrack.services.password_rules import check_password
from llmtrack.storage.identities import list_identities, unlink_identity
from llmtrack.storage.memberships import memberships
from llmtrack.storage.own_password import change_password
from llmtrack.storage.second_factors import list_factors, recovery_codes_left
from llmtrack.storage.sessions import PROOF_MS, list_sessions, revoke_session, revoke_sessions
from llmtrack.web.auth import actor_of, require_user, see_other
from llmtrack.web.context import CLOCK_MS, DATABASE, FRESH_KEYS, PASSWORD_POOL, SIGNED_IN
from llmtrack.web.forms import read_form, sentence
from llmtrack.web.password_checks import TooManyAttempts, attempt_succeeded, user_behind
from llmtrack.web.proof import need_proof, renew_session
from llmtrack.web.render import page
from llmtrack.web.second_factor import CODES
from llmtrack.web.sso_rules import provider_label

ACCOUNT = "/account"


@require_user
async def get_account(request: web.Request) -> web.StreamResponse:
    return await account_page(request)


@require_user
async def post_password(request: web.Request) -> web.StreamResponse:
    """The present password proves who asks; without one a link or a proof of a moment ago."""
    form = await read_form(request, ("current_password", "password"))
    signed_in, now_ms = request[SIGNED_IN], request.app[CLOCK_MS]()
    user, database = signed_in.user, request.app[DATABASE]
    try:
        if user.has_password and not _came_by_link(request):
            await _check_current(request, form["current_password"])
        elif (question := await need_proof(request)) is not None:
            return question
        has_factor = bool(await list_factors(database, user.id))
        check_password(form["password"], email=user.email, second_factor=has_factor)
    except InvalidValue as error:
        return await account_page(request, error=error)
    await database.write_outside(
        change_password,
        user,
        password_hash=await request.app[PASSWORD_POOL].hash(form["password"]),
        session=request[SIGNED_IN].session,
        actor=actor_of(request),
        now_ms=now_ms,
    )
    await renew_session(request)
    return see_other(f"{ACCOUNT}?done=password")


@require_user
async def post_identity_removal(request: web.Request) -> web.StreamResponse:
    question = await need_proof(request)
    if question is not None:
        return question
    await request.app[DATABASE].write_outside(
        unlink_identity,
        request[SIGNED_IN].user,
        request.match_info["identity"],
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(ACCOUNT)


@require_user
async def post_session_end(request: web.Request) -> web.StreamResponse:
    await request.app[DATABASE].write_outside(
        revoke_session,
        request[SIGNED_IN].user,
        request.match_info["session"],
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(ACCOUNT)


@require_user
async def post_other_sessions_end(request: web.Request) -> web.StreamResponse:
    signed_in = request[SIGNED_IN]
    await request.app[DATABASE].write_outside(
        revoke_sessions,
        signed_in.user,
        but=signed_in.session,
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(ACCOUNT)


async def account_page(request: web.Request, *, error: InvalidValue | None = None) -> web.Response:
    database, now_ms, signed_in = request.app[DATABASE], request.app[CLOCK_MS](), request[SIGNED_IN]
    user_id = signed_in.user.id
    return page(
        request,
        "account.html",
        status=422 if error else 200,
        now_ms=now_ms,
        user=signed_in.user,
        done=request.query.get("done"),
        needs_factor="factor" in request.query,
        factors=await list_factors(database, user_id),
        asks_password=signed_in.user.has_password and not _came_by_link(request),
        codes_left=await recovery_codes_left(database, user_id),
        codes=request.app[FRESH_KEYS].take(signed_in.session, CODES, now_ms),
        memberships=await memberships(database, user_id),
        sso=provider_label(request.app),
        identities=await list_identities(database, user_id),
        sessions=await list_sessions(database, user_id, asking=signed_in.session, now_ms=now_ms),
        error_field=error.field if error else None,
        error_text=sentence(error) if error else "",
    )


def _came_by_link(request: web.Request) -> bool:
    """A moment ago, for want of the password."""
    signed_in = request[SIGNED_IN]
    age_ms = request.app[CLOCK_MS]() - signed_in.proved_ms
    return signed_in.by_link and age_ms < PROOF_MS


async def _check_current(request: web.Request, password: str) -> None:
    """Raises InvalidValue."""
    email = request[SIGNED_IN].user.email
    try:
        user = await user_behind(request, email, password)
    except TooManyAttempts as error:
        raise InvalidValue("current_password", str(error).rstrip(".")) from error
    if user is None:
        raise InvalidValue("current_password", "that is not your present password")
    attempt_succeeded(request, email)


ROUTES = [
    web.get(ACCOUNT, get_account),
    web.post(f"{ACCOUNT}/password", post_password),
    web.post(f"{ACCOUNT}/identities/{{identity}}/removal", post_identity_removal),
    web.post(f"{ACCOUNT}/sessions/end-others", post_other_sessions_end),
    web.post(f"{ACCOUNT}/sessions/{{session}}/end", post_session_end),
]
