"""Members: who has access to the workspace, and who is invited."""

from collections.abc import Mapping

from aiohttp import web

from llmtrack.domain.credentials import mint_token
from llmtrack.domain.errors import AlreadyExists, InvalidValue, Refused
from llmtrack.domain.roles import Permission, Role, may
from llmtrack.storage.access_grants import list_grants
from llmtrack.storage.access_reviews import review_due_ms
from llmtrack.storage.factor_rules import require_second_factor, requires_second_factor
from llmtrack.storage.invitations import (
    create_invitation,
    list_invitations,
    revoke_invitation,
)
from llmtrack.storage.member_changes import remove_member, set_role
from llmtrack.storage.workspaces import list_members
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, FRESH_KEYS, SCOPE, SIGNED_IN, SITE
from llmtrack.web.forms import read_form, sentence
from llmtrack.web.render import page

MEMBERS = "/w/{workspace}/members"
EMPTY = {"email": "", "role": Role.VIEWER.value}


@require(Permission.READ)
async def get_members(request: web.Request) -> web.StreamResponse:
    return await _page(request)


@require(Permission.MANAGE_MEMBERS)
async def post_invitation(request: web.Request) -> web.StreamResponse:
    """The link is shown once, on the page that comes next."""
    form, scope, now_ms = (
        await read_form(request, ("email", "role")),
        request[SCOPE],
        request.app[CLOCK_MS](),
    )
    token = mint_token()
    try:
        role = _grantable(form["role"], scope.role)
        made = await scope.write(
            create_invitation,
            token.digest,
            email=form["email"],
            role=role,
            actor=actor_of(request),
            now_ms=now_ms,
        )
    except InvalidValue as error:
        return await _page(request, form=form, error=error)
    except AlreadyExists as error:
        return await _page(request, form=form, error=InvalidValue("email", str(error)))
    link = f"{request.app[SITE].base_url}/invitation?workspace={scope.public_id}&token={token.raw}"
    request.app[FRESH_KEYS].put(request[SIGNED_IN].session, made.public_id, link, now_ms)
    return see_other(f"{_url(request)}?invited={made.public_id}")


@require(Permission.MANAGE_MEMBERS)
async def post_revocation(request: web.Request) -> web.StreamResponse:
    await request[SCOPE].write(
        revoke_invitation,
        request.match_info["invitation"],
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(_url(request))


@require(Permission.MANAGE_MEMBERS)
async def post_role(request: web.Request) -> web.StreamResponse:
    form, scope = await read_form(request, ("role",)), request[SCOPE]
    try:
        await scope.write(
            set_role,
            request.match_info["member"],
            role=_role(form["role"]),
            by=scope.role,
            actor=actor_of(request),
            now_ms=request.app[CLOCK_MS](),
        )
    except Refused as error:
        return await _page(request, refusal=error)
    return see_other(_url(request))


@require(Permission.MANAGE_MEMBERS)
async def post_removal(request: web.Request) -> web.StreamResponse:
    scope = request[SCOPE]
    try:
        await scope.write(
            remove_member,
            request.match_info["member"],
            by=scope.role,
            actor=actor_of(request),
            now_ms=request.app[CLOCK_MS](),
        )
    except Refused as error:
        return await _page(request, refusal=error)
    return see_other(_url(request))


@require(Permission.READ)
async def post_leaving(request: web.Request) -> web.StreamResponse:
    """Everybody may leave; the last owner may not."""
    await read_form(request, ())
    try:
        await request[SCOPE].write(
            remove_member,
            request[SIGNED_IN].user.public_id,
            actor=actor_of(request),
            now_ms=request.app[CLOCK_MS](),
        )
    except Refused as error:
        return await _page(request, refusal=error)
    return see_other("/account")


@require(Permission.MANAGE_WORKSPACE)
async def post_factor_rule(request: web.Request) -> web.StreamResponse:
    """Whoever sets it has a second factor, and does not lock themselves out."""
    form = await read_form(request, ("required",))
    required = form["required"] == "yes"
    if required and not request[SIGNED_IN].has_second_factor:
        return await _page(
            request,
            refusal=Refused(
                "you signed in without a second factor yourself",
                fix="add one on your account page first",
            ),
        )
    await request[SCOPE].write(
        require_second_factor,
        required=required,
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(_url(request))


async def _page(
    request: web.Request,
    *,
    form: Mapping[str, str] | None = None,
    error: InvalidValue | None = None,
    refusal: Refused | None = None,
) -> web.Response:
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    may_manage = may(scope.role, Permission.MANAGE_MEMBERS)
    invited, session = request.query.get("invited", ""), request[SIGNED_IN].session
    return page(
        request,
        "members.html",
        status=422 if error else 409 if refusal else 200,
        now_ms=now_ms,
        members=await list_members(scope),
        invitations=await list_invitations(scope, now_ms=now_ms) if may_manage else [],
        link=request.app[FRESH_KEYS].take(session, invited, now_ms) if invited else None,
        is_strict=await requires_second_factor(scope),
        grants=await list_grants(scope, now_ms=now_ms),
        is_review_due=may_manage and now_ms >= await review_due_ms(scope),
        may_rule=may(scope.role, Permission.MANAGE_WORKSPACE),
        own_id=request[SIGNED_IN].user.public_id,
        may_read_audit=may(scope.role, Permission.READ_AUDIT),
        may_manage=may_manage,
        roles=[r.value for r in Role if r is not Role.OWNER or scope.role is Role.OWNER],
        url=_url(request),
        form=form or EMPTY,
        refusal=f"{refusal}; {refusal.fix}" if refusal else "",
        error_field=error.field if error else None,
        error_text=sentence(error) if error else "",
    )


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise InvalidValue("role", "there is no such role") from None


def _grantable(text: str, by: Role) -> Role:
    role = _role(text)
    if role is Role.OWNER and by is not Role.OWNER:
        raise InvalidValue("role", "only an owner makes owners")
    return role


def _url(request: web.Request) -> str:
    return f"/w/{request[SCOPE].public_id}/members"


ROUTES = [
    web.get(MEMBERS, get_members),
    web.post(f"{MEMBERS}/invitations", post_invitation),
    web.post(f"{MEMBERS}/invitations/{{invitation}}/revocation", post_revocation),
    web.post(f"{MEMBERS}/leaving", post_leaving),
    web.post(f"{MEMBERS}/second-factor", post_factor_rule),
    web.post(f"{MEMBERS}/{{member}}/role", post_role),
    web.post(f"{MEMBERS}/{{member}}/removal", post_removal),
]
