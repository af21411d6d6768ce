"""How long pages take: every page with every combination that it offers, by a signed-in user.

A page that is new, or offers something new, adds a line to PAGES.
"""

import http.cookiejar
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from itertools import product as every
from pathlib import Path

from bench.figures import Figure, median, quantile
from bench.servers import EMAIL, PASSWORD, product, run

PERIODS = ("24h", "7d", "30d", "90d", "month", "last-month")
DIMENSIONS = ("model", "provider", "feature", "key", "customer", "environment", "status", "source")
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"model": "gpt-4o"},
    {"feature": "search"},
    {"customer": "cus_0003"},
    {"provider": "openai"},
    {"environment": "staging"},
)
PAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "": {"by": DIMENSIONS},
    "explore": {"by": ("model", "feature", "customer"), "sub": ("", "feature", "model")},
    "changes": {"by": ("model", "feature", "customer")},
    "events": {},
    "by/model": {"model": ("gpt-4o",)},
    "by/feature": {"feature": ("search",)},
    "by/customer": {"customer": ("cus_0003",)},
    "performance": {},
    "customers": {},
    "what-if": {"target": ("openai/gpt-4o-mini",)},
}
"""Path under a workspace -> parameters and their values, beside PERIODS and FILTERS."""
PLAIN_PAGES = ("statement", "keys", "pricing", "members", "settings")
"""Those that take neither."""


class Browser:
    """A signed-in user."""

    def __init__(self, url: str) -> None:
        self._url = url
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar)
        form = urllib.parse.urlencode({"email": EMAIL, "password": PASSWORD}).encode()
        self._opener.open(f"{url}/sign-in", data=form).close()

    def time_ms(self, path: str) -> float:
        begun = time.perf_counter()
        with self._opener.open(self._url + path) as answer:
            answer.read()
            if "/sign-in" in answer.url:
                raise RuntimeError("the bench is not signed in")
        return (time.perf_counter() - begun) * 1000


def paths(workspace: str) -> Iterator[str]:
    for page, parameters in PAGES.items():
        names = list(parameters)
        for period, chosen, values in every(PERIODS, FILTERS, every(*parameters.values())):
            query = {"period": period, **chosen, **dict(zip(names, values, strict=True))}
            query = {name: value for name, value in query.items() if value}
            yield f"/w/{workspace}/{page}?{urllib.parse.urlencode(query)}"
    for page in PLAIN_PAGES:
        yield f"/w/{workspace}/{page}"


def page_figures(data_dir: Path, *, rounds: int, at_most: int | None = None) -> list[Figure]:
    workspace = json.loads(run(data_dir, "workspaces", "list", "--json"))
    demo = next(found["id"] for found in workspace if found["name"] == "Demo")
    with product(data_dir) as process:
        browser = Browser(process.url)
        process.wait_until_at_rest()
        wanted = list(paths(demo))
        if at_most is not None:
            wanted = wanted[:: max(1, len(wanted) // at_most)]
        times: dict[str, list[float]] = {}
        for path in wanted:
            times[path] = [browser.time_ms(path) for _ in range(rounds + 1)][1:]
        memory = process.memory_mib()
    medians = {path: median(values) for path, values in times.items()}
    figures = [_of_pages("any page, p95 in ms", medians, memory, 80)]
    for page in PAGES:
        prefix = f"/w/{demo}/{page}?"
        part = {path: value for path, value in medians.items() if path.startswith(prefix)}
        figures.append(_of_pages(f"page {page or 'overview'}, p95 in ms", part, memory, 80))
    slowest = sorted(medians, key=medians.__getitem__)[-3:]
    for path in slowest:
        print(f"slowest: {medians[path]:.0f} ms {path}")
    return figures


def _of_pages(name: str, medians: dict[str, float], memory: float, must: float) -> Figure:
    values = list(medians.values())
    p95 = quantile(values, 0.95)
    return Figure(
        name,
        f"{len(values)} combinations",
        f"median {median(values):.1f} ms",
        f"{quantile(values, 0.99):.1f} ms",
        f"{memory:.0f} MiB",
        p95,
        must,
        more=False,
    )
