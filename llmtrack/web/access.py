"""Access review: everybody and every key that opens the workspace, on one page to look through."""

from aiohttp import web

from llmtrack.domain.errors import Refused
from llmtrack.domain.roles import Permission, Role
from llmtrack.storage.access_grants import end_grant, list_grants
from llmtrack.storage.access_reviews import REVIEW_DAYS, access_of, record_review
from llmtrack.storage.member_changes import sign_out_member
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, DATABASE, SCOPE, SIGNED_IN
from llmtrack.web.forms import read_form
from llmtrack.web.render import page

ACCESS = "/w/{workspace}/access"


@require(Permission.MANAGE_MEMBERS)
async def get_access(request: web.Request) -> web.StreamResponse:
    return await _page(request)


@require(Permission.MANAGE_MEMBERS)
async def post_review(request: web.Request) -> web.StreamResponse:
    await read_form(request, ())
    await request[SCOPE].write(
        record_review, actor=actor_of(request), now_ms=request.app[CLOCK_MS]()
    )
    return see_other(_url(request))


@require(Permission.MANAGE_MEMBERS)
async def post_sign_out(request: web.Request) -> web.StreamResponse:
    """End all sessions of a member: they sign in anew."""
    await read_form(request, ())
    scope = request[SCOPE]
    try:
        await scope.write(
            sign_out_member,
            request.match_info["member"],
            by=scope.role,
            actor=actor_of(request),
            now_ms=request.app[CLOCK_MS](),
        )
    except Refused as error:
        return await _page(request, refusal=error)
    return see_other(_url(request))


@require(Permission.MANAGE_MEMBERS)
async def post_grant_end(request: web.Request) -> web.StreamResponse:
    await read_form(request, ())
    await request[SCOPE].write(
        end_grant,
        request.match_info["grant"],
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(_url(request))


async def _page(request: web.Request, *, refusal: Refused | None = None) -> web.Response:
    scope, now_ms, database = request[SCOPE], request.app[CLOCK_MS](), request.app[DATABASE]
    access = await access_of(database, scope, now_ms=now_ms)
    return page(
        request,
        "access.html",
        status=409 if refusal else 200,
        now_ms=now_ms,
        access=access,
        is_overdue=access.is_overdue(now_ms),
        review_days=REVIEW_DAYS,
        grants=await list_grants(scope, now_ms=now_ms),
        own_id=request[SIGNED_IN].user.public_id,
        is_owner=scope.role is Role.OWNER,
        url=_url(request),
        workspace_url=f"/w/{scope.public_id}",
        refusal=f"{refusal}; {refusal.fix}" if refusal else "",
    )


def _url(request: web.Request) -> str:
    return f"/w/{request[SCOPE].public_id}/access"


ROUTES = [
    web.get(ACCESS, get_access),
    web.post(f"{ACCESS}/review", post_review),
    web.post(f"{ACCESS}/members/{{member}}/sign-out", post_sign_out),
    web.post(f"{ACCESS}/grants/{{grant}}/end", post_grant_end),
]
