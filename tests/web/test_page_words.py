"""What pages say in words: of one, of none, of what is cut off, of what a link shows."""

import re
from html import unescape
from typing import Any

from llmtrack.domain.costs import CostStatus
from llmtrack.web.ingest import INGEST
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client, application
from tests.web.people import post, sign_in, text_of


async def fill(client: Client, world: World, count: int = 7, **values: Any) -> str:
    """Signed in as alice; the path of her workspace."""
    events = [
        make_event(
            model=f"model-{number}",
            customer_id=f"c{number}",
            customer_name=f"Customer {number}",
            key_id=world.acme_key.key.id,
            timestamp_ms=NOW_MS - 60_000,
            received_ms=NOW_MS,
            **values,
        )
        for number in range(count)
    ]
    await application(client)[INGEST].add(events)
    await sign_in(client, "alice")
    return f"/w/{world.acme.public_id}/"


async def test_one_request_is_one_request(client: Client, world: World) -> None:
    home = await fill(client, world, 1, cost_status=CostStatus.NO_USAGE, cost_pico=None)
    assert "1 request told no usable token counts and has no cost." in await text_of(client, home)
    event = make_event(cost_status=CostStatus.PARTIAL, timestamp_ms=NOW_MS, received_ms=NOW_MS)
    await application(client)[INGEST].add([event])
    text = await text_of(client, home)
    assert "1 request is priced in part: some of its tokens have no rate, so its cost is" in text


async def test_a_page_of_no_value_says_that_it_is_the_overview(
    client: Client, world: World
) -> None:
    home = await fill(client, world)
    async with client.get(f"{home}by/feature?period=7d") as response:
        text = await response.text()
        assert (response.status, response.url.path) == (200, home)
    assert "No feature is chosen, so this is the Overview of all of them." in text
    assert "<h2>By feature</h2>" in text
    # Only once: it is no part of where the page leads.
    assert not re.search('(href|action|hx-get)="[^"]*unnamed', text)
    assert f'hx-get="{home}?period=7d&amp;by=feature"' in text


async def test_explore_says_that_its_chart_has_fewer_than_its_table(
    client: Client, world: World
) -> None:
    home = await fill(client, world)
    cut = "Cost per day by model, the largest 5</h2>"
    assert cut in await text_of(client, f"{home}explore?top=10")
    assert cut not in await text_of(client, f"{home}explore")
    assert cut not in await text_of(client, f"{home}explore?top=10&customer=c1")
    assert "<span>Rows</span>" in await text_of(client, f"{home}explore")


async def test_shared_links_say_in_words_what_they_show(client: Client, world: World) -> None:
    home = await fill(client, world)
    url, key = f"{home}shared-links", world.acme_key.key
    condition = "pricing=partial&min_cost=0.01&min_latency=500&metadata=a%3Db"
    dates = "from=2026-11-01&to=2026-11-03&before_from=2026-10-01&before_to=2026-10-03"
    told = {
        ("", "customer=c1"): "Overview · Last 30 days · customer Customer 1 (c1)",
        (
            "explore",
            "period=7d&by=feature&metric=requests&sub=model&top=10",
        ): "Explore · Last 7 days · by feature · Requests · then by model · 10 rows",
        (
            "explore",
            "compare=1&rollup=day",
        ): "Explore · Last 30 days · per day · compared with before",
        ("events", f"key={key.public_id}&{condition}"): f"Events · Last 30 days · key {key.name}"
        f" ({key.prefix}) · priced in part · cost from $0.01 · latency from 500 ms · metadata a=b",
        (
            "changes",
            dates,
        ): "What changed · 1 Nov to 3 Nov 2026 · compared with 1 Oct to 3 Oct 2026",
    }
    for (place, query), words in told.items():
        response = await post(client, url, name="A", place=place, query=query, days="7")
        assert response.status == 303, await response.text()
        text = unescape(re.sub(r"</?(bdi|strong)>", "", await text_of(client, url)))
        assert f">{words}</td>" in text
    form = await text_of(client, f"{url}?place=explore&query=by%3Dmodel%26cumulative%3D1")
    assert "<p>Explore · Last 30 days · by model · cumulative</p>" in form


async def test_a_view_is_told_as_saved_and_asked_about_before_it_goes(
    client: Client, world: World
) -> None:
    home = await fill(client, world)
    form = {"name": "Mine & ours", "place": "explore", "query": "by=feature"}
    response = await post(client, f"{home}views", **form)
    assert response.status == 303
    assert response.headers["Location"] == f"{home}explore?by=feature&saved=1"
    text = await text_of(client, response.headers["Location"])
    assert "Saved as the view <strong><bdi>Mine &amp; ours</bdi></strong>" in text
    assert 'name="query" value="by=feature"' in text
    assert "Saved as" not in await text_of(client, f"{home}explore?by=feature&saved=2")

    [asking] = re.findall(rf'href="({home}views/1/deletion[^"]+)"', text)
    text = await text_of(client, unescape(asking))
    assert "<h1>Delete <bdi>Mine &amp; ours</bdi>?</h1>" in text
    assert f'href="{home}explore?by=feature">Keep it</a>' in text
    assert f'name="return_to" value="{home}explore?by=feature"' in text
    elsewhere = f"{home}views/1/deletion?return_to=//elsewhere.example/"
    assert "elsewhere" not in (await text_of(client, elsewhere)).replace(elsewhere, "")

    await sign_in(client, "bob")
    await text_of(client, unescape(asking), 404)
    await sign_in(client, "alice")
    gone = await post(client, f"{home}views/1/deletion", return_to=f"{home}explore")
    assert gone.headers["Location"] == f"{home}explore"
    await text_of(client, unescape(asking), 404)
