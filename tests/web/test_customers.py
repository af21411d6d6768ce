"""Customers and performance: ranked as people ask for them, margins only where there is a price."""

import re

import pytest

from llmtrack.domain.periods import rfc3339
from llmtrack.storage.customer_prices import customer_prices
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.erasure import erase_customer_totals
from llmtrack.storage.labels import value_of
from llmtrack.web.ingest import INGEST
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client
from tests.web.people import post, sign_in
from tests.web.test_pages import get

USD = 10**12
HOUR_MS = 3_600_000
MONTH = "from=2026-10-01&to=2026-10-31"
IN_OCTOBER_MS = NOW_MS - 30 * 86_400_000


async def october(client: Client) -> None:
    events = [
        make_event(
            customer_id=customer,
            customer_name=name,
            model=model,
            cost_pico=cost,
            latency_ms=latency,
            status=status,
            timestamp_ms=IN_OCTOBER_MS,
            received_ms=NOW_MS,
        )
        for customer, name, model, cost, latency, status in (
            ("c1", "Cora", "slow", 3 * USD, 9_000, 0),
            ("c2", None, "quick", 8 * USD, 100, 2),
            (None, None, "quick", 1, 120, 1),
        )
    ]
    assert client.app is not None
    await client.app[INGEST].add(events)


async def test_the_most_expensive_customer_comes_first(client: Client, world: World) -> None:
    await october(client)
    await sign_in(client, "bob")
    _, text = await get(client, f"/w/{world.acme.public_id}/customers?{MONTH}")
    places = [text.index(f">{name}<") for name in ("c2", "Cora", "No customer")]
    assert places == sorted(places)
    assert "Save<" not in text


async def test_a_price_gives_a_margin_and_no_price_none(client: Client, world: World) -> None:
    await october(client)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/customers"

    back = f"{path}?{MONTH}"
    saved = await post(client, f"{path}/price", customer="c1", price="$10.50", return_to=back)
    assert (saved.status, saved.headers["Location"]) == (303, back)
    await post(client, f"{path}/price", customer="c2", price="5", return_to=back)
    _, text = await get(client, back)
    assert "$7.50" in text
    assert re.search(r"loss .*?\$3\.00", text)

    await post(client, f"{path}/price", customer="c1", price="", return_to=back)
    assert "$7.50" not in (await get(client, back))[1]


@pytest.mark.parametrize("price", ["x", "-1", "1e99", "nan", "49,90", "1.234,50", "1,23,4"])
async def test_no_price_is_refused_with_words(client: Client, world: World, price: str) -> None:
    await october(client)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/customers/price"
    answer = await post(client, path, customer="c1", price=price, return_to="/")
    assert answer.status == 422
    assert "no price in dollars" in await answer.text()
    assert (await post(client, path, customer="who", price="1", return_to="/")).status == 404


async def test_a_margin_is_of_the_hours_and_of_all_requests(client: Client, world: World) -> None:
    await october(client)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/customers"
    await post(client, f"{path}/price", customer="c1", price="7,440.00", return_to=path)
    start_ms = IN_OCTOBER_MS // HOUR_MS * HOUR_MS  # an hour of 744
    hour = f"from={rfc3339(start_ms)}&to={rfc3339(start_ms + HOUR_MS)}"
    _, whole = await get(client, f"{path}?{MONTH}")
    assert "$7,437.00" in whole
    _, part = await get(client, f"{path}?{MONTH}&model=slow")
    assert "$7,43" not in part
    assert "There is no margin here" in part
    _, of_one = await get(client, f"{path}?{MONTH}&customer=c1")
    assert "$7,437.00" in of_one
    _, brief = await get(client, f"{path}?{hour}")
    assert "$7.00" in brief


async def test_viewers_set_no_price(client: Client, world: World) -> None:
    await october(client)
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/customers/price"
    assert (await post(client, path, customer="c1", price="1", return_to="/")).status == 403


async def test_the_slowest_model_comes_first(client: Client, world: World) -> None:
    await october(client)
    await sign_in(client, "bob")
    status, text = await get(client, f"/w/{world.acme.public_id}/performance?{MONTH}")
    assert status == 200
    table = text[text.index("By model, the slowest first") :]
    assert table.index(">slow<") < table.index(">quick<")
    assert "66.7%" in table


async def test_whatever_is_not_listed_is_one_row_of_others(client: Client, world: World) -> None:
    assert client.app is not None
    events = [
        make_event(
            feature=f"feature-{place:02d}",
            latency_ms=10_000 - 100 * place,
            status=int(place == 24),
            timestamp_ms=IN_OCTOBER_MS,
            received_ms=NOW_MS,
        )
        for place in range(25)
    ]
    await client.app[INGEST].add(events)
    await sign_in(client, "bob")
    _, text = await get(client, f"/w/{world.acme.public_id}/performance?{MONTH}")
    table = text[text.index("By feature, the slowest first") :]
    assert table.index(">feature-00<") < table.index(">feature-19<") < table.index("Other (5)")
    assert "feature-20" not in table
    row = table[table.index("Other (5)") :].partition("</tr>")[0]
    cells = re.findall(r">([^<>]+)</td>", row)
    assert (cells[0], *cells[4:]) == ("5", "1", "0", "0", "20.0%")
    p50_s, p95_s = (float(cell.removesuffix(" s")) for cell in cells[1:3])
    assert p50_s == pytest.approx(7.8, rel=0.025)
    assert p95_s == pytest.approx(8.0, rel=0.025)


async def test_an_erased_customer_leaves_no_price_behind(client: Client, world: World) -> None:
    await october(client)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/customers"
    await post(client, f"{path}/price", customer="c1", price="10", return_to=path)
    scope = await world.scope()
    async with scope.reading() as reading:
        customer = await value_of(reading, Kind.CUSTOMER, "c1")
        assert customer is not None
        assert await customer_prices(reading) == {customer: 10 * USD}

    await scope.write(erase_customer_totals, customer)

    async with scope.reading() as reading:
        assert await customer_prices(reading) == {}


async def test_two_customers_of_one_name_are_told_apart(client: Client, world: World) -> None:
    events = [
        make_event(customer_id=one, customer_name="Twin Limited", timestamp_ms=NOW_MS - 60_000)
        for one in ("c1", "c2")
    ]
    assert client.app is not None
    await client.app[INGEST].add(events)
    await sign_in(client, "bob")
    for page in ("?by=customer", "explore?by=customer"):
        _, text = await get(client, f"/w/{world.acme.public_id}/{page}")
        for one in ("c1", "c2"):
            assert f'<bdi class="name">Twin Limited ({one})</bdi>' in text, page
            assert f'<option value="{one}">Twin Limited ({one})</option>' in text, page
