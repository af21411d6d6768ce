"""`/w/{workspace}/settings`: name, zone, currency, retention, tags, and where the rest is set."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from aiohttp import web

from llmtrack.domain.currencies import DisplayCurrency
from llmtrack.domain.errors import AlreadyExists, InvalidValue, Refused
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.domain.roles import Permission, may
from llmtrack.domain.tags import TAGS_MAX, VALUES_MAX
from llmtrack.storage.currencies import currency_of, set_currency
from llmtrack.storage.retention_rules import Retention, retention_of, set_retention
from llmtrack.storage.scope import Scope
from llmtrack.storage.tracked_tags import TrackedTag, track_tag, tracked_tags, untrack_tag
from llmtrack.storage.workspace_names import rename_workspace
from llmtrack.storage.zone_changes import set_time_zone, zone_change_of
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, SCOPE, SIGNED_IN
from llmtrack.web.forms import read_form, sentence
from llmtrack.web.numbers import when_text
from llmtrack.web.pricing import CURRENCY_FIELDS, chosen_currency
from llmtrack.web.render import page
from llmtrack.web.setup import zones_by_region

PATH = "/w/{workspace}/settings"


@require(Permission.READ)
async def get_settings(request: web.Request) -> web.StreamResponse:
    return await _page(request)


@require(Permission.MANAGE_WORKSPACE)
async def post_name(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ("name",))
    return await _changed(request, form, rename_workspace, name=form["name"])


@require(Permission.MANAGE_WORKSPACE)
async def post_time_zone(request: web.Request) -> web.StreamResponse:
    """The server moves the days; the page tells how far it is."""
    form = await read_form(request, ("time_zone",))
    return await _changed(request, form, set_time_zone, time_zone=form["time_zone"])


@require(Permission.MANAGE_PRICES)
async def post_currency(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, CURRENCY_FIELDS)
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    try:
        chosen = chosen_currency(request, form)
    except InvalidValue as error:
        return await _page(request, form, error=error)
    await scope.write(set_currency, chosen=chosen, by=actor_of(request), now_ms=now_ms)
    return see_other(f"/w/{scope.public_id}/settings?saved")


@require(Permission.MANAGE_WORKSPACE)
async def post_retention(request: web.Request) -> web.StreamResponse:
    """Empty days keep everything."""
    form = await read_form(request, ("days", "drop_totals"))
    days = form["days"].strip()
    if days and not (days.isascii() and days.isdigit()):
        error = InvalidValue("days", f"the days are a whole number, and {days[:20]!r} is none")
        return await _page(request, form, error=error)
    rule = Retention(int(days[:9]), keep_totals=form["drop_totals"] != "1") if days else None
    return await _changed(request, form, set_retention, rule=rule)


@require(Permission.MANAGE_WORKSPACE)
async def post_tag(request: web.Request) -> web.StreamResponse:
    """The server counts what is there; the page tells from when on that is done."""
    form = await read_form(request, ("tag",))
    return await _changed(request, form, track_tag, key=form["tag"])


@require(Permission.MANAGE_WORKSPACE)
async def post_tag_removal(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ("tag",))
    return await _changed(request, form, untrack_tag, key=form["tag"])


async def _changed(
    request: web.Request, form: Mapping[str, str], change: Callable[..., Any], **values: Any
) -> web.StreamResponse:
    scope = request[SCOPE]
    try:
        await scope.write(change, actor=actor_of(request), now_ms=request.app[CLOCK_MS](), **values)
    except InvalidValue as error:
        return await _page(request, form, error=error)
    except (AlreadyExists, Refused) as error:
        field = "tag" if change is track_tag else "time_zone"
        return await _page(request, form, error=InvalidValue(field, str(error), fix=error.fix))
    return see_other(f"/w/{scope.public_id}/settings?saved")


async def _page(
    request: web.Request,
    typed: Mapping[str, str] | None = None,
    *,
    error: InvalidValue | None = None,
) -> web.Response:
    """`typed`: what a form brought that is not saved."""
    scope = request[SCOPE]
    currency = await currency_of(scope)
    async with scope.reading() as reading:
        retention = await retention_of(reading)
        zone_change = await zone_change_of(reading)
        tags = await tracked_tags(reading)
    return page(
        request,
        "settings.html",
        status=422 if error else 200,
        now_ms=request.app[CLOCK_MS](),
        url=f"/w/{scope.public_id}/settings",
        home_url=f"/w/{scope.public_id}/",
        saved="saved" in request.query and error is None,
        may_manage=may(scope.role, Permission.MANAGE_WORKSPACE),
        may_share=may(scope.role, Permission.MANAGE_MEMBERS),
        may_read_audit=may(scope.role, Permission.READ_AUDIT),
        is_admin=request[SIGNED_IN].user.is_admin,
        zones=zones_by_region(),
        zone_change=zone_change,
        tags=[_tag_row(tracked, scope.time_zone) for tracked in tags],
        tags_max=TAGS_MAX,
        values_max=VALUES_MAX,
        retention=retention,
        currency=currency,
        form={**_stored(scope, currency, retention), **(typed or {})},
        may_price=may(scope.role, Permission.MANAGE_PRICES),
        error_field=error.field if error else None,
        error_text=sentence(error) if error else "",
    )


def _stored(
    scope: Scope, currency: DisplayCurrency | None, retention: Retention | None
) -> dict[str, str]:
    """What the fields hold before anything is typed."""
    return {
        "name": scope.name,
        "time_zone": scope.time_zone,
        **dict(zip(CURRENCY_FIELDS, currency or ("", "", ""), strict=True)),
        "days": str(retention.event_days) if retention else "",
        "drop_totals": "1" if retention and not retention.keep_totals else "",
        "tag": "",
    }


class TagRow(NamedTuple):
    key: str
    values: int
    """How many are counted on their own."""
    counted_from: str | None
    """While events before it are being counted."""
    known_from: str | None
    """Where events before it were deleted uncounted."""


def _tag_row(tracked: TrackedTag, zone_name: str) -> TagRow:
    tag = tracked.tag
    counted_ms = tag.counted_quarter * QUARTER_MS
    return TagRow(
        tag.key,
        tracked.values,
        when_text(counted_ms, zone_name) if counted_ms else None,
        None if tag.known_ms is None else when_text(tag.known_ms, zone_name),
    )


ROUTES = [
    web.get(PATH, get_settings),
    web.post(f"{PATH}/name", post_name),
    web.post(f"{PATH}/time-zone", post_time_zone),
    web.post(f"{PATH}/currency", post_currency),
    web.post(f"{PATH}/retention", post_retention),
    web.post(f"{PATH}/tags", post_tag),
    web.post(f"{PATH}/tags/removal", post_tag_removal),
]
