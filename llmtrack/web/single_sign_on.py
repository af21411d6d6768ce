"""To the provider of single sign-on and back: to sign in, to link, to confirm, to be invited.

The way there is a link, never a form: `form-action 'self'` holds for what a form leads to.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiohttp import web

from llmtrack.domain.credentials import mint_token, token_digest
from llmtrack.domain.errors import AlreadyExists, LLMtrackError
from llmtrack.domain.single_sign_on import (
    Going,
    Identity,
    ProviderRefused,
    ProviderUnreachable,
    is_fresh,
)
from llmtrack.storage.identities import (
    create_from_identity,
    join_by_identity,
    link_identity,
    use_identity,
    user_of_identity,
)
from llmtrack.storage.invitations import OpenInvitation, find_invitation
from llmtrack.storage.users import User
from llmtrack.web.auth import actor_of, cookie_name, require_user, see_other
from llmtrack.web.context import CLOCK_MS, DATABASE, PROVIDER, SIGNED_IN, SITE, SSO, WITH_MFA
from llmtrack.web.password_checks import (
    TooManyAttempts,
    attempt_succeeded,
    begin_attempt,
    note_failure,
)
from llmtrack.web.proof import need_proof, renew_session
from llmtrack.web.render import page
from llmtrack.web.second_factor import half_way
from llmtrack.web.sign_in import welcome
from llmtrack.web.sso_flows import INVITATION, LIFE_MS, LINK, PROOF, SIGN_IN, Flow, SsoFlows
from llmtrack.web.theme import local_path

if TYPE_CHECKING:
    from llmtrack.services.oidc import Provider

log = logging.getLogger(__name__)

SSO_FLOWS = web.AppKey("sso_flows", SsoFlows)
GONE = "This sign-in was finished already, took too long, or began in another browser. Begin again."


async def get_sign_in(request: web.Request) -> web.StreamResponse:
    next_path = local_path(request.query.get("next"))
    if SIGNED_IN in request:
        return see_other(next_path)
    return await _leave(request, SIGN_IN, next_path)


async def get_invitation(request: web.Request) -> web.StreamResponse:
    invitation = request.query.get("workspace", ""), request.query.get("token", "")
    workspace, token = invitation
    back = "/invitation?" + urlencode({"workspace": workspace, "token": token})
    if await _invited(request, invitation) is None:
        return see_other(back)
    return await _leave(request, INVITATION, back, invitation=invitation)


@require_user
async def get_link_page(request: web.Request) -> web.StreamResponse:
    """A page between the proof's form and the provider."""
    _provider(request)
    return await need_proof(request) or page(
        request, "single_sign_on.html", label=_provider(request).rules.label, error=None
    )


@require_user
async def get_link(request: web.Request) -> web.StreamResponse:
    if await need_proof(request) is not None:
        return see_other("/account/sso")
    return await _leave(request, LINK, "/account", user_id=request[SIGNED_IN].user.id)


@require_user
async def get_proof(request: web.Request) -> web.StreamResponse:
    next_path = local_path(request.query.get("next"))
    return await _leave(request, PROOF, next_path, user_id=request[SIGNED_IN].user.id)


async def get_callback(request: web.Request) -> web.StreamResponse:
    provider, now_ms = _provider(request), request.app[CLOCK_MS]()
    browser = token_digest(request.cookies.get(_cookie(request), ""))
    state = token_digest(request.query.get("state", ""))
    flow = request.app[SSO_FLOWS].take(state, browser, now_ms)
    if flow is None:
        return _failed(request, ProviderRefused(GONE))
    account = f"single sign-on from {request.remote}"
    try:
        await begin_attempt(request, account)
        code = await provider.check_answer(request.query)
        identity = await provider.identity(
            code, verifier=flow.verifier, nonce=flow.nonce, now_s=now_ms // 1000
        )
        response = await FINISHES[flow.purpose](request, flow, identity)
    except (ProviderRefused, AlreadyExists) as error:
        await note_failure(request, None, account, step="single sign-on")
        response = _failed(request, error)
    except (ProviderUnreachable, TooManyAttempts) as error:
        response = _failed(request, error)
    else:
        attempt_succeeded(request, account)
    response.del_cookie(_cookie(request), path="/", secure=request.app[SITE].secure)
    return response


async def _leave(
    request: web.Request,
    purpose: str,
    next_path: str,
    *,
    user_id: int | None = None,
    invitation: tuple[str, str] | None = None,
) -> web.Response:
    browser, state, nonce, verifier = (mint_token() for _ in range(4))
    now_ms = request.app[CLOCK_MS]()
    going = Going(state.raw, nonce.raw, verifier.raw, fresh=purpose == PROOF)
    try:
        response = see_other(await _provider(request).address(going))
    except (ProviderRefused, ProviderUnreachable) as error:
        return _failed(request, error)
    flow = Flow(purpose, browser.digest, nonce.raw, verifier.raw, next_path, now_ms + LIFE_MS)
    flow = flow._replace(user_id=user_id, invitation=invitation)
    request.app[SSO_FLOWS].put(state.digest, flow, now_ms)
    response.set_cookie(
        _cookie(request),
        browser.raw,
        path="/",
        max_age=LIFE_MS // 1000,
        secure=request.app[SITE].secure,
        httponly=True,
        samesite="Lax",  # the way back begins at another site
    )
    return response


async def _finish_sign_in(request: web.Request, flow: Flow, identity: Identity) -> web.Response:
    user = await user_of_identity(request.app[DATABASE], identity)
    if user is None:
        user = await _new_user(request, identity)
    return await _let_in(request, user, identity, flow.next_path)


async def _finish_invitation(request: web.Request, flow: Flow, identity: Identity) -> web.Response:
    """Who has an account signs in to it, and takes the invitation on its page."""
    invitation = flow.invitation or ("", "")
    user = await user_of_identity(request.app[DATABASE], identity)
    found = await _invited(request, invitation)
    if user is not None:
        return await _let_in(request, user, identity, flow.next_path)
    if found is None:
        return see_other(flow.next_path)
    if found.has_account:
        raise ProviderRefused(_not_linked(found.email))
    if identity.email != found.email:
        raise ProviderRefused(
            f"The invitation is for {found.email}, and you came back as "
            f"{identity.email or 'somebody without an address'}."
        )
    joined = await request.app[DATABASE].write_within(
        found.workspace_id,
        join_by_identity,
        identity,
        token_digest(invitation[1]),
        ip=request.remote,
        now_ms=request.app[CLOCK_MS](),
    )
    return await _let_in(request, joined, identity, f"/w/{found.workspace_public_id}/")


async def _finish_link(request: web.Request, flow: Flow, identity: Identity) -> web.Response:
    _same_user(request, flow)
    await request.app[DATABASE].write_outside(
        link_identity,
        request[SIGNED_IN].user,
        identity,
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other("/account?done=linked")


async def _finish_proof(request: web.Request, flow: Flow, identity: Identity) -> web.Response:
    _same_user(request, flow)
    signed_in, now_ms = request[SIGNED_IN], request.app[CLOCK_MS]()
    user = await user_of_identity(request.app[DATABASE], identity)
    rules = _provider(request).rules
    if user is None or user.id != signed_in.user.id:
        raise ProviderRefused("You came back as somebody else than you are signed in as here.")
    if not is_fresh(identity, now_ms // 1000):
        raise ProviderRefused(f"{rules.label} did not ask you anew who you are.")
    is_more = rules.counts_as_two(identity) and not signed_in.has_second_factor
    await renew_session(request, how=signed_in.how + WITH_MFA if is_more else None)
    return see_other(flow.next_path)


FAILURES: dict[type[LLMtrackError], int] = {ProviderUnreachable: 502, TooManyAttempts: 429}
FINISHES: dict[str, Callable[[web.Request, Flow, Identity], Awaitable[web.Response]]] = {
    SIGN_IN: _finish_sign_in,
    INVITATION: _finish_invitation,
    LINK: _finish_link,
    PROOF: _finish_proof,
}


async def _new_user(request: web.Request, identity: Identity) -> User:
    """Where the operator lets a domain's people in. Raises ProviderRefused."""
    rules = _provider(request).rules
    if not rules.lets_in(identity):
        raise ProviderRefused(
            f"No account here is linked to you at {rules.label}. If you have one, sign in to it "
            "another way and link it on the account page; else ask an administrator.",
            fix=f'llmtrack users link EMAIL --subject "{identity.subject}"',
        )
    now_ms, write = request.app[CLOCK_MS](), request.app[DATABASE].write_outside
    try:
        return await write(create_from_identity, identity, ip=request.remote, now_ms=now_ms)
    except AlreadyExists as error:
        raise ProviderRefused(_not_linked(identity.email or "")) from error


async def _let_in(
    request: web.Request, user: User, identity: Identity, next_path: str
) -> web.Response:
    if user.disabled_ms is not None:
        raise ProviderRefused("Your account here is disabled. Ask an administrator.")
    now_ms = request.app[CLOCK_MS]()
    await request.app[DATABASE].write_outside(use_identity, identity, now_ms=now_ms)
    if _provider(request).rules.counts_as_two(identity):
        return await welcome(request, user.id, next_path, how=SSO + WITH_MFA)
    step = await half_way(request, user, SSO, next_path)
    return step or await welcome(request, user.id, next_path, how=SSO)


async def _invited(request: web.Request, invitation: tuple[str, str]) -> OpenInvitation | None:
    workspace, token = invitation
    now_ms = request.app[CLOCK_MS]()
    return await find_invitation(
        request.app[DATABASE], workspace, token_digest(token), now_ms=now_ms
    )


def _same_user(request: web.Request, flow: Flow) -> None:
    signed_in = request.get(SIGNED_IN)
    if signed_in is None or signed_in.user.id != flow.user_id:
        raise ProviderRefused("You have been signed out meanwhile. Sign in and begin again.")


def _not_linked(email: str) -> str:
    return (
        f"There is an account for {email} here already, and addresses alone do not open one. Sign "
        "in to it another way and link it on the account page, or ask an administrator."
    )


def _failed(request: web.Request, error: LLMtrackError) -> web.Response:
    cause = error.__cause__ or error
    log.warning("single sign-on from %s failed: %s", request.remote or "", cause)
    return page(
        request,
        "single_sign_on.html",
        status=FAILURES.get(type(error), 422),
        label=_provider(request).rules.label,
        error=f"{str(error)[0].upper()}{str(error)[1:]}",
        fix=error.fix,
        is_signed_in=SIGNED_IN in request,
    )


def _provider(request: web.Request) -> "Provider":
    provider = request.app.get(PROVIDER)
    if provider is None:
        raise web.HTTPNotFound
    return provider


def _cookie(request: web.Request) -> str:
    return f"{cookie_name(request.app)}_sso"


ROUTES = [
    web.get("/sign-in/oidc", get_sign_in),
    web.get("/sign-in/oidc/callback", get_callback),
    web.get("/invitation/oidc", get_invitation),
    web.get("/account/sso", get_link_page),
    web.get("/account/sso/link", get_link),
    web.get("/account/sso/proof", get_proof),
]
