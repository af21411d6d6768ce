"""`/w/{workspace}/notices`: what every page of a workspace tells its members."""

import logging

from aiohttp import web

from llmtrack.domain.errors import InvalidValue, NotFound
from llmtrack.domain.roles import Permission, may
from llmtrack.services.telling import mail_notice
from llmtrack.storage.notices import (
    DAYS_MAX,
    TEXT_LENGTH_MAX,
    list_notices,
    publish_notice,
    withdraw_notice,
)
from llmtrack.storage.workspaces import member_addresses
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, MAILER, SCOPE, SITE
from llmtrack.web.forms import read_form, sentence
from llmtrack.web.render import page

log = logging.getLogger(__name__)

PATH = "/w/{workspace}/notices"
FIELDS = ("text", "days", "by_mail")


@require(Permission.READ)
async def get_notices(request: web.Request) -> web.StreamResponse:
    return await _page(request, {"text": "", "days": "7", "by_mail": ""})


@require(Permission.MANAGE_WORKSPACE)
async def post_notice(request: web.Request) -> web.StreamResponse:
    """Shown at once; mail goes out behind the answer."""
    scope, form = request[SCOPE], await read_form(request, FIELDS)
    days = form["days"].strip()
    if not (days.isascii() and days.isdigit()):
        error = InvalidValue("days", f"{days[:20]!r} is no number of days")
        return await _page(request, form, error=error)
    try:
        made = await scope.write(
            publish_notice,
            text=form["text"],
            days=int(days[:9]),
            actor=actor_of(request),
            now_ms=request.app[CLOCK_MS](),
        )
    except InvalidValue as unfit:
        return await _page(request, form, error=unfit)
    if form["by_mail"] == "1" and MAILER in request.app:
        request.app[MAILER].soon(_tell(request, made.text))
    return see_other(f"{_url(request)}?published")


@require(Permission.MANAGE_WORKSPACE)
async def post_withdrawal(request: web.Request) -> web.StreamResponse:
    try:
        await request[SCOPE].write(
            withdraw_notice,
            request.match_info["notice"],
            actor=actor_of(request),
            now_ms=request.app[CLOCK_MS](),
        )
    except NotFound as error:
        raise web.HTTPNotFound from error
    return see_other(_url(request))


async def _tell(request: web.Request, text: str) -> None:
    scope, app = request[SCOPE], request.app
    told = await mail_notice(
        app[MAILER],
        await member_addresses(request[SCOPE]),
        workspace=scope.name,
        text=text,
        link=f"{app[SITE].base_url}/w/{scope.public_id}/",
    )
    for reason in set(told.failures.values()):
        log.error("a notice did not reach %d members: %s", len(told.failures), reason)


def _url(request: web.Request) -> str:
    return f"/w/{request[SCOPE].public_id}/notices"


async def _page(
    request: web.Request, form: dict[str, str], *, error: InvalidValue | None = None
) -> web.Response:
    return page(
        request,
        "notices.html",
        status=422 if error else 200,
        now_ms=request.app[CLOCK_MS](),
        url=_url(request),
        notices=await list_notices(request[SCOPE]),
        may_manage=may(request[SCOPE].role, Permission.MANAGE_WORKSPACE),
        members=len(await member_addresses(request[SCOPE])) if MAILER in request.app else 0,
        is_published="published" in request.query and error is None,
        form=form,
        text_length_max=TEXT_LENGTH_MAX,
        days_max=DAYS_MAX,
        error_field=error.field if error else None,
        error_text=sentence(error) if error else "",
    )


ROUTES = [
    web.get(PATH, get_notices),
    web.post(PATH, post_notice),
    web.post(f"{PATH}/{{notice}}/withdrawal", post_withdrawal),
]
