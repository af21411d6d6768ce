"""`/w/{workspace}/pricing/repricing`: what new prices would change, the runs, and undoing one."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web
from markupsafe import Markup

from llmtrack.domain.errors import InvalidValue, LLMtrackError
from llmtrack.domain.periods import date_of_day, day_number, day_start_ms, local_date, parse_instant
from llmtrack.domain.roles import Permission, may
from llmtrack.services.repricer import Repricer
from llmtrack.services.repricing import Difference, Preview, preview, prices_of
from llmtrack.storage.questions import TooMuchToRead
from llmtrack.storage.reprice_orders import AHEAD_MS, begin_undo, create_run, queue_unpriced
from llmtrack.storage.reprice_runs import Run, RunState, Selection, run_of, runs
from llmtrack.storage.stored_usage import candidate_count
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.charts import share_bar
from llmtrack.web.context import CLOCK_MS, SCOPE
from llmtrack.web.forms import read_form
from llmtrack.web.ingest import PRICE_BOOKS
from llmtrack.web.render import page

PATH = "/w/{workspace}/pricing/repricing"
RUN = "/w/{workspace}/pricing/runs/{run}"
PREVIEW_EVENTS_MAX = 100_000
"""What a page prices while somebody waits: a second or two."""
ROWS_MAX = 200
DAYS_BACK = 30
FIELDS = ("from", "to", "model", "only_unpriced", "reason", "digest")

REPRICER = web.AppKey("repricer", Repricer)


@dataclass(frozen=True)
class PreviewRow:
    day: str
    model: str
    difference: Difference


@require(Permission.READ)
async def get_repricing(request: web.Request) -> web.StreamResponse:
    """The form; with its fields in the query string, what it would change."""
    query = request.query
    asked = {name: query.get(name, "") for name in FIELDS}
    if "from" not in query:
        return await _page(request, _default_form(request))
    try:
        selection = _selection(request, asked)
        found = await _previewed(request, selection)
    except LLMtrackError as error:
        return await _page(request, asked, error=error)
    return await _page(request, asked, found=found)


@require(Permission.MANAGE_PRICES)
async def post_repricing(request: web.Request) -> web.StreamResponse:
    """Apply what the preview showed; prices that are others by now are shown anew."""
    form = await read_form(request, FIELDS)
    scope, app = request[SCOPE], request.app
    try:
        selection = _selection(request, form)
        found = await _previewed(request, selection)
        if found.digest != form["digest"]:
            error = InvalidValue("digest", "prices changed since this preview; it is shown anew")
            return await _page(request, form, found=found, error=error)
        run = await scope.write(
            create_run,
            selection,
            prices_digest=found.digest,
            reason=form["reason"][:500],
            actor=actor_of(request),
            total_events=found.seen_events,
            now_ms=app[CLOCK_MS](),
        )
    except LLMtrackError as error:
        return await _page(request, form, error=error)
    app[REPRICER].wake()
    return see_other(_run_url(request, run.public_id))


@require(Permission.READ)
async def get_run(request: web.Request) -> web.StreamResponse:
    run = await run_of(request[SCOPE], request.match_info["run"])
    return _run_page(request, run)


@require(Permission.MANAGE_PRICES)
async def post_undo(request: web.Request) -> web.StreamResponse:
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    public_id = request.match_info["run"]
    await scope.write(begin_undo, public_id, actor=actor_of(request), now_ms=now_ms)
    request.app[REPRICER].wake()
    return see_other(_run_url(request, public_id))


async def begin_unpriced(request: web.Request, reason: str) -> None:
    """What follows a new price or alias of the workspace: its unpriced events alone."""
    scope, app = request[SCOPE], request.app
    async with scope.reading() as reading:
        unpriced = Selection(0, app[CLOCK_MS]() + AHEAD_MS, only_unpriced=True)
        if not await candidate_count(reading, unpriced):
            return
    await scope.write(
        queue_unpriced, reason=reason, actor=actor_of(request), now_ms=app[CLOCK_MS]()
    )
    app[REPRICER].wake()


def _default_form(request: web.Request) -> dict[str, str]:
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    today = day_number(local_date(now_ms, scope.time_zone))
    form = dict.fromkeys(FIELDS, "")
    return form | {
        "from": date_of_day(today - DAYS_BACK + 1).isoformat(),
        "to": date_of_day(today).isoformat(),
    }


def _selection(request: web.Request, form: dict[str, str]) -> Selection:
    """Whole days of the workspace's zone, the last one included. Raises InvalidValue."""
    zone = request[SCOPE].time_zone
    instants = {}
    for name in ("from", "to"):
        try:
            instants[name] = parse_instant(form[name][:10], zone)
        except ValueError as error:
            raise InvalidValue(name, f"{form[name][:20]!r} is no date") from error
    last = day_number(local_date(instants["to"], zone))
    end_ms = day_start_ms(last + 1, zone)
    if end_ms <= instants["from"]:
        raise InvalidValue("to", "the last day is before the first")
    model = form["model"].strip() or None
    return Selection(instants["from"], end_ms, model, form["only_unpriced"] == "1")


async def _previewed(request: web.Request, selection: Selection) -> Preview:
    scope, app = request[SCOPE], request.app
    async with scope.reading() as reading:
        count = await candidate_count(reading, selection)
    if count > PREVIEW_EVENTS_MAX:
        raise TooMuchToRead(count, PREVIEW_EVENTS_MAX)
    prices = await prices_of(scope, app[PRICE_BOOKS])
    return await preview(scope, selection, prices)


async def _page(
    request: web.Request,
    form: dict[str, str],
    *,
    found: Preview | None = None,
    error: LLMtrackError | None = None,
) -> web.Response:
    scope = request[SCOPE]
    rows = sorted(found.rows.items(), key=lambda row: -abs(row[1].difference_pico)) if found else []
    return page(
        request,
        "repricing.html",
        status=200 if error is None or request.method == "GET" else 422,
        now_ms=request.app[CLOCK_MS](),
        form=form,
        url=f"/w/{scope.public_id}/pricing/repricing",
        unpriced_url=f"/w/{scope.public_id}/pricing/unpriced",
        found=found,
        rows=[
            PreviewRow(date_of_day(day).isoformat(), model, difference)
            for (day, model), difference in sorted(rows[:ROWS_MAX])
        ],
        rows_left_count=max(0, len(rows) - ROWS_MAX),
        runs=[_run_view(request, run) for run in await runs(scope)],
        may_manage=may(scope.role, Permission.MANAGE_PRICES),
        error_field=error.field if isinstance(error, InvalidValue) else "",
        error_text=f"{error}" if error else "",
        error_fix=error.fix if error else None,
    )


def _run_page(request: web.Request, run: Run) -> web.Response:
    scope = request[SCOPE]
    return page(
        request,
        "repricing_run.html",
        now_ms=request.app[CLOCK_MS](),
        list_url=f"/w/{scope.public_id}/pricing/repricing",
        overview_url=f"/w/{scope.public_id}/",
        may_undo=run.state in {RunState.APPLIED, RunState.STOPPED}
        and run.changed_events > 0
        and may(scope.role, Permission.MANAGE_PRICES),
        **_run_view(request, run),
    )


def _run_view(request: web.Request, run: Run) -> dict[str, Any]:
    zone = request[SCOPE].time_zone
    first = local_date(run.selection.start_ms, zone)
    last = local_date(run.selection.end_ms - 1, zone)
    return {
        "run": run,
        "url": _run_url(request, run.public_id),
        # A run that a new price began covers everything there is.
        "days": "all days" if run.selection.start_ms == 0 else f"{first} to {last}",
        "bar": _bar(run),
    }


def _bar(run: Run) -> Markup:
    if run.state is RunState.UNDOING:
        done, total = run.restored_events + run.kept_events, run.changed_events
    else:
        done, total = run.seen_events, run.total_events
    return share_bar(min(done, total), total) if total else Markup()


def _run_url(request: web.Request, public_id: str) -> str:
    return f"/w/{request[SCOPE].public_id}/pricing/runs/{public_id}"


ROUTES = [
    web.get(PATH, get_repricing),
    web.post(PATH, post_repricing),
    web.get(RUN, get_run),
    web.post(f"{RUN}/undo", post_undo),
]
