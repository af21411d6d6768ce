"""Pages: one template each, rendered whole, or as the one block that htmx asked for.

What htmx refreshes is a block whose name is the target's id (with `_` for `-`), and the
block holds the target element itself. All templates are read at start, and compiled when they
are first used or by `compile_all`: together that takes a second.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import jinja2
from aiohttp import web
from jinja2.runtime import Context

from llmtrack import __version__
from llmtrack.domain.currencies import DisplayCurrency
from llmtrack.storage.notices import Notice
from llmtrack.storage.scope import Scope
from llmtrack.web import numbers
from llmtrack.web.assets import Assets
from llmtrack.web.dimension_texts import (
    dimension_heading,
    dimension_text,
    dimension_title,
    value_title,
)
from llmtrack.web.probes import VITALS
from llmtrack.web.theme import theme_of

COMPILE_PAUSE_S = 0.2
"""Between templates: whatever else runs in Python meanwhile hardly gets a turn."""


class WorkspaceChoice(NamedTuple):
    public_id: str
    name: str


@dataclass(frozen=True)
class Viewer:
    """Who looks at the page, put on the request by `web.auth`."""

    email: str
    workspace: Scope | None = None
    workspaces: Sequence[WorkspaceChoice] = ()
    is_admin: bool = False
    granted_until_ms: int | None = None
    """Of an administrator who is no member and has leave to look in."""


class Section(NamedTuple):
    path: str  # below /w/{workspace}/
    text: str
    symbol: str
    letter: str  # pressed after `g`
    is_analysis: bool = False  # of a period, and under filters


SECTIONS = (
    Section("", "Overview", "layout-dashboard", "o", True),
    Section("explore", "Explore", "chart-line", "x", True),
    Section("changes", "What changed", "arrow-left-right", "c", True),
    Section("events", "Events", "list", "e", True),
    Section("pricing", "Pricing", "circle-dollar-sign", "p"),
    Section("customers", "Customers", "handshake", "u", True),
    Section("performance", "Performance", "gauge", "l", True),
    Section("what-if", "What if", "calculator", "w", True),
    Section("keys", "Keys", "key-round", "k"),
    Section("members", "Members", "users", "m"),
    Section("settings", "Settings", "settings", "s"),
)


@dataclass(frozen=True)
class Shell:
    """The frame around a page."""

    user: Viewer | None
    workspace: Scope | None
    workspaces: Sequence[WorkspaceChoice]
    theme: str
    path: str
    section: str
    currency: DisplayCurrency | None
    troubles: Sequence[str] = ()
    """Of the installation, for administrators."""
    notices: Sequence[Notice] = ()
    sections: Sequence[Section] = SECTIONS
    version: str = __version__
    carried: str = ""
    """The query string with which the menu leads from one analysis to another."""
    is_part: bool = False
    """Only a block is rendered: what of the frame it makes stale has to be in it."""


class Renderer:
    """The compiled templates and the static files, all in memory."""

    def __init__(self, templates: Path, assets: Assets) -> None:
        self.assets = assets
        sources = {path.name: path.read_text("utf-8") for path in templates.glob("*.html")}
        self._environment = jinja2.Environment(
            loader=jinja2.DictLoader(sources),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        self._environment.globals["static"] = assets.url
        self._environment.globals["money_unit"] = numbers.money_unit
        self._environment.filters.update(
            usd=numbers.usd,
            usd_each=numbers.usd_each,
            usd_exact=numbers.usd_exact,
            usd_column=numbers.usd_column,
            num=numbers.num,
            tokens=numbers.tokens,
            milliseconds=numbers.milliseconds,
            ago=_ago,
            ago_at=numbers.ago,
            browser=browser_name,
            dimension=dimension_text,
            dimension_heading=dimension_heading,
            dimension_title=dimension_title,
            value_title=value_title,
            when=_when,
            utc_day=numbers.utc_day,
            bytes=numbers.bytes_text,
        )
        # Macros without context: a block rendered alone sees globals, not its file's imports.
        self._environment.globals["ui"] = self._environment.get_template("_parts.html").module
        self._names = sorted(sources)

    async def compile_all(self) -> None:
        """One after the other beside everything else, so that no page has to wait for it."""
        for name in self._names:
            await asyncio.to_thread(self._environment.get_template, name)
            await asyncio.sleep(COMPILE_PAUSE_S)

    def whole(self, name: str, values: dict[str, Any]) -> str:
        return self._environment.get_template(name).render(values)

    def block(self, name: str, block: str, values: dict[str, Any]) -> str | None:
        """One block of the template; None when it has none of that name."""
        template = self._environment.get_template(name)
        if block not in template.blocks:
            return None
        return "".join(template.blocks[block](template.new_context(values)))


RENDERER = web.AppKey("renderer", Renderer)
VIEWER = web.RequestKey("viewer", Viewer)
NOTICES: web.RequestKey[Sequence[Notice]] = web.RequestKey("notices")
"""What the members of the page's workspace have to know."""


def page(
    request: web.Request,
    name: str,
    /,
    *,
    status: int = 200,
    now_ms: int = 0,
    carried: str = "",
    **values: Any,
) -> web.Response:
    """Answer with the template, or with the block htmx asked for.

    `now_ms` is what the filter `ago` counts from; `carried` as in `Shell`.
    """
    renderer = request.app[RENDERER]
    block = _wanted_block(request)
    shell = replace(_shell(request), carried=carried, is_part=block is not None)
    values = {**values, "shell": shell, "now_ms": now_ms}
    text = renderer.block(name, block, values) if block else None
    if text is None:
        text = renderer.whole(name, values)
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers["Vary"] = "HX-Request, HX-Request-Type, HX-Target, Cookie"
    return response


def _wanted_block(request: web.Request) -> str | None:
    """The block behind `HX-Target: section#report`; a restored page from history is whole."""
    headers = request.headers
    partial = headers.get("HX-Request") == "true" and headers.get("HX-Request-Type") == "partial"
    if not partial or "HX-History-Restore-Request" in headers:
        return None
    target_id = unquote(headers.get("HX-Target", "").partition("#")[2])
    return target_id.replace("-", "_") or None


def _shell(request: web.Request) -> Shell:
    viewer = request.get(VIEWER)
    return Shell(
        user=viewer,
        workspace=viewer.workspace if viewer else None,
        workspaces=viewer.workspaces if viewer else (),
        theme=theme_of(request),
        path=request.path_qs if request.method == "GET" else "/",
        section=request.path.split("/")[3] if request.path.count("/") > 2 else "",
        currency=numbers.shown_currency(),
        troubles=request.app[VITALS].troubles if viewer and viewer.is_admin else (),
        notices=request.get(NOTICES, ()),
    )


_BROWSERS = [
    *(("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome")),
    *(("Safari/", "Safari"), ("curl/", "curl"), ("Python/", "Python")),
]
_SYSTEMS = [
    *(("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows")),
    *(("Mac OS", "macOS"), ("Linux", "Linux")),
]


def browser_name(user_agent: str) -> str:
    """Enough to tell one's own devices apart; the whole text is in the cell's title."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), None)
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), None)
    if browser is None:
        return user_agent[:40] or "unknown"
    return f"{browser} on {system}" if system else browser


@jinja2.pass_context
def _ago(context: Context, timestamp_ms: int | None) -> str:
    return numbers.ago(timestamp_ms, context["now_ms"])


@jinja2.pass_context
def _when(context: Context, timestamp_ms: int | None) -> str:
    """In the viewer's workspace's zone; a shared page has one of its own."""
    workspace = context["shell"].workspace
    zone_name = workspace.time_zone if workspace else context.get("zone", "UTC")
    return numbers.when(timestamp_ms, zone_name)
