"""Authenticator apps: enrolling one on the account page, and its code as the second step in."""

import base64

import segno
from aiohttp import web

from llmtrack.domain.credentials import mint_token, token_digest
from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.one_time_codes import (
    matching_step,
    mint_recovery_codes,
    new_secret,
    provisioning_uri,
    recovery_digest,
)
from llmtrack.storage.audit import Actor
from llmtrack.storage.second_factors import (
    add_totp,
    list_factors,
    remove_factor,
    set_recovery_codes,
    totp_secrets,
    use_recovery_code,
    use_step,
)
from llmtrack.storage.users import User
from llmtrack.web.auth import actor_of, cookie_name, require_user, see_other
from llmtrack.web.context import (
    CLOCK_MS,
    DATABASE,
    FRESH_KEYS,
    SECRET_BOX,
    SIGNED_IN,
    SITE,
    WITH_CODE,
)
from llmtrack.web.forms import read_form, sentence
from llmtrack.web.pending_steps import LIFE_MS, PENDING_STEPS, Enrolment, HalfSignedIn
from llmtrack.web.proof import need_proof, renew_session
from llmtrack.web.render import page

ISSUER = "LLMtrack"
CODES = "recovery-codes"


async def half_way(
    request: web.Request, user: User, how: str, next_path: str
) -> web.Response | None:
    """Off to the second step, if this user has one; None if there is none to take."""
    if not await list_factors(request.app[DATABASE], user.id):
        return None
    token, now_ms = mint_token(), request.app[CLOCK_MS]()
    step = HalfSignedIn(user, how, next_path, now_ms + LIFE_MS)
    request.app[PENDING_STEPS].put(token.digest, step, now_ms)
    response = see_other("/sign-in/code")
    response.set_cookie(
        step_cookie(request),
        token.raw,
        path="/",
        max_age=LIFE_MS // 1000,
        secure=request.app[SITE].secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def step_cookie(request: web.Request) -> str:
    return f"{cookie_name(request.app)}_step"


def pending_of(request: web.Request) -> tuple[bytes, HalfSignedIn | None]:
    digest = token_digest(request.cookies.get(step_cookie(request), ""))
    return digest, request.app[PENDING_STEPS].sign_in(digest, request.app[CLOCK_MS]())


async def code_fits(request: web.Request, user: User, code: str) -> bool:
    """A code of one of the user's apps, or a recovery code; each is used up by it."""
    database, now_ms = request.app[DATABASE], request.app[CLOCK_MS]()
    for totp in await totp_secrets(database, user.id):
        secret = request.app[SECRET_BOX].open(totp.sealed, user.public_id)
        if secret is None:
            continue
        step = matching_step(secret.decode(), code, now_ms=now_ms, after_step=totp.step)
        if step is not None:
            return await database.write_outside(
                use_step, user.id, totp.public_id, step=step, now_ms=now_ms
            )
    actor = Actor(user.id, user.email, request.remote)
    digest = recovery_digest(code)
    return await database.write_outside(use_recovery_code, user, digest, actor=actor, now_ms=now_ms)


@require_user
async def get_enrolment(request: web.Request) -> web.StreamResponse:
    """A new secret each time; it counts once a code of it was typed."""
    question = await need_proof(request)
    if question is not None:
        return question
    now_ms, session = request.app[CLOCK_MS](), request[SIGNED_IN].session
    enrolment = Enrolment(new_secret(), now_ms + LIFE_MS)
    request.app[PENDING_STEPS].put(session, enrolment, now_ms)
    return _enrolment_page(request, enrolment)


@require_user
async def post_enrolment(request: web.Request) -> web.StreamResponse:
    question = await need_proof(request)
    if question is not None:
        return question
    form = await read_form(request, ("name", "code"))
    now_ms, signed_in = request.app[CLOCK_MS](), request[SIGNED_IN]
    steps, database = request.app[PENDING_STEPS], request.app[DATABASE]
    enrolment = steps.enrolment(signed_in.session, now_ms)
    if enrolment is None:
        return see_other("/account/authenticator")
    try:
        step = matching_step(enrolment.secret, form["code"], now_ms=now_ms, after_step=0)
        if step is None:
            raise InvalidValue("code", "that is not the code the app shows now")  # noqa: TRY301
        await database.write_outside(
            add_totp,
            signed_in.user,
            name=form["name"] or "Authenticator app",
            sealed=request.app[SECRET_BOX].seal(
                enrolment.secret.encode(), signed_in.user.public_id
            ),
            step=step,
            actor=actor_of(request),
            now_ms=now_ms,
        )
    except InvalidValue as error:
        return _enrolment_page(request, enrolment, error=error)
    steps.drop(signed_in.session)
    how = signed_in.how if signed_in.how.endswith(WITH_CODE) else signed_in.how + WITH_CODE
    await renew_session(request, how=how)
    return await new_codes(request)


@require_user
async def post_recovery_codes(request: web.Request) -> web.StreamResponse:
    question = await need_proof(request)
    return question or await new_codes(request)


@require_user
async def post_factor_removal(request: web.Request) -> web.StreamResponse:
    question = await need_proof(request)
    if question is not None:
        return question
    await request.app[DATABASE].write_outside(
        remove_factor,
        request[SIGNED_IN].user,
        request.match_info["factor"],
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other("/account")


async def new_codes(request: web.Request) -> web.Response:
    """Shown once, on the account page."""
    codes, now_ms, signed_in = mint_recovery_codes(), request.app[CLOCK_MS](), request[SIGNED_IN]
    await request.app[DATABASE].write_outside(
        set_recovery_codes,
        signed_in.user,
        [recovery_digest(code) for code in codes],
        actor=actor_of(request),
        now_ms=now_ms,
    )
    request.app[FRESH_KEYS].put(signed_in.session, CODES, "\n".join(codes), now_ms)
    return see_other("/account?done=codes")


def _enrolment_page(
    request: web.Request, enrolment: Enrolment, *, error: InvalidValue | None = None
) -> web.Response:
    email = request[SIGNED_IN].user.email
    uri = provisioning_uri(enrolment.secret, account=email, issuer=ISSUER)
    picture = segno.make(uri, error="m").svg_inline(scale=5, border=4, light="#fff").encode()
    secret = enrolment.secret
    return page(
        request,
        "authenticator.html",
        status=422 if error else 200,
        qr="data:image/svg+xml;base64," + base64.b64encode(_standalone(picture)).decode(),
        secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        error_field=error.field if error else None,
        error_text=sentence(error) if error else "",
    )


def _standalone(picture: bytes) -> bytes:
    """An inline SVG as an image of its own needs its namespace."""
    if b"xmlns=" in picture:
        return picture
    return picture.replace(b"<svg ", b'<svg xmlns="http://www.w3.org/2000/svg" ', 1)


ROUTES = [
    web.get("/account/authenticator", get_enrolment),
    web.post("/account/authenticator", post_enrolment),
    web.post("/account/recovery-codes", post_recovery_codes),
    web.post("/account/factors/{factor}/removal", post_factor_removal),
]
