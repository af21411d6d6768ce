"""`GET /w/{workspace}/what-if`: the usage of a period at another model's prices."""

from typing import Any, NamedTuple

from aiohttp import web

from llmtrack.domain.costs import CostFlag, CostStatus
from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.roles import Permission
from llmtrack.domain.what_if import Comparison, total_of
from llmtrack.services.what_if import Target, what_if
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.labels import Label, labels_of
from llmtrack.storage.models_in_use import models_in_use
from llmtrack.storage.questions import READ_EVENTS_MAX, TooMuchToRead
from llmtrack.web.analytics import Look, analytics_page, looking
from llmtrack.web.auth import require
from llmtrack.web.change_words import signed_usd
from llmtrack.web.changes import Change, ratio_change
from llmtrack.web.ingest import PRICE_BOOKS
from llmtrack.web.numbers import usd_short

EXTRAS = ("target",)
OFFERED_MAX = 400
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


@require(Permission.READ)
async def get_what_if(request: web.Request) -> web.StreamResponse:
    async with looking(request, "what-if", EXTRAS) as look:
        book = await request.app[PRICE_BOOKS].find(look.scope.workspace_id)
        values: dict[str, Any] = {"total": None}
        too_much = None
        try:
            if look.query.extras:
                values = await look.reading.run(what_if_values(look, book))
        except TooMuchToRead as error:
            too_much = error
    # Not above: it reads for itself, and few can read at a time.
    used = await models_in_use(look.scope, now_ms=look.now_ms)
    offered = {f"{model.provider}/{model.model}": None for model in used}
    return analytics_page(
        request,
        "what_if.html",
        look,
        too_much=too_much,
        offered=_offered(book, offered),
        asked=look.query.extras.get("target", ""),
        **values,
    )


async def what_if_values(look: Look, book: PriceBook) -> dict[str, Any]:
    """What `_what_if.html` shows; `total` is None for a model without a price.

    Raises TooMuchToRead.
    """
    asked = look.query.extras.get("target", "").strip()
    provider, _, model = asked.partition("/")  # the model's name may have more slashes
    card = book.rate_card(provider, model, at_ms=look.now_ms) if provider and model else None
    if card is None:
        why = f"There is no price for {asked[:120]!r}." if asked else "No model is chosen."
        look.bar.problems.append(why)
        return {"total": None}
    target = Target(provider, model, look.now_ms)
    return {"card": card, "target": target, **await _compared(look, book, target)}


def _offered(book: PriceBook, offered: dict[str, None]) -> list[str]:
    """What is in use, then what else its providers have."""
    providers = {name.partition("/")[0] for name in offered}
    for provider in book.list.providers:
        if provider.id in providers:
            offered |= {f"{provider.id}/{model.id}": None for model in provider.models}
    return list(offered)[:OFFERED_MAX]


async def _compared(look: Look, book: PriceBook, target: Target) -> dict[str, Any]:
    span = look.timeframe.span
    found = await what_if(
        look.reading, span, look.bar.values, (book, target), read_events_max=READ_EVENTS_MAX
    )
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


ROUTES = [web.get("/w/{workspace}/what-if", get_what_if)]
