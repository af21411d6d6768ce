"""`/instance`: people, their sessions and leave to look in, for administrators of the instance.

They see who there is and which workspaces there are; what is in a workspace opens to them only
by a grant, which the workspace sees.
"""

from aiohttp import web

from llmtrack.domain.errors import InvalidValue, NotFound, Refused
from llmtrack.storage.access_grants import HOURS_MAX, create_grant, grants_of
from llmtrack.storage.sessions import list_sessions, revoke_session, revoke_sessions
from llmtrack.storage.users import User, disable_user, enable_user, list_users
from llmtrack.storage.workspaces import find_workspace, list_workspaces
from llmtrack.web.auth import actor_of, require_admin, see_other
from llmtrack.web.context import CLOCK_MS, DATABASE, SIGNED_IN
from llmtrack.web.forms import read_form, sentence
from llmtrack.web.render import page

INSTANCE = "/instance"
PERSON = "/instance/people/{user}"


@require_admin
async def get_instance(request: web.Request) -> web.StreamResponse:
    return await _page(request)


@require_admin
async def post_grant(request: web.Request) -> web.StreamResponse:
    """Leave for oneself to look into a workspace, for so many hours."""
    form = await read_form(request, ("workspace", "reason", "hours"))
    database, user = request.app[DATABASE], request[SIGNED_IN].user
    try:
        workspace = await find_workspace(database, form["workspace"])
        hours = int(form["hours"]) if form["hours"].isascii() and form["hours"].isdigit() else 0
        await database.write_within(
            workspace.id,
            create_grant,
            user,
            reason=form["reason"],
            hours=hours,
            actor=actor_of(request),
            now_ms=request.app[CLOCK_MS](),
        )
    except InvalidValue as error:
        return await _page(request, form=form, error=error)
    return see_other(f"/w/{workspace.public_id}/")


@require_admin
async def get_person(request: web.Request) -> web.StreamResponse:
    return await _person_page(request, await _person(request))


@require_admin
async def post_session_end(request: web.Request) -> web.StreamResponse:
    user = await _person(request)
    await request.app[DATABASE].write_outside(
        revoke_session,
        user,
        request.match_info["session"],
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(_person_url(user))


@require_admin
async def post_sessions_end(request: web.Request) -> web.StreamResponse:
    user = await _person(request)
    await request.app[DATABASE].write_outside(
        revoke_sessions,
        user,
        but=request[SIGNED_IN].session,
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(_person_url(user))


@require_admin
async def post_state(request: web.Request) -> web.StreamResponse:
    """Disable or enable an account; one's own stays as it is."""
    form, user = await read_form(request, ("state",)), await _person(request)
    if user.id == request[SIGNED_IN].user.id:
        error = Refused("your own account is not yours to disable", fix="ask another administrator")
        return await _person_page(request, user, refusal=error)
    change = disable_user if form["state"] == "disabled" else enable_user
    await request.app[DATABASE].write_outside(
        change, user.id, actor=actor_of(request), now_ms=request.app[CLOCK_MS]()
    )
    return see_other(_person_url(user))


async def _person(request: web.Request) -> User:
    """Raises NotFound."""
    public_id = request.match_info["user"]
    for user in await list_users(request.app[DATABASE]):
        if user.public_id == public_id:
            return user
    raise NotFound("no such user")


async def _page(
    request: web.Request,
    *,
    form: dict[str, str] | None = None,
    error: InvalidValue | None = None,
) -> web.Response:
    database, now_ms = request.app[DATABASE], request.app[CLOCK_MS]()
    return page(
        request,
        "instance.html",
        status=422 if error else 200,
        now_ms=now_ms,
        people=await list_users(database),
        workspaces=await list_workspaces(database),
        grants=await grants_of(database, request[SIGNED_IN].user.id, now_ms=now_ms),
        hours_max=HOURS_MAX,
        form=form or {"workspace": "", "reason": "", "hours": "1"},
        error_field=error.field if error else None,
        error_text=sentence(error) if error else "",
    )


async def _person_page(
    request: web.Request, user: User, *, refusal: Refused | None = None
) -> web.Response:
    database, now_ms = request.app[DATABASE], request.app[CLOCK_MS]()
    asking = request[SIGNED_IN].session
    return page(
        request,
        "person.html",
        status=409 if refusal else 200,
        now_ms=now_ms,
        user=user,
        sessions=await list_sessions(database, user.id, asking=asking, now_ms=now_ms),
        is_own=user.id == request[SIGNED_IN].user.id,
        url=_person_url(user),
        refusal=f"{refusal}; {refusal.fix}" if refusal else "",
    )


def _person_url(user: User) -> str:
    return f"/instance/people/{user.public_id}"


ROUTES = [
    web.get(INSTANCE, get_instance),
    web.post(f"{INSTANCE}/grants", post_grant),
    web.get(PERSON, get_person),
    web.post(f"{PERSON}/sessions/end-all", post_sessions_end),
    web.post(f"{PERSON}/sessions/{{session}}/end", post_session_end),
    web.post(f"{PERSON}/state", post_state),
]
