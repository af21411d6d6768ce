"""`GET /w/{workspace}/customers`: what each customer costs, and what is left of its price."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from aiohttp import web

from llmtrack.domain.errors import InvalidValue, NotFound
from llmtrack.domain.margins import revenue_pico
from llmtrack.domain.money import PICO_MAX, pico_from_usd, usd_text
from llmtrack.domain.roles import Permission, may
from llmtrack.domain.spans import Span
from llmtrack.storage.customer_prices import customer_prices, set_customer_price
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.labels import Label, labels_of, value_of
from llmtrack.storage.questions import TooMuchToRead
from llmtrack.storage.reports import ByValue, ranked, usage_by_value
from llmtrack.storage.sums import Sums, total_of
from llmtrack.web.analytics import Look, analytics_page, looking
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.changes import Change, ratio_change
from llmtrack.web.context import CLOCK_MS, SCOPE
from llmtrack.web.forms import read_form
from llmtrack.web.metrics import per_request_pico
from llmtrack.web.numbers import NOTHING, percent, usd_short
from llmtrack.web.theme import local_path

ROWS_MAX = 100
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")
"""As 1,234.50."""


class Row(NamedTuple):
    label: Label
    url: str | None
    price_url: str | None
    sums: Sums
    share: str
    per_request_pico: int | None
    change: Change | None
    price_text: str
    """The monthly price as typed in, "" without one."""
    margin_pico: int | None
    margin_share: str


@require(Permission.READ)
async def get_customers(request: web.Request) -> web.StreamResponse:
    async with looking(request, "customers") as look:
        try:
            shown = await look.reading.run(customer_values(look))
        except TooMuchToRead as error:
            return analytics_page(request, "customers.html", look, too_much=error)
        return analytics_page(
            request,
            "customers.html",
            look,
            may_price=may(look.scope.role, Permission.MANAGE_PRICES),
            return_to=look.query.url,
            **shown,
        )


async def customer_values(look: Look) -> dict[str, Any]:
    """What `_customers.html` shows. Raises TooMuchToRead."""
    values = await usage_by_value(look.reading, look.question(Kind.CUSTOMER))
    before: ByValue = {}
    try:
        question = look.question(Kind.CUSTOMER, look.timeframe.previous)
        before = await usage_by_value(look.reading, question)
    except TooMuchToRead:
        before = {}
    # What they pay is nobody's business who has only a link.
    prices = {} if look.query.is_locked else await customer_prices(look.reading)
    order = ranked(values)
    shown = order[:ROWS_MAX]
    labels = await labels_of(look.reading, Kind.CUSTOMER, [one for one in shown if one is not None])
    total = total_of(values.values())
    return {
        "nothing": not total.events,
        "rows": [
            _row(
                look,
                labels.get(value),
                (values[value], before.get(value)),
                total,
                prices.get(value) if value is not None else None,
            )
            for value in shown
        ],
        "more": len(order) - len(shown),
        "more_sums": total_of(values[value] for value in order[ROWS_MAX:]),
        "total": total,
        "count": sum(value is not None for value in order),
        "is_part": _is_part(look),
    }


def _row(
    look: Look,
    label: Label | None,
    sums: tuple[Sums, Sums | None],
    total: Sums,
    monthly_pico: int | None,
) -> Row:
    now, before = sums
    margin = None
    margin_share = ""
    if monthly_pico is not None and not _is_part(look):
        revenue = revenue_pico(monthly_pico, _passed(look), look.scope.time_zone)
        margin = revenue - now.cost_pico
        margin_share = percent(margin, revenue) if margin >= 0 else ""
    change = None
    if before is not None:
        was = f"{usd_short(before.cost_pico)} in {look.timeframe.previous_text}"
        change = ratio_change(now.cost_pico, before.cost_pico, less_is_better=True, before_text=was)
    query = look.query
    slug = label.slug if label else ""
    return Row(
        label or Label("", "No customer"),
        query.about("customer", slug).url if slug else None,
        f"{query.path}/price" if slug else None,
        now,
        NOTHING if now.known_cost_pico is None else percent(now.cost_pico, total.cost_pico),
        per_request_pico(now),
        change,
        "" if monthly_pico is None else usd_text(monthly_pico),
        margin,
        margin_share,
    )


def _is_part(look: Look) -> bool:
    """Whether only some of a customer's requests are shown: the price is for all of them."""
    return any(kind is not Kind.CUSTOMER for kind in look.bar.values)


def _passed(look: Look) -> Span:
    """What of the period has passed: a month that runs is not yet paid in full."""
    span = look.timeframe.span
    return Span(span.start_ms, max(span.start_ms, min(span.end_ms, look.now_ms)))


@require(Permission.MANAGE_PRICES)
async def post_price(request: web.Request) -> web.StreamResponse:
    scope = request[SCOPE]
    form = await read_form(request, ("customer", "price", "return_to"))
    monthly_pico = _price(form["price"])
    async with scope.reading() as reading:
        customer_id = await value_of(reading, Kind.CUSTOMER, form["customer"])
    if customer_id is None:
        raise NotFound("there is no such customer")
    await scope.write(
        set_customer_price,
        customer_id,
        monthly_pico=monthly_pico,
        actor=actor_of(request),
        now_ms=request.app[CLOCK_MS](),
    )
    return see_other(local_path(form["return_to"]))


def _price(text: str) -> int | None:
    """Dollars a month as pico-USD; None for an empty field."""
    text = text.strip().removeprefix("$")
    if not text:
        return None
    if "," in text and not _GROUPED.fullmatch(text):  # 49,90 is not 4990
        raise InvalidValue("price", f"{text[:30]!r} is no price in dollars", fix="write 49.90")
    try:
        pico = pico_from_usd(Decimal(text.replace(",", "")))
    except (InvalidOperation, ValueError, OverflowError):
        pico = -1
    if not 0 <= pico <= PICO_MAX:
        raise InvalidValue("price", f"{text[:30]!r} is no price in dollars", fix="write 49.90")
    return pico


ROUTES = [
    web.get("/w/{workspace}/customers", get_customers),
    web.post("/w/{workspace}/customers/price", post_price),
]
