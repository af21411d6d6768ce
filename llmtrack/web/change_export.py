"""`GET /w/{workspace}/changes/export`: what changed, value by value, its parts adding up."""

from collections.abc import Iterator

from aiohttp import web

from llmtrack.domain.roles import Permission
from llmtrack.domain.spans import Span
from llmtrack.web.analytics import Look, looking
from llmtrack.web.auth import require
from llmtrack.web.cost_changes import EXTRAS, Comparison, compare, compared_with
from llmtrack.web.exports import check_understood, days_text
from llmtrack.web.table_files import (
    PERIOD_HEADS,
    VALUE_HEADS,
    Row,
    Table,
    asked_form,
    period_cells,
    send_table,
    usd_cell,
    value_cells,
)

HEADS = (
    *PERIOD_HEADS,
    *("before_from", "before_to"),
    *VALUE_HEADS,
    *("before_cost_usd", "cost_usd", "change_usd"),
    *("volume_usd", "mix_usd", "tokens_per_request_usd", "price_usd"),
    *("before_requests", "requests", "before_tokens", "tokens"),
    *("before_requests_without_cost", "requests_without_cost"),
)


@require(Permission.EXPORT)
async def get_change_export(request: web.Request) -> web.StreamResponse:
    form = asked_form(request)
    async with looking(request, "changes", EXTRAS) as look:
        before_span, _ = compared_with(look)
        check_understood(look.bar.problems)
        by = look.query.by
        found = await look.reading.run(compare(look, by, before_span, named_max=None))
    name = f"changes-by-{by}-{days_text(look.timeframe.span, look.scope.time_zone)}"
    table = Table(name, HEADS, _rows(look, found, before_span), len(found.order))
    return await send_table(request, form, table)


def _rows(look: Look, found: Comparison, before_span: Span) -> Iterator[Row]:
    """A change is of what is known: without a known cost on one side, of the other's."""
    zone = look.scope.time_zone
    period = (*period_cells(look.timeframe.span, zone), *period_cells(before_span, zone)[:2])
    for value in found.order:
        before, now = found.sums(value)
        split = found.splits[value]
        yield (
            *period,
            *value_cells(found.name, value, found.labels.get(value)),
            usd_cell(before.known_cost_pico),
            usd_cell(now.known_cost_pico),
            usd_cell(split.total_pico),
            *(usd_cell(part) for part in split),
            *(before.events, now.events, before.tokens, now.tokens),
            *(sums.unpriced_events + sums.unknown_usage_events for sums in (before, now)),
        )


ROUTES = [web.get("/w/{workspace}/changes/export", get_change_export)]
