"""`/invitation`: the link an invited person opens, once."""

from urllib.parse import quote

from aiohttp import web

from llmtrack.domain.credentials import token_digest
from llmtrack.domain.errors import InvalidValue, Refused
from llmtrack.domain.names import clean_optional_name
from llmtrack.services.password_rules import check_password
from llmtrack.storage.invitations import OpenInvitation, accept_invitation, find_invitation
from llmtrack.storage.users import note_sign_in
from llmtrack.web.auth import see_other, start_session
from llmtrack.web.context import CLOCK_MS, DATABASE, PASSWORD_POOL, SIGNED_IN
from llmtrack.web.forms import read_form, sentence
from llmtrack.web.render import page
from llmtrack.web.sso_rules import is_sso_required, provider_label

FIELDS = ("workspace", "token", "name", "password")


async def get_invitation(request: web.Request) -> web.StreamResponse:
    """Only a page: previews and scanners fetch links, and must not use them up."""
    workspace, token = request.query.get("workspace", ""), request.query.get("token", "")
    found = await _find(request, workspace, token)
    return _page(request, found, token) if found else _gone(request)


async def post_invitation_answer(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, FIELDS)
    found = await _find(request, form["workspace"], form["token"])
    if found is None:
        return _gone(request)
    signed_in = request.get(SIGNED_IN)
    user = signed_in.user if signed_in and signed_in.user.email == found.email else None
    if user is None and (found.has_account or is_sso_required(request.app)):
        return _page(request, found, form["token"])
    password_hash = None
    try:
        name = clean_optional_name("name", form["name"]) or ""
        if user is None:
            check_password(form["password"], email=found.email, context=[found.workspace, name])
            password_hash = await request.app[PASSWORD_POOL].hash(form["password"])
    except InvalidValue as error:
        return _page(request, found, form["token"], name=form["name"], error=error)
    try:
        joined = await request.app[DATABASE].write_within(
            found.workspace_id,
            accept_invitation,
            token_digest(form["token"]),
            user=user,
            password_hash=password_hash,
            name=name,
            ip=request.remote,
            now_ms=request.app[CLOCK_MS](),
        )
    except Refused:  # another tab was quicker
        return _gone(request)
    response = see_other(f"/w/{found.workspace_public_id}/")
    if user is None:
        await start_session(request, response, joined.id, how="invitation")
        now_ms = request.app[CLOCK_MS]()
        await request.app[DATABASE].write_outside(
            note_sign_in, joined.id, how="invitation", ip=request.remote, now_ms=now_ms
        )
    return response


async def _find(request: web.Request, workspace: str, token: str) -> OpenInvitation | None:
    return await find_invitation(
        request.app[DATABASE], workspace, token_digest(token), now_ms=request.app[CLOCK_MS]()
    )


def _page(
    request: web.Request,
    found: OpenInvitation,
    token: str,
    *,
    name: str = "",
    error: InvalidValue | None = None,
) -> web.Response:
    signed_in = request.get(SIGNED_IN)
    here = f"/invitation?workspace={found.workspace_public_id}&token={token}"
    return page(
        request,
        "invitation.html",
        status=422 if error else 200,
        found=found,
        token=token,
        name=name,
        signed_in_as=signed_in.user.email if signed_in else None,
        sign_in_url="/sign-in?next=" + quote(here, safe="/"),
        sso=provider_label(request.app),
        sso_required=is_sso_required(request.app),
        sso_url=here.replace("/invitation?", "/invitation/oidc?", 1),
        error_field=error.field if error else None,
        error_text=sentence(error) if error else "",
    )


def _gone(request: web.Request) -> web.Response:
    return page(request, "invitation.html", status=410, found=None)


ROUTES = [
    web.get("/invitation", get_invitation),
    web.post("/invitation", post_invitation_answer),
]
