"""`GET /w/{workspace}/what-if`: the usage of a period at another model's prices."""

from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from llmtrack.domain.costs import CostFlag, CostStatus
from llmtrack.domain.errors import Refused
from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.roles import Permission
from llmtrack.domain.what_if import Comparison, total_of
from llmtrack.services.what_if import Comparing, Target, what_if
from llmtrack.services.what_if_runs import WhatIfRun, WhatIfRuns
from llmtrack.storage.day_edges import note_deleted
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.labels import Label, labels_of
from llmtrack.storage.models_in_use import models_in_use
from llmtrack.storage.questions import READ_EVENTS_MAX, TooMuchToRead
from llmtrack.web.analytics import Look, analytics_page, looking
from llmtrack.web.auth import require, see_other
from llmtrack.web.change_words import signed_usd
from llmtrack.web.changes import Change, ratio_change
from llmtrack.web.charts import share_bar
from llmtrack.web.forms import read_form
from llmtrack.web.ingest import PRICE_BOOKS
from llmtrack.web.numbers import usd_short

EXTRAS = ("target",)
OFFERED_MAX = 400
AT_ONCE_EVENTS_MAX = 3_000
"""What the page prices while somebody waits: some 60 ms."""
BEGUN_EVENTS_MAX = 100_000
"""What it begins to price by itself and shows when it is there, some seconds later; more is asked
for by a button."""
NOT_PRICED_TEXTS = {
    CostStatus.UNPRICED: "the other model has no price",
    CostStatus.NO_USAGE: "they told no token counts",
    CostStatus.INSUFFICIENT_USAGE: "they told only a total, or other things are billed",
    CostStatus.INVALID_USAGE: "their counts contradict each other",
}
FLAG_TEXTS = {
    CostFlag.RATE_FALLBACK: "Parts (cached, audio) without a rate of their own there, at the rate "
    "of what they are a part of",
    CostFlag.TIER_IGNORED: "Service tiers that it has no rates for, at the standard ones",
    CostFlag.RATE_MISSING: "Something counted that has no rate there",
    CostFlag.UNMETERED_PARTS: "May have parts that events do not count, such as images",
    CostFlag.OVERLAP_ASSUMED: "Audio that must have been cached as well",
    CostFlag.BEFORE_FIRST_PRICE: "Older than its first price",
}


class Row(NamedTuple):
    label: Label
    url: str
    comparison: Comparison
    change: Change | None


WHAT_IF_RUNS = web.AppKey("what_if_runs", WhatIfRuns)


@require(Permission.READ)
async def get_what_if(request: web.Request) -> web.StreamResponse:
    async with looking(request, "what-if", EXTRAS) as look:
        values = await page_values(request, look, begun_events_max=BEGUN_EVENTS_MAX)
    # Not above: it reads for itself, and few can read at a time.
    used = await models_in_use(look.scope, now_ms=look.now_ms)
    offered = {f"{model.provider}/{model.model}": None for model in used}
    book = await request.app[PRICE_BOOKS].find(look.scope.workspace_id)
    return analytics_page(request, "what_if.html", look, offered=_offered(book, offered), **values)


async def page_values(
    request: web.Request, look: Look, *, begun_events_max: int | None = None
) -> dict[str, Any]:
    """What the page shows: the comparison, or a run under way, or that it takes too long.

    One of no more than `begun_events_max` requests, without it of any number, begins by itself.
    """
    book = await request.app[PRICE_BOOKS].find(look.scope.workspace_id)
    runs = request.app[WHAT_IF_RUNS]
    run = find_run(runs, look)
    values: dict[str, Any] = {"total": None, "too_long": None}
    # Once: it may end while the page is made, which then asks again for the result.
    is_under_way = run is not None and run.ended_ms is None
    try:
        if look.query.extras or look.query.is_locked:  # a link without a model is no link
            comparing = what_if_values(look, book, run, read_events_max=AT_ONCE_EVENTS_MAX)
            values |= await look.reading.run(comparing)
    except TooMuchToRead as error:
        values["too_long"] = error
        if begun_events_max is None or error.events <= begun_events_max:
            with suppress(Refused):  # it is offered, then
                run = _begin(runs, look, book)
                is_under_way = True
    asked = look.query.extras.get("target", "")
    return {**values, "asked": asked, "run": run, "is_under_way": is_under_way, "bar_of": share_bar}


def find_run(runs: WhatIfRuns, look: Look) -> WhatIfRun | None:
    """What was begun for the look's question, by a member or by whoever has a shared link to it."""
    return runs.find(look.scope, _question(look))


def _question(look: Look) -> str:
    return urlencode(look.query.parameters)


@require(Permission.READ)
async def post_what_if(request: web.Request) -> web.StreamResponse:
    """Begin the comparison of the address, or anew, or end it: more than a page reads at once."""
    form = await read_form(request, ("cancel",))
    runs = request.app[WHAT_IF_RUNS]
    async with looking(request, "what-if", EXTRAS) as look:
        book = await request.app[PRICE_BOOKS].find(look.scope.workspace_id)
        if form["cancel"]:
            runs.cancel(look.scope, _question(look))
            return see_other(look.query.with_extras({}).url)  # the other would begin it again
        _begin(runs, look, book)
    return see_other(look.query.url)


def _begin(runs: WhatIfRuns, look: Look, book: PriceBook) -> WhatIfRun | None:
    """Raises Refused."""
    target = _target(look, book)
    if target is None:
        return None
    comparing = Comparing(look.timeframe.span, look.bar.values, (book, target))
    return runs.begin(look.scope, _question(look), comparing)


async def what_if_values(
    look: Look,
    book: PriceBook,
    run: WhatIfRun | None = None,
    *,
    read_events_max: int = READ_EVENTS_MAX,
) -> dict[str, Any]:
    """What `_what_if.html` shows; `total` is None for a model without a price.

    `run`: one that was begun, whose result it is if there is one. Raises TooMuchToRead.
    """
    target = _target(look, book)
    if target is None:
        return {"total": None}
    span = look.timeframe.span
    if run is None:
        comparing = Comparing(span, look.bar.values, (book, target))
        found = await what_if(look.reading, comparing, read_events_max=read_events_max)
    elif run.result is None:
        return {"total": None}
    else:
        found, span = run.result, run.comparing.span
        await note_deleted(look.reading, [span])
        book, target = run.comparing.prices
    card = book.rate_card(target.provider, target.model, at_ms=target.at_ms)
    return {"card": card, "target": target, "span": span, **await _compared(look, found)}


def _target(look: Look, book: PriceBook) -> Target | None:
    """Whose prices are asked for; the bar says why there are none."""
    asked = look.query.extras.get("target", "").strip()
    provider, _, model = asked.partition("/")  # the model's name may have more slashes
    if provider and model and book.rate_card(provider, model, at_ms=look.now_ms) is not None:
        return Target(provider, model, look.now_ms)
    why = f"There is no price for {asked[:120]!r}." if asked else "No model is chosen."
    look.bar.problems.append(why)
    return None


def _offered(book: PriceBook, offered: dict[str, None]) -> list[str]:
    """What is in use, then what else its providers have."""
    providers = {name.partition("/")[0] for name in offered}
    for provider in book.list.providers:
        if provider.id in providers:
            offered |= {f"{provider.id}/{model.id}": None for model in provider.models}
    return list(offered)[:OFFERED_MAX]


async def _compared(look: Look, found: dict[int, Comparison]) -> dict[str, Any]:
    labels = await labels_of(look.reading, Kind.FEATURE, list(found))
    total = total_of(list(found.values()))
    rows = [
        Row(
            labels.get(feature) or Label("", "?"),
            look.query.about("feature", labels[feature].slug).url,
            comparison,
            _change(comparison),
        )
        for feature, comparison in found.items()
    ]
    rows.sort(key=lambda row: (-abs(row.comparison.difference_pico), row.label.text))
    return {
        "signed": signed_usd,
        "rows": rows,
        "total": total,
        "nothing": not total.events,
        "change": _change(total),
        "not_priced": [(NOT_PRICED_TEXTS[why], count) for why, count in total.not_priced.items()],
        "doubts": [(FLAG_TEXTS[flag], count) for flag, count in total.flags.items()],
    }


def _change(comparison: Comparison) -> Change | None:
    was = f"{usd_short(comparison.before_pico)} as it was"
    before, after = comparison.before_pico, comparison.after_pico
    return ratio_change(after, before, less_is_better=True, before_text=was)


ROUTES = [
    web.get("/w/{workspace}/what-if", get_what_if),
    web.post("/w/{workspace}/what-if", post_what_if),
]
