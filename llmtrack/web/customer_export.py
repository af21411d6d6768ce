"""`GET /w/{workspace}/customers/export`: every customer of the page's period and filters."""

from collections.abc import Iterator, Mapping

from aiohttp import web

from llmtrack.domain.roles import Permission
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.labels import Label, labels_of
from llmtrack.storage.sums import NO_SUMS
from llmtrack.web.analytics import Look, looking
from llmtrack.web.auth import require
from llmtrack.web.customers import Customers, load_customers
from llmtrack.web.exports import check_understood, days_text
from llmtrack.web.metrics import per_request_pico
from llmtrack.web.table_files import (
    PERIOD_HEADS,
    USAGE_HEADS,
    Row,
    Table,
    asked_form,
    period_cells,
    send_table,
    usage_cells,
    usd_cell,
)

HEADS = (
    *PERIOD_HEADS,
    *("customer", "customer_name"),
    *USAGE_HEADS,
    *("cost_per_request_usd", "before_cost_usd", "price_per_month_usd", "margin_usd"),
)
Labels = Mapping[int | None, Label]


@require(Permission.EXPORT)
async def get_customer_export(request: web.Request) -> web.StreamResponse:
    form = asked_form(request)
    async with looking(request, "customers") as look:
        check_understood(look.bar.problems)
        found, labels = await look.reading.run(_load(look))
    name = f"customers-{days_text(look.timeframe.span, look.scope.time_zone)}"
    table = Table(name, HEADS, _rows(look, found, labels), len(found.order))
    return await send_table(request, form, table)


async def _load(look: Look) -> tuple[Customers, Labels]:
    found = await load_customers(look)
    named = [value for value in found.order if value is not None]
    return found, await labels_of(look.reading, Kind.CUSTOMER, named)


def _rows(look: Look, found: Customers, labels: Labels) -> Iterator[Row]:
    period = period_cells(look.timeframe.span, look.scope.time_zone)
    for value in found.order:
        now, margin = found.values[value], found.margin(value)
        yield (
            *period,
            *_customer_cells(value, labels),
            *usage_cells(now),
            usd_cell(None if now.known_cost_pico is None else per_request_pico(now)),
            usd_cell(_before_pico(found, value)),
            usd_cell(found.price_pico(value)),
            usd_cell(margin[0] if margin else None),
        )


def _customer_cells(value: int | None, labels: Labels) -> tuple[str | None, str | None]:
    """Its id, and its name where it has one; as events are exported with."""
    label = None if value is None else labels.get(value)
    return (label.slug, label.text if label.detail else None) if label else (None, None)


def _before_pico(found: Customers, value: int | None) -> int | None:
    """Whoever made no request before cost nothing, if all of that could be read."""
    return None if found.before is None else found.before.get(value, NO_SUMS).known_cost_pico


ROUTES = [web.get("/w/{workspace}/customers/export", get_customer_export)]
