"""Explore: every combination answers, and what it shows and exports is what the rollups say."""

import csv
import io
import json
import re
import sqlite3
from collections import Counter
from decimal import Decimal
from html import unescape

import pytest

from llmtrack.web.explore_query import ROLLUPS
from llmtrack.web.ingest import INGEST
from llmtrack.web.metrics import METRICS
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client
from tests.web.people import sign_in
from tests.web.test_pages import get

DAY_MS = 86_400_000


async def ten_days(client: Client) -> int:
    """Three models, two providers, some without a customer; what all of it cost."""
    costs = [3 * 10**12 + place for place in range(60)]
    events = [
        make_event(
            provider=("openai", "anthropic")[place % 2],
            model=("gpt-4o", "sonnet", "=own")[place % 3],
            feature=("chat", "search")[place % 2],
            customer_id=("c1", None)[place % 2],
            status=1 if place % 10 == 0 else 0,
            cost_pico=cost,
            timestamp_ms=NOW_MS - place % 10 * DAY_MS,
            received_ms=NOW_MS,
        )
        for place, cost in enumerate(costs)
    ]
    assert client.app is not None
    await client.app[INGEST].add(events)
    return sum(costs)


async def rows_of(client: Client, path: str) -> list[dict[str, str]]:
    async with client.get(path) as response:
        assert response.status == 200, path
        return list(csv.DictReader(io.StringIO(await response.text())))


@pytest.mark.parametrize("metric", METRICS)
async def test_every_metric_answers_in_every_shape(
    client: Client, world: World, metric: str
) -> None:
    await ten_days(client)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/explore?metric={metric}"

    for query in ("", "&compare=1", "&cumulative=1", "&by=customer&sub=model", "&by=status&top=3"):
        status, text = await get(client, path + query)
        assert status == 200, query
        assert METRICS[metric].title in text
    for rollup in ROLLUPS:
        assert (await get(client, f"{path}&rollup={rollup}&period=24h"))[0] == 200
    assert await rows_of(client, path.replace("explore?", "explore/export?format=csv&"))


@pytest.mark.parametrize("extra", ["", "&by=customer", "&sub=feature", "&top=3&by=provider"])
async def test_exported_costs_add_up_to_the_pico(client: Client, world: World, extra: str) -> None:
    cost_pico = await ten_days(client)
    await sign_in(client, "alice")

    rows = await rows_of(client, f"/w/{world.acme.public_id}/explore/export?format=csv{extra}")

    assert sum(Decimal(row["cost_usd"]) for row in rows) == Decimal(cost_pico) / 10**12


async def test_a_pivot_is_exported_with_what_is_in_no_line(client: Client, world: World) -> None:
    events = [
        make_event(feature=f"feature-{number}", cost_pico=number, timestamp_ms=NOW_MS)
        for number in range(1, 10)
    ]
    assert client.app is not None
    await client.app[INGEST].add(events)
    await sign_in(client, "alice")

    path = f"/w/{world.acme.public_id}/explore/export?by=feature&sub=model&top=3"
    rows = await rows_of(client, path)

    costs = {row["feature"]: int(Decimal(row["cost_usd"]) * 10**12) for row in rows}
    assert costs == {"feature-9": 9, "feature-8": 8, "feature-7": 7, "Other": 21}
    assert sum(int(row["requests"]) for row in rows) == 9


async def test_a_cumulative_chart_is_exported_as_it_is(client: Client, world: World) -> None:
    cost_pico = await ten_days(client)
    await sign_in(client, "alice")

    path = f"/w/{world.acme.public_id}/explore/export?cumulative=1&by=provider"
    rows = await rows_of(client, path)

    last = [row for row in rows if row["from"] == rows[-1]["from"]]
    total = sum(Decimal(row["cumulative_cost_usd"]) for row in last)
    assert total == Decimal(cost_pico) / 10**12


@pytest.mark.parametrize("place", ["explore/export?format=focus&", "events/export?"])
@pytest.mark.parametrize("wrong", ["customer=nobody", "period=sometimes", "tag:team=search"])
async def test_a_file_leaves_out_no_filter(
    client: Client, world: World, place: str, wrong: str
) -> None:
    await ten_days(client)
    await sign_in(client, "alice")
    status, text = await get(client, f"/w/{world.acme.public_id}/{place}{wrong}")
    assert status == 400
    assert "nobody" in text or "sometimes" in text or "not tracked" in text


@pytest.mark.parametrize("page", ["?", "?by=customer", "by/feature?feature=chat&by=model"])
async def test_a_chart_leads_to_its_exact_amounts(client: Client, world: World, page: str) -> None:
    """Hovering needs a script; a link does not."""
    await ten_days(client)
    home = f"/w/{world.acme.public_id}/"
    await sign_in(client, "alice")
    _, text = await get(client, home + page)
    link = re.search(rf'<a href="({home}explore/export[^"]+)"', text)
    assert link
    shown = re.findall(r'data-pico="([^"]+)"', text)

    rows = await rows_of(client, unescape(link[1]))

    exact = sum(Decimal(row["cost_usd"]) for row in rows)
    assert exact * 10**12 == sum(int(pico) for picos in shown for pico in picos.split()) > 0
    await sign_in(client, "bob")
    assert "explore/export" not in (await get(client, home + page))[1]


async def test_every_cost_tells_its_exact_amount_on_hover(client: Client, world: World) -> None:
    """In the legend, the table, the pivot, and the causes of a change."""
    exact = "0.123456789012"
    pico = int(Decimal(exact) * 10**12)
    events = [
        make_event(cost_pico=cost, timestamp_ms=NOW_MS - ago_ms, received_ms=NOW_MS)
        for cost, ago_ms in ((pico, 3_600_000), (1, 8 * 86_400_000))
    ]
    assert client.app is not None
    await client.app[INGEST].add(events)
    await sign_in(client, "bob")
    home = f"/w/{world.acme.public_id}/"
    for place, times in (("explore?period=7d", 3), ("explore?period=7d&sub=feature", 4),
                         ("?period=7d", 3)):  # fmt: skip
        _, text = await get(client, home + place)
        assert text.count(f'title="${exact}">$0.12<') >= times, place
    _, text = await get(client, f"{home}?period=7d")
    assert re.search(r'<strong class="number" title="0\.\d{11,12} US dollars">\+\$0\.12<', text)


async def test_focus_has_every_cost_once_and_no_formula(client: Client, world: World) -> None:
    cost_pico = await ten_days(client)
    await sign_in(client, "alice")

    path = f"/w/{world.acme.public_id}/explore/export?format=focus"
    rows = await rows_of(client, path)
    of_chat = await rows_of(client, f"{path}&feature=chat")

    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal(cost_pico) / 10**12
    assert sum(int(row["x_Requests"]) for row in rows) == 60
    assert sum(int(row["x_Requests"]) for row in of_chat) == 30
    assert {row["ServiceName"] for row in rows} == {"gpt-4o", "sonnet", "'=own"}
    assert {row["BillingPeriodStart"] for row in rows} == {"2026-11-01T00:00:00Z"}
    assert all(row["ChargePeriodStart"] < row["ChargePeriodEnd"] for row in rows)


async def test_focus_is_split_by_feature_where_models_are_of_several_providers(
    client: Client, world: World
) -> None:
    cost_pico = await ten_days(client)
    alone = make_event(provider="xai", model="grok-3", feature="chat", timestamp_ms=NOW_MS)
    assert client.app is not None
    await client.app[INGEST].add([alone])
    await sign_in(client, "alice")

    rows = await rows_of(
        client, f"/w/{world.acme.public_id}/explore/export?format=focus&by=feature"
    )

    requests: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        what = json.loads(row["Tags"])["feature"], row["ProviderName"], row["ServiceName"]
        requests[what] += int(row["x_Requests"])
    assert requests == {
        **{("chat", "openai", model): 10 for model in ("gpt-4o", "sonnet", "'=own")},
        **{("search", "anthropic", model): 10 for model in ("gpt-4o", "sonnet", "'=own")},
        ("chat", "xai", "grok-3"): 1,
    }
    of_ten_days = [row for row in rows if row["ProviderName"] != "xai"]
    assert sum(Decimal(row["BilledCost"]) for row in of_ten_days) == Decimal(cost_pico) / 10**12


@pytest.mark.parametrize("more", ["", "&feature=chat", "&model=gpt-4o", "&provider=openai"])
async def test_focus_is_split_by_customer(client: Client, world: World, more: str) -> None:
    """By id: two of them have one name. Models are of two providers, one is of one."""
    events = [
        make_event(
            provider=("openai", "anthropic")[place % 5 == 0],
            model=("gpt-4o", "sonnet")[place % 3 == 0],
            feature=("chat", "search")[place % 2],
            customer_id=("c1", "c2", None)[place % 7 % 3],
            customer_name=None if place % 7 % 3 == 2 else "Twin Limited",
            cost_pico=10**12 + place,
            timestamp_ms=NOW_MS - place % 10 * DAY_MS,
            received_ms=NOW_MS,
        )
        for place in range(60)
    ]
    alone = make_event(
        provider="xai", model="grok-3", feature="chat", customer_id="c1", timestamp_ms=NOW_MS
    )
    events.append(alone)
    assert client.app is not None
    await client.app[INGEST].add(events)
    await sign_in(client, "alice")

    path = f"/w/{world.acme.public_id}/explore/export?format=focus&by=customer{more}"
    rows = await rows_of(client, path)

    expected: Counter[tuple[str | None, str, str]] = Counter()
    for priced in events:
        event = priced.event
        wanted = {"feature": event.feature, "model": event.model, "provider": event.provider}
        name, _, value = more.removeprefix("&").partition("=")
        if not name or wanted[name] == value:
            what = event.customer_id, event.provider, event.model
            expected[what] += priced.cost.cost_pico or 0
    found: Counter[tuple[str | None, str, str]] = Counter()
    for row in rows:
        tags = json.loads(row["Tags"]) if row["Tags"] else {}
        what = tags.get("customer"), row["ProviderName"], row["ServiceName"]
        found[what] += int(Decimal(row["BilledCost"]) * 10**12)
    assert found == expected


@pytest.mark.parametrize("kind", ["csv", "jsonl", "focus", "csv&by=model&sub=feature"])
async def test_every_export_names_the_zone_of_its_days(
    client: Client, world: World, kind: str
) -> None:
    await ten_days(client)
    await world.database.write(_move_to_kathmandu)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/explore/export?period=7d&format={kind}"
    async with client.get(path) as response:
        text = await response.text()
        assert "-Asia-Kathmandu." in response.headers["Content-Disposition"]
    rows = [json.loads(line) for line in text.splitlines()] if kind == "jsonl" else None
    rows = rows or list(csv.DictReader(io.StringIO(text)))
    assert rows
    name = "x_TimeZone" if kind == "focus" else "time_zone"
    start = "ChargePeriodStart" if kind == "focus" else "from"
    assert {row[name] for row in rows} == {"Asia/Kathmandu"}
    assert {row[start][11:16] for row in rows} == {"18:15"}, "a day there begins at 18:15 UTC"


def _move_to_kathmandu(connection: sqlite3.Connection) -> None:
    connection.execute("update workspace set time_zone = 'Asia/Kathmandu'")


async def test_json_lines_and_csv_are_the_same_table(client: Client, world: World) -> None:
    await ten_days(client)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/explore/export?metric=p95&period=7d&format="

    rows = await rows_of(client, f"{path}csv")
    async with client.get(f"{path}jsonl") as response:
        lines = [json.loads(line) for line in (await response.text()).splitlines()]

    assert [list(line) for line in lines] == [["from", "to", "time_zone", "model", "p95_ms"]] * len(
        rows
    )
    assert [str(line["p95_ms"] or "") for line in lines] == [row["p95_ms"] for row in rows]


@pytest.mark.parametrize(
    "query",
    ["metric=x", "sub=x", "sub=model", "rollup=x", "rollup=quarter&period=90d", "top=0", "top=x",
     "metric=p95&sub=feature", "metric=p95&cumulative=1", "compare=x", "top=7", "to=2026-11-01"],
)  # fmt: skip
async def test_nonsense_falls_back(client: Client, world: World, query: str) -> None:
    await ten_days(client)
    await sign_in(client, "bob")
    assert (await get(client, f"/w/{world.acme.public_id}/explore?{query}"))[0] == 200


async def test_a_viewer_does_not_export(client: Client, world: World) -> None:
    await ten_days(client)
    await sign_in(client, "bob")
    explore = f"/w/{world.acme.public_id}/explore"
    assert "Export" not in (await get(client, explore))[1]
    assert (await get(client, f"{explore}/export"))[0] == 403
