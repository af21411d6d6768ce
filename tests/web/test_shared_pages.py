"""What the pages behind shared links show, and that nothing but the link has a say in it."""

import html
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from llmtrack.domain.identifiers import event_uuid
from llmtrack.domain.views import PLACES as PLACES_OF_VIEWS
from llmtrack.storage.usage import UsageWriter
from llmtrack.web.page_query import DIMENSIONS
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client
from tests.web.people import post, sign_in
from tests.web.test_events import columns_of
from tests.web.test_views import shared, text_of

CHAT_EVENTS = 120
PAGE_EVENTS = 50
OTHER_PERIODS = (
    {"period": "90d"},
    {"from": "2020-01-01", "to": "2030-01-01"},
    {"before_from": "2020-01-01", "before_to": "2030-01-01"},
)
OTHER_VIEWS = (
    *({name: value} for name in DIMENSIONS for value in ("search", "noor", "", "x\0")),
    *({"by": name} for name in DIMENSIONS),
    {"columns": "id,response_id,key,customer"},
    {"pricing": "priced", "min_cost": "0", "min_latency": "0", "metadata": "secret=tulip"},
    {"metric": "requests", "sub": "customer", "rollup": "hour", "top": "20"},
    {"cumulative": "1", "compare": "1"},
    {"place": "customers", "query": "", "id": "x", "format": "csv", "workspace": "other"},
)


@pytest.fixture
async def filled(client: Client, world: World) -> Client:
    """Events of today by cora's chat and noor's search, and one of chat long ago."""

    def event(number: int, feature: str, customer: str, ago_ms: int, **values: Any) -> Any:
        return make_event(
            world.acme.id,
            feature=feature,
            customer_id=customer,
            metadata='{"secret": "tulip"}',
            key_id=world.acme_key.key.id,
            timestamp_ms=NOW_MS - ago_ms,
            received_ms=NOW_MS,
            latency_ms=100 + number,
            **values,
        )

    events = [
        event(number, "chat", "cora", 60_000 + number, cost_pico=10**10)
        for number in range(CHAT_EVENTS)
    ]
    events += [
        event(0, "search", "noor", 50_000, cost_pico=77 * 10**12, model="model-of-noor"),
        event(0, "search", "noor", 70_000, cost_pico=77 * 10**12, model="model-of-noor"),
        event(0, "chat", "longago", 40 * 86_400_000, cost_pico=55 * 10**12),
    ]
    await world.database.write(lambda connection: UsageWriter().add(connection, events, 1))
    return client


async def view_of(client: Client, path: str) -> str:
    """What the page shows, without the frame, whose choice of a theme comes back to its URL."""
    text = await text_of(client, path)
    return text[text.index("<main") : text.index("</main>")]


def links_of(text: str) -> set[str]:
    found = re.findall(r'(?:href|action|hx-[a-z]+|data-zoom|data-live|formaction)="([^"]*)"', text)
    return {html.unescape(one) for one in found if one and not one.startswith(("#", "/static"))}


PLACES = [
    ("", "feature=chat&period=7d"),
    ("by/feature", "feature=chat&period=7d"),
    ("explore", "feature=chat&period=7d"),
    ("explore", "feature=chat&period=7d&by=customer&sub=model"),
    ("explore", "feature=chat&period=7d&by=customer&compare=1&cumulative=1"),
    ("explore", "feature=chat&period=7d&metric=p95"),
    ("events", "feature=chat&period=7d"),
    ("events", "feature=chat&period=7d&min_latency=1"),
    ("performance", "feature=chat&period=7d"),
    ("customers", "feature=chat&period=7d"),
    ("what-if", "feature=chat&period=7d&target=openai/gpt-4o"),
    ("changes", "feature=chat&period=7d"),
    ("changes", "feature=chat&period=7d&by=customer&before_from=2026-01-01&before_to=2026-01-02"),
]


@pytest.mark.parametrize(("place", "query"), PLACES)
async def test_a_shared_page_is_locked_whatever_the_address_asks(
    filled: Client, world: World, place: str, query: str
) -> None:
    path = await shared(filled, world, place=place, query=query)
    filled.session.cookie_jar.clear()
    text = await view_of(filled, path)

    for private in ("noor", "search", "longago", "77.0", "55.0", "tulip"):
        assert private not in text, private
    people = (world.alice.email, world.bob.email)
    for secret in (*people, world.acme_key.raw, path.rpartition("/")[2]):
        assert secret not in text
    assert {one for one in links_of(text) if not one.startswith("?before=")} == set()
    assert "data-refresh" not in text

    for asked in (*OTHER_PERIODS, *OTHER_VIEWS):
        assert await view_of(filled, f"{path}?{urlencode(asked)}") == text, asked


@pytest.mark.parametrize(("place", "query"), PLACES)
async def test_every_shared_page_asks_search_engines_to_stay_away(
    filled: Client, world: World, place: str, query: str
) -> None:
    path = await shared(filled, world, place=place, query=query)
    filled.session.cookie_jar.clear()
    async with filled.get(path) as response:
        assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in response.headers["Cache-Control"]


async def test_shared_explore_shows_chart_and_pivot_and_no_export(
    filled: Client, world: World
) -> None:
    path = await shared(
        filled, world, place="explore", query="by=customer&sub=feature&metric=requests"
    )
    filled.session.cookie_jar.clear()
    text = await view_of(filled, path)
    assert "Requests by customer and feature" in text
    assert 'data-zoom=""' in text
    row = text[text.index(">cora<", text.index("<tbody", text.index("by customer and"))) :]
    assert str(CHAT_EVENTS) in row[: row.index("</tr>")]
    assert "Export" not in text
    for below in ("export?format=csv", "export", "live", "events"):
        await text_of(filled, f"{path}/{below}", 404)


@pytest.mark.parametrize("query", ["feature=chat", "feature=chat&min_latency=1"])
async def test_the_pages_of_a_shared_list_stay_within_the_link(
    filled: Client, world: World, query: str
) -> None:
    query += "&period=7d&columns=time,customer,latency_ms"
    path = await shared(filled, world, place="events", query=query)
    filled.session.cookie_jar.clear()
    latencies, next_page, pages = [], "", 0
    while True:
        text = await view_of(filled, path + next_page)
        pages += 1
        rows = text[text.index('id="event-rows"') : text.index('aria-label="Pages"')]
        assert "<a " not in rows
        assert rows.count(">cora</bdi>") == rows.count("<tr>")
        latencies += re.findall(r'class="number">[^0-9]*(\d+)\s*ms', rows)
        found = re.search(r'href="(\?before=[0-9a-f-]{36})"', text)
        if found is None:
            break
        next_page = found[1]
    assert pages == -(-CHAT_EVENTS // PAGE_EVENTS)
    assert latencies == [str(100 + number) for number in range(CHAT_EVENTS)]
    assert links_of(text) == {"?"}


async def test_a_cursor_of_ones_own_opens_nothing_else(filled: Client, world: World) -> None:
    path = await shared(filled, world, place="events", query="feature=chat&period=7d")
    filled.session.cookie_jar.clear()
    for before_ms in (0, 1, NOW_MS - 39 * 86_400_000, NOW_MS - 65_000, NOW_MS * 2, 2**47):
        for asked in ("", "&feature=search", "&period=90d"):
            cursor = event_uuid(before_ms, 1)
            text = await view_of(filled, f"{path}?before={cursor}{asked}")
            for private in ("noor", "search", "longago", "77.0", "55.0", "tulip"):
                assert private not in text, (before_ms, private)
    first = await view_of(filled, path)
    for cursor in ("x", "%00", "-1", "../../w/", "'--"):
        text = await view_of(filled, f"{path}?before={cursor}")
        rows = [one[one.index('id="event-rows"') :].count("<tr>") for one in (first, text)]
        assert rows[0] == rows[1]


async def test_no_event_opens_by_a_shared_link(filled: Client, world: World) -> None:
    path = await shared(filled, world, place="events", query="period=7d&columns=id")
    filled.session.cookie_jar.clear()
    text = await view_of(filled, path)
    found = re.search(r"<code>([0-9a-f-]{36})</code>", text)
    assert found
    for below in (f"{path}/{found[1]}", f"{path}/events/{found[1]}"):
        await text_of(filled, below, 404)
    assert await view_of(filled, f"{path}?id={found[1]}") == text
    home = f"/w/{world.acme.public_id}/events/{found[1]}"
    async with filled.get(home, allow_redirects=False) as response:
        assert response.status == 303


async def test_conditions_of_a_shared_list_are_told_and_kept(filled: Client, world: World) -> None:
    path = await shared(filled, world, place="events", query="min_cost=50&period=7d")
    filled.session.cookie_jar.clear()
    text = await view_of(filled, path)
    assert "cost from, $ <strong><bdi>50</bdi>" in text
    assert "noor" in text
    assert "cora" not in text
    assert columns_of(text) == {"Succeeded": 2}


@pytest.mark.parametrize(
    ("place", "query", "said"),
    [
        ("events", "min_cost=much", "is no amount in dollars"),
        ("events", "metadata=tulip", "is not written as name=value"),
        ("events", "pricing=none", "is none of"),
        ("events", "feature=gone", "There is no feature"),
        ("explore", "metric=beauty", "There is no metric"),
        ("changes", "before_from=monday&before_to=2026-01-01", "The period before"),
        ("", "period=fortnight", "Showing"),
        ("what-if", "", "No model is chosen"),
        ("what-if", "target=nobody/nothing", "There is no price for"),
    ],
)
async def test_a_view_that_cannot_be_read_whole_is_not_shared(
    filled: Client, world: World, place: str, query: str, said: str
) -> None:
    await sign_in(filled, "alice")
    url = f"/w/{world.acme.public_id}/shared-links"
    response = await post(filled, url, name="A link", place=place, query=query, days="7")
    assert response.status == 422
    text = html.unescape(await response.text())
    assert said in text
    assert "The condition is left out" not in text  # as there is no link
    async with filled.get(url) as listed:
        assert "Revoke" not in await listed.text()


@pytest.mark.parametrize("place", [*PLACES_OF_VIEWS, *(f"by/{name}" for name in DIMENSIONS)])
async def test_every_page_that_can_be_kept_can_be_shared(
    filled: Client, world: World, place: str
) -> None:
    query = "target=openai/gpt-4o" if place == "what-if" else "period=7d"
    path = await shared(filled, world, place=place, query=query)
    filled.session.cookie_jar.clear()
    assert "read only" in await view_of(filled, path)


async def test_shared_customers_tell_no_price_and_no_margin(filled: Client, world: World) -> None:
    await sign_in(filled, "alice")
    home = f"/w/{world.acme.public_id}/customers"
    await post(filled, f"{home}/price", customer="noor", price="4321", return_to=home)
    assert "4321" in await text_of(filled, home)
    path = await shared(filled, world, place="customers", query="period=7d")
    filled.session.cookie_jar.clear()
    text = await view_of(filled, path)
    assert "$154.00" in text
    for private in ("4321", "argin", "ays a month", "<form", "loss"):
        assert private not in text, private


@pytest.mark.parametrize(
    ("query", "is_told"),
    [
        ("period=90d", True),
        ("period=month", True),
        ("period=24h", False),
        ("period=last-month", False),
        ("period=90d&feature=chat", False),
    ],
)
async def test_this_month_s_spend_is_told_where_the_link_s_period_has_it(
    filled: Client, world: World, query: str, is_told: bool
) -> None:
    path = await shared(filled, world, query=query)
    filled.session.cookie_jar.clear()
    assert ("Forecast this month" in await view_of(filled, path)) is is_told
