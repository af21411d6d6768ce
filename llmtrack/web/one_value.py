"""`GET /w/{workspace}/by/{dimension}?{dimension}=...`: all about one value of a dimension.

The value is the filter of that name, as on every page: names may hold anything, and a path
would take some of it apart.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from aiohttp import web
from markupsafe import Markup

from llmtrack.domain.errors import NotFound
from llmtrack.domain.roles import Permission
from llmtrack.domain.tags import key_of, tag_name
from llmtrack.storage.dimensions import kept_pair
from llmtrack.storage.event_pages import event_page
from llmtrack.storage.labels import Label, labels_of
from llmtrack.storage.questions import TooMuchToRead
from llmtrack.storage.reports import ranked, usage_by_value
from llmtrack.storage.sums import Sums, total_of
from llmtrack.web.analytics import Look, analytics_page, looking
from llmtrack.web.auth import require, see_other
from llmtrack.web.charts import share_bar
from llmtrack.web.dimension_texts import dimension_text, no_value
from llmtrack.web.event_columns import chosen_columns, uuid_of
from llmtrack.web.numbers import NOTHING, percent
from llmtrack.web.overview_chart import overview_chart
from llmtrack.web.overview_data import load_overview
from llmtrack.web.overview_view import table_of, tiles_of
from llmtrack.web.page_query import DEFAULT_BY, DIMENSIONS, TAG_PAGE, PageQuery

PARTS_MAX = 8
EVENTS_MAX = 8
COLUMNS = "time,status,model,feature,customer,cost,latency_ms"


class Part(NamedTuple):
    label: Label
    url: str | None
    sums: Sums
    share: str
    share_bar: Markup


class Parts(NamedTuple):
    """What the value's usage is made of, by another dimension."""

    name: str
    rows: list[Part]
    more: int
    more_sums: Sums
    all_url: str


@require(Permission.READ)
async def get_one_value(request: web.Request) -> web.StreamResponse:
    async with looking_at_value(request) as (asked, name):
        if name not in asked.bar.labels:
            overview = asked.query.at(f"/w/{asked.scope.public_id}/").with_by(name)
            return see_other(overview.with_extra("unnamed", "1").url)
        look, label = grouped(asked, name), asked.bar.labels[name]
        try:
            found = await look.reading.run(_load(look, name))
        except TooMuchToRead as error:
            return analytics_page(
                request, "one_value.html", look, too_much=error, dimension=name, label=label
            )
    # Not above: it reads for itself, and few can read at a time.
    latest = await event_page(
        look.scope, look.timeframe.span, filters=look.bar.values, most=EVENTS_MAX
    )
    events = [(uuid_of(event), event) for event in latest.events]
    return analytics_page(
        request, "one_value.html", look, dimension=name, label=label, events=events, **found
    )


@asynccontextmanager
async def looking_at_value(request: web.Request) -> AsyncIterator[tuple[Look, str]]:
    """With the name of the dimension; a URL may leave open which of its values. Raises NotFound."""
    page_name = request.match_info["dimension"]
    name = tag_name(request.query.get("of", "")) if page_name == TAG_PAGE else page_name
    if name not in DIMENSIONS and not key_of(name):
        raise NotFound(f"nothing is counted by {name[:40]!r}")
    async with looking(request, f"by/{page_name}", ("of",)) as look:
        if name not in look.query.dimensions:
            raise NotFound(f"the tag {(key_of(name) or '')[:60]!r} is not tracked here")
        if name not in look.bar.labels and request.query.get(name):
            text = dimension_text(name)
            raise NotFound(f"there is no {text} {request.query[name][:60]!r} here")
        yield look, name


def grouped(look: Look, name: str) -> Look:
    """Grouped by something else than what there is only one of."""
    if look.query.by != name:
        return look
    other = "feature" if name == DEFAULT_BY else DEFAULT_BY
    return replace(look, bar=replace(look.bar, query=look.query.with_by(other)))


async def _load(look: Look, name: str) -> dict[str, Any]:
    query = look.query
    data = await load_overview(look)
    home = f"/w/{look.scope.public_id}/"
    links = [
        ("What changed", query.at(f"{home}changes").url),
        ("Performance", query.at(f"{home}performance").url),
        ("Explore", query.at(f"{home}explore").url),
        ("What if", query.at(f"{home}what-if").url),
    ]
    if name == "key":
        links.append(("Manage this key", f"{home}keys/{query.filters[name]}"))
    return {
        "nothing": not data.report.total.events,
        "data": data,
        "tiles": tiles_of(data, look.timeframe),
        "chart": overview_chart(query, data, look.scope.time_zone, may_export=look.may_export),
        "table": table_of(query, data),
        "groupings": [
            (each, query.with_by(each).url, each == query.by)
            for each in query.dimensions
            if each != name
        ],
        "parts": [await _parts(look, other) for other in _others(look, name)],
        "columns": [column for column in chosen_columns(COLUMNS) if column.name != name],
        "events_url": f"{home}events",
        "links": links,
    }


def _others(look: Look, name: str) -> list[str]:
    """Dimensions whose combination with this one is kept as sums, but for the table's own."""
    query = look.query
    kind = query.dimensions[name]
    free = [each for each in query.dimensions if each not in query.filters and each != query.by]
    return [each for each in free if kept_pair(kind, query.dimensions[each]) is not None]


async def _parts(look: Look, other: str) -> Parts:
    kind = look.query.dimensions[other]
    values = await usage_by_value(look.reading, look.question(kind))
    order = ranked(values)
    shown, rest = order[:PARTS_MAX], order[PARTS_MAX:]
    labels = await labels_of(look.reading, kind, [value for value in shown if value is not None])
    total = total_of(values.values())
    return Parts(
        other,
        [
            _part(
                look.query,
                other,
                labels.get(value) or Label("", no_value(other)),
                values[value],
                total,
            )
            for value in shown
        ],
        len(rest),
        total_of(values[value] for value in rest),
        look.query.with_by(other).url,
    )


def _part(query: PageQuery, other: str, label: Label, sums: Sums, total: Sums) -> Part:
    part, whole = sums.known_cost_pico, total.cost_pico
    if not whole:
        part, whole = sums.events, total.events
    url = query.about(other, label.slug).url if label.slug else None
    share = NOTHING if part is None else percent(part, whole)
    return Part(label, url, sums, share, share_bar(part or 0, whole))


ROUTES = [web.get("/w/{workspace}/by/{dimension}", get_one_value)]
