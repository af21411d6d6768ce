"""Pricing: what the models in use cost, prices of one's own, and the currency of the pages."""

from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import web

from llmtrack.domain.currencies import USD, DisplayCurrency, display_currency
from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.periods import local_date
from llmtrack.domain.price_reasons import lookup_text, price_text, sentence
from llmtrack.domain.pricing import Alias, Lookup, Override, PriceBook
from llmtrack.domain.roles import Permission, may
from llmtrack.services.price_updates import list_status
from llmtrack.storage.currencies import currency_of, set_currency
from llmtrack.storage.models_in_use import LATELY_DAYS, ModelInUse, models_in_use
from llmtrack.storage.own_prices import OwnPrices, Record, own_prices, revoke
from llmtrack.storage.scope import Scope
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, SCOPE
from llmtrack.web.forms import read_form
from llmtrack.web.ingest import PRICE_BOOKS
from llmtrack.web.render import page

LIST = "/w/{workspace}/pricing"
CURRENCY_FIELDS = ("currency", "usd_rate", "rate_date")
_DAY_MS = 86_400_000


class PricedModel(NamedTuple):
    """A row of the models in use."""

    used: ModelInUse
    rates: dict[str, str]
    is_free: bool
    origin: str
    """`list`, `own`, `alias` or `none`."""
    why: str


class OwnRow(NamedTuple):
    """A price or an alias of one's own."""

    public_id: str
    provider: str
    model: str
    price: str
    from_ms: int | None
    last_day_ms: int | None
    """The last moment at which it holds."""
    record: Record


@require(Permission.READ)
async def get_pricing(request: web.Request) -> web.StreamResponse:
    return await _page(request)


@require(Permission.MANAGE_PRICES)
async def post_revocation(request: web.Request) -> web.StreamResponse:
    await request[SCOPE].write(
        revoke,
        request.match_info["price"],
        by=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(pricing_url(request[SCOPE]))


@require(Permission.MANAGE_PRICES)
async def post_currency(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, CURRENCY_FIELDS)
    try:
        chosen = chosen_currency(request, form)
    except InvalidValue as error:
        return await _page(request, form=form, error=error)
    await request[SCOPE].write(
        set_currency,
        chosen=chosen,
        by=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(pricing_url(request[SCOPE]))


def chosen_currency(request: web.Request, form: Mapping[str, str]) -> DisplayCurrency:
    """Empty or USD is US dollars; a rate without a day is today's. Raises InvalidValue."""
    today = local_date(request.app[CLOCK_MS](), request[SCOPE].time_zone).isoformat()
    code, day = form["currency"].strip() or USD, form["rate_date"].strip() or today
    return display_currency(code, form["usd_rate"], day)


def pricing_url(scope: Scope) -> str:
    return f"/w/{scope.public_id}/pricing"


async def _page(
    request: web.Request, *, form: dict[str, str] | None = None, error: InvalidValue | None = None
) -> web.Response:
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    books = request.app[PRICE_BOOKS]
    book = await books.find(scope.workspace_id)
    own = own_rows(await own_prices(scope))
    models = [_priced(book, m, now_ms) for m in await models_in_use(scope, now_ms=now_ms)]
    if form is None:
        currency = await currency_of(scope)
        form = dict(zip(CURRENCY_FIELDS, currency or ("", "", ""), strict=True))
    return page(
        request,
        "pricing.html",
        status=422 if error else 200,
        now_ms=now_ms,
        days=LATELY_DAYS,
        models=models,
        unpriced_models=sum(row.origin == "none" for row in models),
        own=[row for row in own if row.record.revoked_ms is None],
        revoked=[row for row in own if row.record.revoked_ms is not None],
        price_list=await list_status(books, now_ms=now_ms),
        url=pricing_url(scope),
        may_manage=may(scope.role, Permission.MANAGE_PRICES),
        form=form,
        error_field=error.field if error else None,
        error_text=sentence([f"{error}"]) if error else "",
    )


def own_rows(own: OwnPrices) -> list[OwnRow]:
    """The newest first."""
    rows = [_own_row(override, price_text(override), record) for override, record in own.overrides]
    rows += [
        _own_row(alias, f"as {alias.to_provider}/{alias.to_model}", record)
        for alias, record in own.aliases
    ]
    return sorted(rows, key=lambda row: row.record.created_ms, reverse=True)


def _own_row(item: Override | Alias, price: str, record: Record) -> OwnRow:
    end = item.effective_to_ms
    tier = item.service_tier if isinstance(item, Override) else ""
    return OwnRow(
        public_id=item.id,
        provider=item.provider,
        model=item.model,
        price=f"{price}, service tier {tier}" if tier else price,
        from_ms=item.effective_from_ms,
        last_day_ms=None if end is None else end - 1,
        record=record,
    )


def _priced(book: PriceBook, used: ModelInUse, now_ms: int) -> PricedModel:
    found = book.lookup(used.provider, used.model, at_ms=now_ms)
    return PricedModel(
        used=used,
        rates=dict(found.card.rates) if found.card else {},
        is_free=found.card is not None and not found.card.rates,
        origin=origin_of(found),
        why=lookup_text(found, book.list.version),
    )


def origin_of(found: Lookup) -> str:
    if found.card is None:
        return "none"
    if any(isinstance(step, Override) for step in found.steps):
        return "own"
    return "alias" if any(isinstance(step, Alias) for step in found.steps) else "list"


ROUTES = [
    web.get(LIST, get_pricing),
    web.post(f"{LIST}/currency", post_currency),
    web.post(f"{LIST}/own/{{price}}/revocation", post_revocation),
]
