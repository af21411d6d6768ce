"""`GET /w/{workspace}/customers`: what each customer costs, and what is left of its price."""

import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, NamedTuple

from aiohttp import web

from llmtrack.domain.errors import InvalidValue, NotFound
from llmtrack.domain.margins import months_in, revenue_pico
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
from llmtrack.web.pages import PARAMETER, pages_of
from llmtrack.web.theme import local_path

EXTRAS = (PARAMETER,)
ROWS_MAX = 100
"""On a page."""
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


class Customers(NamedTuple):
    values: ByValue
    before: ByValue | None
    """None where it would have been too much to read."""
    prices: Mapping[int, int]
    """Of a month, in pico-USD."""
    order: list[int | None]
    """The most expensive first, what has no customer last."""
    total: Sums
    months: Fraction | None
    """Of the period, as far as it has passed; None where only some requests are shown."""

    def price_pico(self, value: int | None) -> int | None:
        return None if value is None else self.prices.get(value)

    def margin(self, value: int | None) -> tuple[int, int] | None:
        """(margin, revenue); None where price or cost is unknown, or the price is for more."""
        monthly_pico, cost_pico = self.price_pico(value), self.values[value].known_cost_pico
        if monthly_pico is None or cost_pico is None or self.months is None:
            return None
        revenue = revenue_pico(monthly_pico, self.months)
        return revenue - cost_pico, revenue


@require(Permission.READ)
async def get_customers(request: web.Request) -> web.StreamResponse:
    async with looking(request, "customers", EXTRAS) as look:
        try:
            shown = await look.reading.run(customer_values(look))
        except TooMuchToRead as error:
            return analytics_page(
                request, "customers.html", look.at_first_page(PARAMETER), too_much=error
            )
        return analytics_page(
            request,
            "customers.html",
            look.at_first_page(PARAMETER),
            may_price=may(look.scope.role, Permission.MANAGE_PRICES),
            return_to=look.query.url,
            **shown,
        )


async def load_customers(look: Look) -> Customers:
    """Raises TooMuchToRead."""
    values = await usage_by_value(look.reading, look.question(Kind.CUSTOMER))
    before: ByValue | None = None
    with suppress(TooMuchToRead):
        question = look.question(Kind.CUSTOMER, look.timeframe.previous)
        before = await usage_by_value(look.reading, question)
    # What they pay is nobody's business who has only a link.
    prices = {} if look.query.is_locked else await customer_prices(look.reading)
    # Once for all: it takes a step for each day.
    months = None if _is_part(look) else months_in(_passed(look), look.scope.time_zone)
    return Customers(values, before, prices, ranked(values), total_of(values.values()), months)


async def customer_values(look: Look) -> dict[str, Any]:
    """What `_customers.html` shows: a page of them. Raises TooMuchToRead."""
    found = await load_customers(look)
    named = [value for value in found.order if value is not None]
    given = look.query.extras.get(PARAMETER, "")
    pages, problem = pages_of(given, len(named), ROWS_MAX, "customers")
    if problem:  # which page is a visitor's own choice: the link is as good as it was
        told = look.bar.notes if look.query.is_locked else look.bar.problems
        told.append(problem)
    of_page = named[pages.first : pages.end]
    labels = await labels_of(look.reading, Kind.CUSTOMER, of_page)
    shown: list[int | None] = [*of_page]
    if None in found.values and pages.is_last:
        shown.append(None)
    return {
        "nothing": not found.total.events,
        "rows": [_row(look, found, value, labels.get(value)) for value in shown],
        "pages": pages,
        "more": len(named) - len(of_page),
        "more_sums": found.total - total_of(found.values[value] for value in shown),
        "hides_nameless": None in found.values and not pages.is_last,
        "total": found.total,
        "count": len(named),
        "is_part": _is_part(look),
    }


def _row(look: Look, found: Customers, value: int | None, label: Label | None) -> Row:
    now, before = found.values[value], (found.before or {}).get(value)
    monthly_pico = found.price_pico(value)
    margin, revenue = found.margin(value) or (None, 0)
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
        NOTHING if now.known_cost_pico is None else percent(now.cost_pico, found.total.cost_pico),
        per_request_pico(now),
        change,
        "" if monthly_pico is None else usd_text(monthly_pico),
        margin,
        percent(margin, revenue) if margin is not None and margin >= 0 else "",
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
