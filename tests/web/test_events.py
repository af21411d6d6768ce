"""The events page: what it lists, what it exports, what it follows."""

import asyncio
import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from llmtrack.domain.money import usd_text
from llmtrack.web import event_tail
from llmtrack.web import events as events_page
from tests.conftest import NOW_MS, World
from tests.web.conftest import Client
from tests.web.people import sign_in
from tests.web.test_ingest import EVENT, send
from tests.web.test_pages import get


async def store(client: Client, world: World, **fields: Any) -> str:
    status, answer = await send(client, world.acme_key.raw, EVENT | fields)
    assert status == 200
    return str(answer["id"])


def listed(text: str) -> set[str]:
    """The ids of the events in the page's table."""
    return set(re.findall(r'/events/([0-9a-f-]{36})"', text))


async def test_an_event_is_listed_and_explained_to_the_last_digit(
    client: Client, world: World
) -> None:
    event_id = await store(client, world, metadata={"team": "<i>red</i>", "n": 1}, ttft_ms=12)
    await sign_in(client, "bob")
    events = f"/w/{world.acme.public_id}/events"

    _, page = await get(client, events)
    status, text = await get(client, f"{events}/{event_id}")

    assert f'href="{events}/{event_id}"' in page
    assert status == 200
    assert "0.000066" in text
    assert re.search(r"Input, not cached</th>.*?120.*?\$0\.15.*?\$0\.000018", text, re.DOTALL)
    assert re.search(r"Output</th>.*?80.*?\$0\.6.*?\$0\.000048", text, re.DOTALL)
    assert "&lt;i&gt;red&lt;/i&gt;" in text
    assert "<i>red" not in text
    partial = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "aside#sheet"}
    async with client.get(f"{events}/{event_id}", headers=partial) as response:
        sheet = await response.text()
    assert sheet.strip().startswith("<aside")
    assert sheet.strip() in text


async def test_an_id_leads_to_its_event_and_a_wrong_one_is_named(
    client: Client, world: World
) -> None:
    event_id = await store(client, world)
    await sign_in(client, "alice")
    events = f"/w/{world.acme.public_id}/events"

    async with client.get(f"{events}?id={event_id.upper()}", allow_redirects=False) as response:
        assert response.status == 303
        assert response.headers["Location"] == f"{events}/{event_id}"
    for wrong in ("x", event_id[:-1] + ("0" if event_id[-1] != "0" else "1")):
        assert "There is no event with the id" in (await get(client, f"{events}?id={wrong}"))[1]
        assert (await get(client, f"{events}/{wrong}"))[0] == 404


async def test_conditions_narrow_the_list_and_nonsense_is_named(
    client: Client, world: World
) -> None:
    cheap = await store(client, world, metadata={"team": "red", "a.b": True, "a=b": " x "})
    dear = await store(client, world, prompt_tokens=10**6, total_tokens=None, latency_ms=9000)
    unpriced = await store(client, world, model="no-such-model", metadata={"a.b": 1, "n": 10**19})
    await sign_in(client, "alice")
    events = f"/w/{world.acme.public_id}/events"

    for query, shown in (
        ("min_cost=0.1", {dear}),
        ("min_latency=5000", {dear}),
        ("metadata=team%3Dred", {cheap}),
        ("metadata=a.b%3Dtrue", {cheap}),
        ("metadata=a.b%3D1", {unpriced}),
        ("metadata=%22a%3Db%22%3D%22+x+%22", {cheap}),
        ("metadata=n%3D10000000000000000000", {unpriced}),
        ("pricing=unpriced", {unpriced}),
        ("pricing=priced", {cheap, dear}),
        ("model=no-such-model", {unpriced}),
    ):
        text = (await get(client, f"{events}?{query}"))[1]
        assert listed(text) == shown, query
    for query in ("min_cost=x", "min_cost=-1", "min_latency=1.5", "metadata=x", "pricing=x",
                  "before=x", "columns=x,y", "min_cost=1e400", "metadata=%22%3D1"):  # fmt: skip
        status, text = await get(client, f"{events}?{query}")
        assert status == 200, query
        assert listed(text) == {cheap, dear, unpriced}, query


def columns_of(text: str) -> dict[str, int]:
    """The chart's series and what its table has of each in all."""
    table = text[text.index('<details class="data">') :]
    table = table[: table.index("</table>")]
    names = re.findall(r"data-series[^>]*><bdi>(.*?)</bdi>", table)
    rows = [
        [int(cell.replace(",", "")) for cell in re.findall(r"<td[^>]*>([^<]*)", row)]
        for row in table.split("<tr data-from")[1:]
    ]
    return {name: sum(row[place] for row in rows) for place, name in enumerate(names)}


STATUSES = ("success", "success", "error", "timeout", "cancelled", "success")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns"])
async def test_the_chart_counts_what_the_list_shows(
    client: Client, world: World, zone: str
) -> None:
    await world.database.write(
        lambda connection: connection.execute("update workspace set time_zone = ?", (zone,))
    )
    now = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    for place, outcome in enumerate(STATUSES):
        for minutes in (7, 26 * 60):
            sent = now - timedelta(minutes=minutes * (place + 1))
            team = "red" if place % 2 else "blue"
            fields = {"status": outcome, "metadata": {"team": team}, "latency_ms": place}
            await store(client, world, timestamp=sent.isoformat(), **fields)
    await sign_in(client, "bob")
    events = f"/w/{world.acme.public_id}/events"
    for query, expected in (
        ("", {"Succeeded": 6, "Failed": 4, "Cancelled": 2}),
        ("metadata=team%3Dred", {"Succeeded": 4, "Failed": 2}),
        ("metadata=team%3Dred&status=timeout", {"Failed": 2}),
        ("min_latency=4", {"Succeeded": 2, "Cancelled": 2}),
        ("pricing=priced", {"Succeeded": 6, "Failed": 4, "Cancelled": 2}),
    ):
        text = (await get(client, f"{events}?{query}"))[1]
        assert columns_of(text) == expected, query
        count = sum(expected.values())
        assert len(listed(text)) == count, query
        cost = usd_text(count * 66_000_000)  # 120 tokens at 0.15, 80 at 0.60
        assert re.search(rf"In all {count} requests until [^,]*, .*{cost}", text), query
    await store(client, world, model="no-such-model", timestamp=now.isoformat())
    text = (await get(client, f"{events}?pricing=unpriced"))[1]
    assert re.search(r"In all 1 request until [^,]* without a known cost\.", text)
    text = (await get(client, events))[1]
    assert re.search(
        r"In all 13 requests until [^,]*, .*0\.000792.*; 1 of them without a known cost\.", text
    )
    text = (await get(client, f"{events}?min_latency=5000"))[1]
    assert "Requests per" not in text
    assert "In all" not in text
    assert "No event passes these conditions" in text


async def test_a_chart_that_would_read_too_much_says_so(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_page, "SCAN_EVENTS_MAX", 2)
    ids = {await store(client, world) for _ in range(3)}
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/events"
    text = (await get(client, f"{path}?pricing=priced"))[1]
    assert "No chart: to count these, 3 events would have to be read" in text
    assert listed(text) == ids
    assert "Requests per" in (await get(client, path))[1]  # sums need no events


async def test_pages_lead_to_older_events(client: Client, world: World) -> None:
    ids = {await store(client, world) for _ in range(60)}
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/events?columns=time,id"

    first = (await get(client, path))[1]
    older = re.search(r'href="([^"]*before=[^"]*)"', first)
    assert older is not None
    second = (await get(client, older[1].replace("&amp;", "&")))[1]

    pages = [listed(text) for text in (first, second)]
    assert [len(page) for page in pages] == [50, 10]
    assert pages[0] | pages[1] == ids
    # Another period or filter begins with its newest events, not where this page does.
    main = second[second.index("<main") :]
    assert "period=7d" in main
    assert "before=" not in main
    assert 'name="before"' not in main


async def test_an_export_is_what_the_page_shows(client: Client, world: World) -> None:
    customer = {"customer_id": "c1", "customer_name": "=1+1"}
    await store(client, world, feature='=HYPERLINK("x")', **customer)
    await store(client, world, feature="other", model="no-such-model")
    await sign_in(client, "alice")
    query = "columns=id,feature,customer,cost,cost_status&pricing=priced"
    path = f"/w/{world.acme.public_id}/events/export?{query}"

    async with client.get(f"{path}&format=csv") as response:
        rows = list(csv.DictReader(io.StringIO(await response.text())))
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert re.search(r'attachment; filename="events-.*-UTC\.csv"', str(response.headers))
        assert response.headers["LLMtrack-Rows"] == "2"
    async with client.get(f"{path}&format=jsonl") as response:
        lines = [json.loads(line) for line in (await response.text()).splitlines()]

    assert [row["feature"] for row in rows] == ['\'=HYPERLINK("x")']
    assert [line["feature"] for line in lines] == ['=HYPERLINK("x")']
    assert rows[0]["cost_usd"] == lines[0]["cost_usd"] == "0.000066"
    assert [(row["customer"], row["customer_name"]) for row in rows] == [("c1", "'=1+1")]
    assert [(line["customer"], line["customer_name"]) for line in lines] == [("c1", "=1+1")]
    assert rows[0].keys() == lines[0].keys()
    assert lines[0]["cost_status"] == "priced"
    assert {row["time_zone"] for row in (*rows, *lines)} == {"UTC"}
    assert list(rows[0])[-1] == "time_zone"


async def test_a_column_that_there_is_not_is_told(client: Client, world: World) -> None:
    event_id = await store(client, world, metadata={"a.b": True})
    await sign_in(client, "alice")
    events = f"/w/{world.acme.public_id}/events"
    query = "columns=id,cost,colour,tag:team&metadata=a.b%3Dtrue"

    text = (await get(client, f"{events}?{query}"))[1]
    assert "There is no column &#39;colour, tag:team&#39; here; it is left out." in text
    assert listed(text) == {event_id}
    status, text = await get(client, f"{events}/export?{query}")
    assert status == 400
    assert "Nothing is exported" in text
    assert "colour, tag:team" in text
    assert "There is no column" not in (await get(client, f"{events}?columns=id,,cost,"))[1]


async def test_a_list_that_begins_nowhere_is_told_and_is_the_newest(
    client: Client, world: World
) -> None:
    event_id = await store(client, world)
    await sign_in(client, "bob")
    events = f"/w/{world.acme.public_id}/events"
    _, text = await get(client, f"{events}?before=garbage")
    assert "The list begins before no event &#39;garbage&#39;: here are the newest." in text
    assert listed(text) == {event_id}
    assert "data-live" in text
    assert "here are the newest" not in (await get(client, f"{events}?before={event_id}"))[1]


async def test_an_id_may_have_room_around_it(client: Client, world: World) -> None:
    event_id = await store(client, world)
    await sign_in(client, "bob")
    events = f"/w/{world.acme.public_id}/events"
    path = f"{events}?id=+%09{event_id}+"
    async with client.get(path, allow_redirects=False) as response:
        assert response.headers["Location"] == f"{events}/{event_id}"
    assert "An id has 36 characters" in (await get(client, f"{events}?id=abc"))[1]


async def test_a_viewer_may_look_but_not_export(client: Client, world: World) -> None:
    await store(client, world)
    await sign_in(client, "bob")
    events = f"/w/{world.acme.public_id}/events"
    assert "data-export" not in (await get(client, events))[1]
    assert (await get(client, f"{events}/export"))[0] == 403


async def test_live_connections_are_few_and_end_with_the_server(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_tail, "CONNECTIONS_MAX", 1)
    await store(client, world)
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/events/live"

    async with client.get(path) as response, asyncio.timeout(10):
        await response.content.readuntil(b"\n\n")
        async with client.get(path) as second:
            assert second.status == 503
        assert client.app is not None
        await client.app.shutdown()
        assert await response.content.read() == b""


async def test_an_old_events_links_lead_to_its_own_day(client: Client, world: World) -> None:
    """The usual period of the pages about its values would be an empty one."""
    old = datetime.fromtimestamp(NOW_MS / 1000, UTC) - timedelta(days=80)
    await sign_in(client, "bob")
    for timestamp, period in ((None, ""), (old.isoformat(), f"from={old:%Y-%m-%d}&amp;")):
        event_id = await store(client, world, timestamp=timestamp, feature="rare")
        _, text = await get(client, f"/w/{world.acme.public_id}/events/{event_id}")
        [query] = re.findall(r'by/feature\?([^"]*feature=rare)"', text)
        assert query.startswith(period)
        assert ("from=" in query) == bool(period)
        _, about = await get(client, f"/w/{world.acme.public_id}/by/feature?{unescape(query)}")
        assert "No events" not in about
