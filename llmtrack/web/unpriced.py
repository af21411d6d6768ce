"""`/w/{workspace}/pricing/unpriced`: models without a price, and what is done about one.

A name or a price given here holds at once, and the model's unpriced events are priced by it.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from llmtrack.domain.errors import InvalidValue, LLMtrackError
from llmtrack.domain.price_reasons import require_price
from llmtrack.domain.roles import Permission, may
from llmtrack.storage.audit import Actor
from llmtrack.storage.own_prices import create_alias, create_override
from llmtrack.storage.reports import used_days
from llmtrack.storage.reprice_orders import queue_unpriced
from llmtrack.storage.reprice_runs import Run
from llmtrack.storage.unpriced import Unpriced, unpriced_models
from llmtrack.storage.writer import Connection
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, SCOPE
from llmtrack.web.forms import read_form
from llmtrack.web.ingest import PRICE_BOOKS
from llmtrack.web.numbers import when
from llmtrack.web.render import page
from llmtrack.web.repricing import REPRICER

PATH = "/w/{workspace}/pricing/unpriced"
ROWS_MAX = 200
ALIAS_FIELDS = ("provider", "model", "to_provider", "to_model")
PRICE_FIELDS = ("provider", "model", "input", "output", "cache_read", "free")
FIELDS = (*ALIAS_FIELDS, "input", "output", "cache_read", "free")
RATES = {"input": "input_mtok", "output": "output_mtok", "cache_read": "cache_read_mtok"}


@require(Permission.READ)
async def get_unpriced(request: web.Request) -> web.StreamResponse:
    names = {name: request.query.get(name, "") for name in FIELDS}
    return await _page(request, names)


@require(Permission.MANAGE_PRICES)
async def post_alias(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ALIAS_FIELDS)
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    try:
        book = await request.app[PRICE_BOOKS].find(scope.workspace_id)
        require_price(book, form["to_provider"], form["to_model"], at_ms=now_ms)
        run = await scope.write(_name_model, form, actor=actor_of(request), now_ms=now_ms)
    except LLMtrackError as error:
        return await _page(request, form, error=error, failed="alias")
    return _begun(request, run)


@require(Permission.MANAGE_PRICES)
async def post_price(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, PRICE_FIELDS)
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    try:
        run = await scope.write(_price_model, form, actor=actor_of(request), now_ms=now_ms)
    except LLMtrackError as error:
        return await _page(request, form, error=error, failed="price")
    return _begun(request, run)


def _name_model(
    connection: Connection,
    workspace_id: int,
    form: Mapping[str, str],
    *,
    actor: Actor,
    now_ms: int,
) -> Run:
    create_alias(
        connection,
        workspace_id,
        provider=form["provider"],
        model=form["model"],
        to_provider=form["to_provider"],
        to_model=form["to_model"],
        reason="it had no price",
        by=actor,
        now_ms=now_ms,
    )
    reason = f"{form['provider']}/{form['model']} is {form['to_provider']}/{form['to_model']}"
    return queue_unpriced(connection, workspace_id, reason=reason, actor=actor, now_ms=now_ms)


def _price_model(
    connection: Connection,
    workspace_id: int,
    form: Mapping[str, str],
    *,
    actor: Actor,
    now_ms: int,
) -> Run:
    rates = {key: form[name].strip() for name, key in RATES.items() if form[name].strip()}
    create_override(
        connection,
        workspace_id,
        provider=form["provider"],
        model=form["model"],
        rates=None if form["free"] else rates,
        free=bool(form["free"]),
        reason="it had no price",
        by=actor,
        now_ms=now_ms,
    )
    reason = f"a price for {form['provider']}/{form['model']}"
    return queue_unpriced(connection, workspace_id, reason=reason, actor=actor, now_ms=now_ms)


def _begun(request: web.Request, run: Run) -> web.Response:
    request.app[REPRICER].wake()
    return see_other(f"/w/{request[SCOPE].public_id}/pricing/runs/{run.public_id}")


async def _page(
    request: web.Request,
    form: Mapping[str, str],
    *,
    error: LLMtrackError | None = None,
    failed: str = "",
) -> web.Response:
    scope = request[SCOPE]
    async with scope.reading() as reading:
        days = await used_days(reading)
        listed = (
            await unpriced_models(reading, scope.time_zone, (days[0], days[1] + 1)) if days else []
        )
    shown = listed[:ROWS_MAX]
    return page(
        request,
        "unpriced.html",
        status=422 if error else 200,
        now_ms=request.app[CLOCK_MS](),
        models=[
            (
                item,
                _row_url(request, item),
                when(item.first_ms, scope.time_zone),
                when(item.last_ms, scope.time_zone),
            )
            for item in shown
        ],
        more_count=len(listed) - len(shown),
        events=sum(item.events for item in listed),
        form=dict.fromkeys(FIELDS, "") | dict(form),
        url=f"/w/{scope.public_id}/pricing/unpriced",
        runs_url=f"/w/{scope.public_id}/pricing/repricing",
        may_manage=may(scope.role, Permission.MANAGE_PRICES),
        failed=failed,
        error_field=error.field if isinstance(error, InvalidValue) else "",
        error_text=f"{error}" if error else "",
        error_fix=error.fix if error else None,
    )


def _row_url(request: web.Request, item: Unpriced) -> str:
    query = urlencode({"provider": item.provider, "model": item.model})
    return f"/w/{request[SCOPE].public_id}/pricing/unpriced?{query}#price"


ROUTES = [
    web.get(PATH, get_unpriced),
    web.post(f"{PATH}/alias", post_alias),
    web.post(f"{PATH}/price", post_price),
]
