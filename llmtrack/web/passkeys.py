"""Passkeys: adding one on the account page, and signing in with one, alone or as second step."""

from functools import partial

from aiohttp import web

from llmtrack.domain.credentials import mint_token, token_digest
from llmtrack.domain.errors import InvalidValue, LLMtrackError
from llmtrack.domain.passkeys import PasskeyRefused
from llmtrack.storage.passkeys import add_passkey
from llmtrack.storage.second_factors import recovery_codes_left
from llmtrack.web.auth import actor_of, cookie_name, require_user, see_other
from llmtrack.web.context import (
    CLOCK_MS,
    DATABASE,
    PASSKEY,
    SIGNED_IN,
    SITE,
    WITH_PASSKEY,
)
from llmtrack.web.forms import read_form, sentence
from llmtrack.web.passkey_challenges import LIFE_MS
from llmtrack.web.passkey_checks import (
    Asked,
    assertion_options,
    new_passkey,
    party_of,
    passkey_behind,
    registration_options,
)
from llmtrack.web.password_checks import (
    TooManyAttempts,
    attempt_succeeded,
    begin_attempt,
    note_failure,
)
from llmtrack.web.pending_steps import PENDING_STEPS
from llmtrack.web.proof import PROOF, need_proof, renew_session
from llmtrack.web.render import page
from llmtrack.web.second_factor import new_codes, pending_of, step_cookie
from llmtrack.web.sign_in import code_page, sign_in_page, welcome
from llmtrack.web.sso_rules import must_use_sso, provider_label
from llmtrack.web.theme import local_path

SIGN_IN, STEP, ENROL = "sign in", "second step", "enrol"
MISSING = "The browser sent no passkey. It needs JavaScript for that."


async def post_sign_in_options(request: web.Request) -> web.StreamResponse:
    """Whose it is, the passkey will say: the browser is known by a cookie of its own."""
    await read_form(request, ())
    token = mint_token()
    response = await assertion_options(request, Asked(token.digest, SIGN_IN))
    response.set_cookie(
        _browser_cookie(request),
        token.raw,
        path="/",
        max_age=LIFE_MS // 1000,
        secure=request.app[SITE].secure,
        httponly=True,
        samesite="Strict",
    )
    return response


async def post_sign_in_passkey(request: web.Request) -> web.StreamResponse:
    """Both factors in one: the authenticator has verified who uses it."""
    form = await read_form(request, ("credential", "next"))
    next_path = local_path(form["next"])
    browser = token_digest(request.cookies.get(_browser_cookie(request), ""))
    again = partial(sign_in_page, request, next_path=next_path)
    account = f"passkey from {request.remote}"
    try:
        await begin_attempt(request, account)
        user = await passkey_behind(request, Asked(browser, SIGN_IN), _answer(form))
        if must_use_sso(request.app, user):
            raise PasskeyRefused(f"Sign in with {provider_label(request.app)} here.")  # noqa: TRY301
    except TooManyAttempts as error:
        return await again(error=str(error), status=429)
    except PasskeyRefused as error:
        await note_failure(request, None, account, step="passkey")
        return await again(error=str(error), status=422)
    attempt_succeeded(request, account)
    response = await welcome(request, user.id, next_path, how=PASSKEY)
    response.del_cookie(_browser_cookie(request), path="/", secure=request.app[SITE].secure)
    return response


async def post_step_options(request: web.Request) -> web.StreamResponse:
    await read_form(request, ())
    digest, step = pending_of(request)
    if step is None:
        raise web.HTTPConflict(text="This sign-in took too long. Begin again.")
    return await assertion_options(request, Asked(digest, STEP, step.user))


async def post_step_passkey(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ("credential",))
    digest, step = pending_of(request)
    if step is None:
        return see_other("/sign-in")
    account = f"code of {step.user.public_id}"
    try:
        await begin_attempt(request, account)
        await passkey_behind(request, Asked(digest, STEP, step.user), _answer(form))
    except TooManyAttempts as error:
        return await code_page(request, step, error=str(error), status=429)
    except PasskeyRefused as error:
        await note_failure(request, step.user, account, step="passkey")
        return await code_page(request, step, error=str(error), status=422)
    attempt_succeeded(request, account)
    request.app[PENDING_STEPS].drop(digest)
    how = step.how + WITH_PASSKEY
    response = await welcome(request, step.user.id, step.next_path, how=how)
    response.del_cookie(step_cookie(request), path="/", secure=request.app[SITE].secure)
    return response


@require_user
async def post_proof_options(request: web.Request) -> web.StreamResponse:
    """For the page that asks for a proof, which takes the answer along in its form."""
    await read_form(request, ())
    signed_in = request[SIGNED_IN]
    return await assertion_options(request, Asked(signed_in.session, PROOF, signed_in.user))


@require_user
async def get_enrolment(request: web.Request) -> web.StreamResponse:
    return await need_proof(request) or _enrolment_page(request)


@require_user
async def post_enrolment_options(request: web.Request) -> web.StreamResponse:
    question = await need_proof(request)
    if question is not None:
        return question
    await read_form(request, ())
    signed_in = request[SIGNED_IN]
    return await registration_options(request, Asked(signed_in.session, ENROL), signed_in.user)


@require_user
async def post_enrolment(request: web.Request) -> web.StreamResponse:
    question = await need_proof(request)
    if question is not None:
        return question
    form = await read_form(request, ("name", "credential"))
    signed_in, database = request[SIGNED_IN], request.app[DATABASE]
    try:
        made = await new_passkey(request, Asked(signed_in.session, ENROL), _answer(form))
        await database.write_outside(
            add_passkey,
            signed_in.user,
            name=form["name"] or "Passkey",
            **made._asdict(),
            actor=actor_of(request),
            now_ms=request.app[CLOCK_MS](),
        )
    except LLMtrackError as error:
        return _enrolment_page(request, name=form["name"], error=error)
    how = signed_in.how if signed_in.has_second_factor else signed_in.how + WITH_PASSKEY
    await renew_session(request, how=how)
    if await recovery_codes_left(database, signed_in.user.id):
        return see_other("/account")
    return await new_codes(request)


def _enrolment_page(
    request: web.Request, *, name: str = "", error: LLMtrackError | None = None
) -> web.Response:
    is_name = isinstance(error, InvalidValue)
    # Those of passkeys are sentences already.
    text = str(error) if isinstance(error, PasskeyRefused) else sentence(error) if error else ""
    return page(
        request,
        "passkey.html",
        status=422 if error else 200,
        party=party_of(request.app[SITE]),
        name=name,
        error_field="name" if is_name else None,
        error_text=text,
    )


def _answer(form: dict[str, str]) -> str:
    """Raises PasskeyRefused."""
    if not form["credential"]:
        raise PasskeyRefused(MISSING)
    return form["credential"]


def _browser_cookie(request: web.Request) -> str:
    return f"{cookie_name(request.app)}_passkey"


ROUTES = [
    web.post("/sign-in/passkey", post_sign_in_passkey),
    web.post("/sign-in/passkey/options", post_sign_in_options),
    web.post("/sign-in/code/passkey", post_step_passkey),
    web.post("/sign-in/code/passkey/options", post_step_options),
    web.get("/account/passkeys/new", get_enrolment),
    web.post("/account/passkeys", post_enrolment),
    web.post("/account/passkeys/options", post_enrolment_options),
    web.post("/account/proof/options", post_proof_options),
]
