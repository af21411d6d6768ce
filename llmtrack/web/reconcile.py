"""`/w/{workspace}/pricing/reconcile`: a provider's bill beside what was recorded.

The file is read, compared and forgotten: nothing of it is stored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from aiohttp import web
from markupsafe import Markup

from llmtrack.domain.errors import InvalidValue, LLMtrackError
from llmtrack.domain.periods import parse_day
from llmtrack.domain.reconciliation import Parts, Reconciliation
from llmtrack.domain.roles import Permission
from llmtrack.formats.csv_table import csv_text
from llmtrack.formats.reconciliation_rows import (
    LESS_ON_BILL,
    MORE_ON_BILL,
    explanation,
    line_rows,
    percent_text,
)
from llmtrack.services.reconciling import Bill, Reconciled, parse_columns, reconcile_bill
from llmtrack.storage.questions import READ_EVENTS_MAX
from llmtrack.web.auth import require
from llmtrack.web.charts import share_bar
from llmtrack.web.context import SCOPE
from llmtrack.web.forms import read_upload, takes_bodies_up_to
from llmtrack.web.ingest import PRICE_BOOKS
from llmtrack.web.render import page

PATH = "/w/{workspace}/pricing/reconcile"
FILE_BYTES_MAX = 4 * 1024 * 1024
LINES_SHOWN_MAX = 500
FIELDS = ("provider", "from", "to", "columns", "format")


@dataclass(frozen=True)
class PartView:
    text: str
    amount_pico: int
    bar: Markup


@require(Permission.READ)
async def get_reconcile(request: web.Request) -> web.StreamResponse:
    return _page(request, dict.fromkeys(FIELDS, ""))


@require(Permission.READ)
@takes_bodies_up_to(FILE_BYTES_MAX)
async def post_reconcile(request: web.Request) -> web.StreamResponse:
    form, data = await read_upload(request, FIELDS, "file")
    scope = request[SCOPE]
    book = await request.app[PRICE_BOOKS].find(scope.workspace_id)
    try:
        bill = _bill(form, data)
        found = await reconcile_bill(scope, bill, book, read_events_max=READ_EVENTS_MAX)
    except LLMtrackError as error:
        return _page(request, form, error=error)
    if form["format"] == "csv":
        return _download(found)
    return _page(request, form, found=found)


def _bill(form: Mapping[str, str], data: bytes) -> Bill:
    if not form["provider"].strip():
        raise InvalidValue("provider", "say whose bill it is")
    if not data:
        raise InvalidValue("file", "choose a file; it must not be empty")
    pairs = [line for line in form["columns"].splitlines() if line.strip()]
    return Bill(
        data,
        form["provider"].strip(),
        parse_columns(pairs),
        _day("from", form["from"]),
        _day("to", form["to"]),
    )


def _day(field: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return parse_day(text)
    except ValueError as error:
        raise InvalidValue(field, f"{text[:20]!r} is no date") from error


def _page(
    request: web.Request,
    form: Mapping[str, str],
    *,
    found: Reconciled | None = None,
    error: LLMtrackError | None = None,
) -> web.Response:
    scope = request[SCOPE]
    return page(
        request,
        "reconcile.html",
        status=422 if error else 200,
        form=form,
        url=f"/w/{scope.public_id}/pricing/reconcile",
        error_field=error.field if isinstance(error, InvalidValue) else "",
        error_text=f"{error}" if error else "",
        error_fix=error.fix if error else None,
        found=found,
        **(_result(found.result) if found else {"lines": [], "parts": [], "covered": None}),
        lines_max=LINES_SHOWN_MAX,
    )


def _result(result: Reconciliation) -> dict[str, Any]:
    shown = sorted(result.lines, key=lambda line: -abs(line.parts.total))[:LINES_SHOWN_MAX]
    return {
        "covered": percent_text(result.coverage),
        "explained": explanation(line.parts for line in result.lines),
        "parts": _parts(result.parts),
        "lines": [
            (line, percent_text(line.coverage), explanation([line.parts]))
            for line in sorted(shown, key=lambda line: line.place)
        ],
    }


def _parts(parts: Parts) -> list[PartView]:
    whole = sum(map(abs, parts))
    return [
        PartView(
            (MORE_ON_BILL if amount > 0 else LESS_ON_BILL)[name],
            amount,
            share_bar(abs(amount), whole),
        )
        for name, amount in parts._asdict().items()
        if amount
    ]


def _download(found: Reconciled) -> web.Response:
    rows = list(line_rows(found.result))
    name = f"reconciled-{found.provider}-{found.first}-{found.last}"
    safe_name = re.sub(r"[^a-z0-9-]", "_", name)
    return web.Response(
        text=csv_text(rows, list(rows[0])),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{safe_name}.csv"'},
    )


ROUTES = [web.get(PATH, get_reconcile), web.post(PATH, post_reconcile)]
