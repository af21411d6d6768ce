"""What must not be done by a borrowed browser: it needs a proof of identity from minutes ago.

A form that comes without one is answered with a page that asks for the password or a passkey and
holds the form; with the right one the form goes on as if nothing had been between.
"""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from aiohttp import web
from multidict import MultiDictProxy
from yarl import URL

from llmtrack.domain.credentials import mint_token
from llmtrack.domain.passkeys import PasskeyRefused
from llmtrack.domain.roles import Permission
from llmtrack.storage.identities import list_identities
from llmtrack.storage.passkeys import credential_ids
from llmtrack.storage.sessions import PROOF_MS, prove_session
from llmtrack.web.context import (
    CLOCK_MS,
    DATABASE,
    NEW_TOKEN,
    SIGNED_IN,
    SITE,
    WITH_PASSKEY,
)
from llmtrack.web.forms import CONTENT_TYPE, PASSKEY_PROOF_FIELD, PROOF_FIELD, PROOF_FIELDS
from llmtrack.web.passkey_checks import Asked, party_of, passkey_behind
from llmtrack.web.password_checks import TooManyAttempts, attempt_succeeded, user_behind
from llmtrack.web.referrers import own_referrer
from llmtrack.web.render import page
from llmtrack.web.sso_rules import provider_label
from llmtrack.web.theme import local_path

CHANGES = frozenset(
    {Permission.MANAGE_KEYS, Permission.MANAGE_MEMBERS, Permission.MANAGE_WORKSPACE}
)
"""Their forms need the proof; looking does not."""

PROOF = "proof"
"""What a passkey's challenge is for here."""
PATH = "/proof"
EXPORT = "/export"
"""What the paths of files end with; before it is that of their page."""
REPLAYED_MAX = 200
Fields = Sequence[tuple[str, str]]
Posted = MultiDictProxy[str | bytes | bytearray | web.FileField]


async def ask_for_proof(request: web.Request, permission: Permission) -> web.Response | None:
    """The page that asks, if a proof is needed and missing; None if the request may go on."""
    safe = request.method in {"GET", "HEAD"}
    if not (permission is Permission.EXPORT or (permission in CHANGES and not safe)):
        return None
    return await need_proof(request)


async def need_proof(request: web.Request) -> web.Response | None:
    """As `ask_for_proof`, for what needs one in any case."""
    signed_in, now_ms = request[SIGNED_IN], request.app[CLOCK_MS]()
    if now_ms - signed_in.proved_ms < PROOF_MS:
        return None
    posted = await _posted(request)
    password, answer = (
        posted.get(field) if posted is not None else None
        for field in (PROOF_FIELD, PASSKEY_PROOF_FIELD)
    )
    if isinstance(answer, str) and answer:
        return await _prove_by_passkey(request, posted, answer)
    if not isinstance(password, str):
        return await _question(request, posted, None)
    email = signed_in.user.email
    try:
        user = await user_behind(request, email, password)
    except TooManyAttempts as error:
        return await _question(request, posted, str(error), status=429)
    if user is None or user.id != signed_in.user.id:
        return await _question(request, posted, "That is not your password.", status=422)
    attempt_succeeded(request, email)
    await renew_session(request)
    return None


async def _prove_by_passkey(
    request: web.Request, posted: Posted | None, answer: str
) -> web.Response | None:
    signed_in = request[SIGNED_IN]
    try:
        await passkey_behind(request, Asked(signed_in.session, PROOF, signed_in.user), answer)
    except PasskeyRefused as error:
        return await _question(request, posted, str(error), status=422)
    how = None if signed_in.has_second_factor else signed_in.how + WITH_PASSKEY
    await renew_session(request, how=how)
    return None


async def renew_session(request: web.Request, *, how: str | None = None) -> None:
    """Proved: the session goes on under a new token, which leaves with the answer."""
    token, now_ms, signed_in = mint_token(), request.app[CLOCK_MS](), request[SIGNED_IN]
    await request.app[DATABASE].write_outside(
        prove_session, signed_in.session, token.digest, how=how, now_ms=now_ms
    )
    request[SIGNED_IN] = signed_in._replace(
        session=token.digest, proved_ms=now_ms, how=how or signed_in.how
    )
    request[NEW_TOKEN] = token.raw


async def _posted(request: web.Request) -> Posted | None:
    if request.method in {"GET", "HEAD"} or request.content_type != CONTENT_TYPE:
        return None
    return await request.post()


async def _question(
    request: web.Request,
    posted: Posted | None,
    error: str | None,
    *,
    status: int = 403,
) -> web.Response:
    fields: Fields = [
        (name, value)
        for name, value in (posted.items() if posted is not None else ())
        if isinstance(value, str) and name not in PROOF_FIELDS
    ][:REPLAYED_MAX]
    user = request[SIGNED_IN].user
    party = party_of(request.app[SITE])
    database = request.app[DATABASE]
    has_passkey = party is not None and bool(await credential_ids(database, user.id))
    back = _asked_for(request, posted)
    response = page(
        request,
        "proof.html",
        status=status,
        action=PATH if posted is None else request.path_qs,
        fields=[("next", back)] if posted is None else fields,
        field=PROOF_FIELD,
        passkey_field=PASSKEY_PROOF_FIELD,
        party=party if has_passkey else None,
        sso=provider_label(request.app) if await list_identities(database, user.id) else None,
        sso_url="/account/sso/proof?next=" + quote(back, safe="/"),
        is_form=posted is not None,
        page_url=_page_left(request, back),
        email=user.email,
        has_password=user.has_password,
        error=error,
    )
    response.headers["X-Proof-Needed"] = "password"
    return response


def _asked_for(request: web.Request, posted: Posted | None) -> str:
    """What is waiting for the proof; of a form its page, as files in it are not held."""
    if request.method in {"GET", "HEAD"}:
        return request.path_qs
    if posted is not None and request.path == PATH:
        return local_path(posted.get("next"))
    left = own_referrer(request)
    return local_path(left.raw_path_qs) if left else "/"


def _page_left(request: web.Request, asked_for: str) -> str | None:
    """Where it was asked for, to go back to: a file that is saved leaves the question standing."""
    url = URL(asked_for, encoded=True)
    if url.raw_path.endswith(EXPORT):
        pairs = [(name, value) for name, value in url.query.items() if name != "format"]
        page_path = url.raw_path.removesuffix(EXPORT)
        if page_path.count("/") == len(("w", "workspace")):
            page_path += "/"
        return f"{page_path}?{urlencode(pairs)}" if pairs else page_path
    left = own_referrer(request)
    # After a wrong password that may be the question itself.
    questions = {request.rel_url.raw_path, url.raw_path if request.path == PATH else ""}
    return local_path(left.raw_path_qs) if left and left.raw_path not in questions else None
