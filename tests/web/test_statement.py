"""The monthly statement: every table of it adds up to the same exact total."""

import re
from decimal import Decimal

import pytest

from llmtrack.web.ingest import INGEST
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client
from tests.web.people import sign_in
from tests.web.test_pages import get

DAY_MS = 86_400_000


async def test_every_table_adds_up_to_the_same_exact_total(client: Client, world: World) -> None:
    costs = [10**12 * place + 7 * place + 1 for place in range(40)]
    events = [
        make_event(
            model=f"model-{place % 3}",
            feature=f"feature-{place % 4}",
            customer_id=("c", None)[place % 2],
            cost_pico=cost,
            timestamp_ms=NOW_MS - (20 + place // 2) * DAY_MS,
            received_ms=NOW_MS,
        )
        for place, cost in enumerate(costs)
    ]
    assert client.app is not None
    await client.app[INGEST].add(events)
    await sign_in(client, "bob")

    status, text = await get(client, f"/w/{world.acme.public_id}/statement?month=2026-10")

    assert status == 200
    tables = re.findall(r"<table.*?</table>", text, re.DOTALL)
    assert len(tables) == 7
    totals = set()
    for table in tables:
        lines = re.findall(r"strong\">([\d.,]+)</td>", table)
        assert {len(line.partition(".")[2]) for line in lines} == {12}, "points stand in line"
        *rows, total = [Decimal(line.replace(",", "")) for line in lines]
        totals.add(total)
        assert sum(rows) in {total, 0}
    assert totals == {Decimal(sum(costs)) / 10**12}


async def test_the_month_shown_is_the_one_chosen(client: Client, world: World) -> None:
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/statement"

    for query, month in (("", "November 2026"), ("?month=2024-02", "February 2024")):
        _, text = await get(client, path + query)
        assert f"Statement for {month}" in text
        assert re.findall(r"selected>([^<]+)<", text) == [month]

    assert client.app is not None
    event = make_event(timestamp_ms=NOW_MS - 40 * DAY_MS, received_ms=NOW_MS)
    await client.app[INGEST].add([event])
    _, text = await get(client, path)
    assert re.findall(r"selected>([^<]+)<", text) == ["October 2026"], "the last full one"


@pytest.mark.parametrize(
    ("month", "status"),
    [("", 200), ("2026-11", 200), ("2026-13", 422), ("9999-12", 422), ("٢٠٢٦-11", 422)],
)
async def test_the_month_is_checked(client: Client, world: World, month: str, status: int) -> None:
    await sign_in(client, "bob")
    assert (await get(client, f"/w/{world.acme.public_id}/statement?month={month}"))[0] == status
