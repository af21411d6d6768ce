"""`GET /w/{workspace}/`: what it cost, what it will have cost, and what causes it."""

from collections.abc import Sequence

from aiohttp import web

from llmtrack.domain.roles import Permission
from llmtrack.services.price_updates import list_age
from llmtrack.storage.questions import TooMuchToRead
from llmtrack.web.analytics import Look, analytics_page, looking
from llmtrack.web.auth import require
from llmtrack.web.change_words import Sentence
from llmtrack.web.context import CLOCK_MS
from llmtrack.web.cost_changes import overview_sentences
from llmtrack.web.dimension_texts import dimension_text
from llmtrack.web.ingest import PRICE_BOOKS
from llmtrack.web.overview_chart import overview_chart
from llmtrack.web.overview_data import OverviewData, load_overview
from llmtrack.web.overview_view import table_of, tiles_of
from llmtrack.web.page_query import PageQuery


@require(Permission.READ)
async def get_overview(request: web.Request) -> web.StreamResponse:
    async with looking(request, "") as look:
        return await _answer(request, look)


async def _answer(request: web.Request, look: Look) -> web.Response:
    query = look.query
    if "unnamed" in request.query:
        told = f"No {dimension_text(query.by)} is chosen, so this is the Overview of all of them."
        look.bar.notes.append(told)
    try:
        data, sentences = await look.reading.run(_load(look))
    except TooMuchToRead as error:
        return analytics_page(request, "overview.html", look, too_much=error)
    return analytics_page(
        request,
        "overview.html",
        look,
        nothing=not data.report.total.events,
        data=data,
        price_list=await list_age(request.app[PRICE_BOOKS], now_ms=request.app[CLOCK_MS]()),
        groupings=[(name, query.with_by(name).url, name == query.by) for name in query.dimensions],
        tiles=tiles_of(data, look.timeframe),
        chart=overview_chart(query, data, look.scope.time_zone, may_export=look.may_export),
        table=table_of(query, data),
        sentences=sentences,
        changes_url=_changes_url(query, sentences),
    )


async def _load(look: Look) -> tuple[OverviewData, list[Sentence]]:
    return await load_overview(look), await overview_sentences(look)


def _changes_url(query: PageQuery, sentences: Sequence[Sentence]) -> str:
    """All changes, by the dimension that the sentences are about: they stand there again."""
    of = query.with_by(sentences[0].dimension) if sentences else query
    return of.at(f"{query.path}changes").url


ROUTES = [web.get("/w/{workspace}/", get_overview)]
