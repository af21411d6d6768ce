"""Every page's table as a file: exactly its rows, adding up to the page's total."""

import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest

from llmtrack.domain.money import usd_text
from llmtrack.domain.usage import Usage
from llmtrack.services.price_books import bundled_book
from tests.conftest import NOW_MS, World
from tests.web.conftest import Client, Clock
from tests.web.page_files import (
    IN_OCTOBER_MS,
    IN_SEPTEMBER_MS,
    OCTOBER,
    OCTOBER_PICO,
    USD,
    add,
    csv_of,
    fill,
    lines_of,
    pico_sum,
)
from tests.web.people import post, sign_in
from tests.web.test_pages import get

PAGES = (
    *(f"?{OCTOBER}", f"?{OCTOBER}&by=customer", f"by/model?model=gpt-4o-mini&{OCTOBER}"),
    *(f"customers?{OCTOBER}", f"changes?{OCTOBER}&by=feature", f"performance?{OCTOBER}"),
    *(f"what-if?{OCTOBER}&target=openai/gpt-4o", "statement?month=2026-10"),
)


def export_of(world: World, page: str) -> str:
    place, _, query = page.partition("?")
    return f"/w/{world.acme.public_id}/{place}{'/' if place else ''}export?{query}"


@pytest.mark.parametrize("page", PAGES)
async def test_the_menu_leads_to_the_same_as_a_file(
    client: Client, world: World, page: str
) -> None:
    await fill(client)
    await sign_in(client, "alice")
    _, text = await get(client, f"/w/{world.acme.public_id}/{page}")
    links = [unescape(link) for link in re.findall(r'href="([^"]+)" data-export', text)]
    assert [link.rpartition("format=")[2] for link in links] == ["csv", "jsonl"]

    rows = await csv_of(client, links[0])

    assert rows == await csv_of(client, export_of(world, page))
    lines = await lines_of(client, links[0].replace("&format=csv", ""))
    assert [list(line) for line in lines] == [list(row) for row in rows]
    for line, row in zip(lines, rows, strict=True):
        for name, value in line.items():
            assert value is None or isinstance(value, str | int), name
            assert row[name].removeprefix("'") == ("" if value is None else str(value)), name
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    assert {row["from"] for row in rows if row.get("by") != "day"} == {"2026-10-01T00:00:00.000Z"}
    assert {row["time_zone"] for row in rows} == {"UTC"}


@pytest.mark.parametrize("page", PAGES)
async def test_a_viewer_looks_and_an_old_proof_is_asked_for_again(
    client: Client, world: World, clock: Clock, page: str
) -> None:
    await fill(client)
    await sign_in(client, "bob")
    assert "data-export" not in (await get(client, f"/w/{world.acme.public_id}/{page}"))[1]
    assert (await get(client, export_of(world, page)))[0] == 403

    await sign_in(client, "alice")
    clock.now_ms += 16 * 60_000
    async with client.get(export_of(world, page)) as response:
        assert (response.status, response.headers["X-Proof-Needed"]) == (403, "password")


@pytest.mark.parametrize("page", PAGES)
async def test_nothing_else_than_what_was_asked_for_is_exported(
    client: Client, world: World, page: str
) -> None:
    await fill(client)
    await sign_in(client, "alice")
    path = export_of(world, page)
    assert (await get(client, f"{path}&format=xml"))[0] == 400
    if "month" not in page:
        status, text = await get(client, f"{path}&feature=nobody")
        assert (status, "Nothing is exported" in text) == (400, True)


@pytest.mark.parametrize("page", PAGES)
async def test_a_workspace_without_events_has_files_too(
    client: Client, world: World, page: str
) -> None:
    await sign_in(client, "alice")
    if page.startswith("by/"):
        assert (await get(client, export_of(world, page)))[0] == 404
        return
    rows = await csv_of(client, export_of(world, page))
    assert [row["by"] for row in rows] == ["total"] * page.startswith(("performance", "statement"))
    assert all(row["requests"] == "0" for row in rows)


@pytest.mark.parametrize("by", ["model", "feature", "customer", "provider", "status"])
async def test_the_overview_s_table_adds_up_and_is_whole(
    client: Client, world: World, by: str
) -> None:
    await fill(client)
    many = [{"feature": f"f{place}", "cost_pico": place} for place in range(70)]
    await add(client, *many)
    await sign_in(client, "alice")

    rows = await csv_of(client, export_of(world, f"?{OCTOBER}&by={by}"))

    assert pico_sum(rows, "cost_usd") == OCTOBER_PICO + sum(range(70))
    assert sum(int(row["requests"]) for row in rows) == 75
    assert len(rows) == {"model": 3, "feature": 74, "customer": 4, "provider": 1, "status": 4}[by]
    assert {row["by"] for row in rows} == {by}
    if by == "model":
        own = next(row for row in rows if row["id"] == "own")
        assert (own["cost_usd"], own["cost_per_1000_requests_usd"], own["timeouts"]) == (
            "",
            "",
            "1",
        )
        assert own["unpriced_requests"] == "1"
        assert next(row["p50_ms"] for row in rows if row["name"] == "'-2+3").startswith(("8", "9"))


async def test_a_value_s_table_is_of_that_value_alone(client: Client, world: World) -> None:
    await fill(client)
    await sign_in(client, "alice")
    page = f"by/customer?customer=%3DSUM%28A1%29&{OCTOBER}&by=feature"
    rows = await lines_of(client, export_of(world, page))
    assert {row["id"]: row["cost_usd"] for row in rows} == {
        "unknown": "3.000000000001",
        "=SUM(A1)": "0.000000000007",
    }
    for wrong in ("by/customer?", "by/tag?of=team&", "by/nothing?"):
        assert (await get(client, export_of(world, f"{wrong}{OCTOBER}")))[0] == 404


async def test_every_customer_is_exported_with_price_and_margin(
    client: Client, world: World
) -> None:
    await fill(client)
    await add(client, *({"customer_id": f"n{place}", "cost_pico": 1} for place in range(130)))
    await sign_in(client, "alice")
    prices = f"/w/{world.acme.public_id}/customers/price"
    for customer, price in (("c2", "10.50"), ("c3", "5")):
        await post(client, prices, customer=customer, price=price, return_to="/")
    page = f"customers?{OCTOBER}"

    rows = {row["customer"]: row for row in await csv_of(client, export_of(world, page))}

    assert len(rows) == 134
    assert pico_sum([*rows.values()], "cost_usd") == OCTOBER_PICO + 130
    c2, c3, formula, nobody = rows["c2"], rows["c3"], rows["'=SUM(A1)"], rows[""]
    assert (c2["price_per_month_usd"], c2["margin_usd"], c2["before_cost_usd"]) == (
        *("10.5", "9.5", "0.000000000005"),
    )
    assert (c3["cost_usd"], c3["cost_per_request_usd"], c3["margin_usd"]) == ("", "", "")
    assert c3["price_per_month_usd"] == "5"
    assert (formula["customer_name"], formula["cost_usd"]) == ('\'+1, "x"\n', "3.000000000008")
    assert (nobody["cost_usd"], nobody["before_cost_usd"], nobody["margin_usd"]) == ("0", "0", "")

    filtered = await csv_of(client, export_of(world, f"{page}&model=gpt-4o-mini"))
    assert {row["margin_usd"] for row in filtered} == {""}, "the price is for all requests"


async def test_what_changed_adds_up_in_every_row_and_in_all(client: Client, world: World) -> None:
    await fill(client)
    many = [
        {"feature": f"f{place}", "cost_pico": 10**9 * place + side, "timestamp_ms": moment}
        for place in range(60)
        for side, moment in enumerate((IN_OCTOBER_MS, IN_SEPTEMBER_MS))
    ]
    await add(client, *many)
    await sign_in(client, "alice")
    page = f"changes?{OCTOBER}&by=feature"
    _, text = await get(client, f"/w/{world.acme.public_id}/{page}")

    rows = await csv_of(client, export_of(world, page))

    parts = ("volume_usd", "mix_usd", "tokens_per_request_usd", "price_usd")
    for row in rows:
        assert Decimal(row["change_usd"]) == sum(Decimal(row[part]) for part in parts)
        if row["cost_usd"] and row["before_cost_usd"]:
            change = Decimal(row["cost_usd"]) - Decimal(row["before_cost_usd"])
            assert Decimal(row["change_usd"]) == change
    assert len(rows) == 65
    assert f"add up to {usd_text(pico_sum(rows, 'change_usd'))} US dollars exactly" in text
    for part in parts:
        assert f'title="{usd_text(pico_sum(rows, part))} US dollars"' in text
    free = next(row for row in rows if row["id"] == "free")
    assert (free["before_cost_usd"], free["before_requests"], free["requests"]) == ("0", "0", "2")
    assert free["requests_without_cost"] == "1"
    assert rows[0]["before_to"] == rows[0]["from"] == "2026-10-01T00:00:00.000Z"


async def test_performance_has_every_line_and_that_of_all(client: Client, world: World) -> None:
    await fill(client)
    many = [{"feature": f"f{place}", "latency_ms": 900 + place} for place in range(30)]
    await add(client, *many, {"feature": "mute", "latency_ms": None})
    await sign_in(client, "alice")

    total, *rows = await csv_of(client, export_of(world, f"performance?{OCTOBER}"))

    assert (total["by"], total["id"], total["requests"]) == ("total", "", "36")
    assert [total[name] for name in ("errors", "timeouts", "cancelled")] == ["1", "1", "1"]
    for by, count in (("model", 3), ("feature", 35)):
        of_table = [row for row in rows if row["by"] == by]
        assert len(of_table) == count
        for name in ("requests", "errors", "timeouts", "cancelled"):
            assert sum(int(row[name]) for row in of_table) == int(total[name]), name
    mute = next(row for row in rows if row["id"] == "mute")
    assert (mute["p50_ms"], mute["p95_ms"], mute["p99_ms"]) == ("", "", "")
    one = [
        row["by"]
        for row in await csv_of(client, export_of(world, f"performance?model=own&{OCTOBER}"))
    ]
    assert one == ["total", "feature"]


async def test_what_if_has_both_costs_of_the_same_requests(client: Client, world: World) -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=3)
    events: list[dict[str, Any]] = [
        {"feature": feature, "usage": usage, "cost_pico": cost}
        for feature, cost in (("=a", USD), ("=a", 2 * USD + 1), ("b", 7))
    ]
    unknown = {"feature": "c", "usage": Usage(), "cost_pico": None, "cost_status": 3}
    await add(client, *events, unknown)
    await sign_in(client, "alice")
    page = f"what-if?{OCTOBER}&target=openai/gpt-4o-mini"

    rows = {row["feature"]: row for row in await lines_of(client, export_of(world, page))}

    each = bundled_book().price("openai", "gpt-4o-mini", usage, at_ms=NOW_MS).cost_pico
    assert each
    a = rows["=a"]
    assert (a["cost_usd"], a["target_cost_usd"]) == ("3.000000000001", usd_text(2 * each))
    assert a["difference_usd"] == usd_text(2 * each - 3 * USD - 1)
    assert (a["requests"], a["compared_requests"], a["target"]) == (2, 2, "openai/gpt-4o-mini")
    c = rows["c"]
    assert (c["cost_usd"], c["target_cost_usd"], c["difference_usd"]) == (None, None, None)
    assert (c["requests"], c["compared_requests"], c["target_unpriced_requests"]) == (1, 0, 1)
    _, text = await get(client, f"/w/{world.acme.public_id}/{page}")
    total = sum(Decimal(row["difference_usd"] or 0) for row in rows.values())
    assert f'title="{total} US dollars"' in text
    for target in ("", "&target=nobody/nothing"):
        assert (await get(client, export_of(world, f"what-if?{OCTOBER}{target}")))[0] == 400


async def test_each_part_of_a_statement_adds_up_to_its_total(client: Client, world: World) -> None:
    await fill(client)
    await add(client, *({"customer_id": f"n{place}", "cost_pico": 1} for place in range(230)))
    await sign_in(client, "alice")

    total, *rows = await csv_of(client, export_of(world, "statement?month=2026-10"))

    assert (total["by"], total["cost_usd"]) == ("total", usd_text(OCTOBER_PICO + 230))
    for by in ("provider", "model", "feature", "customer", "key", "day"):
        of_table = [row for row in rows if row["by"] == by]
        assert pico_sum(of_table, "cost_usd") == OCTOBER_PICO + 230, by
        for name in ("requests", "input_tokens", "output_tokens", "unpriced_requests"):
            assert sum(int(row[name]) for row in of_table) == int(total[name]), (by, name)
    assert sum(row["by"] == "customer" for row in rows) == 234
    [day] = [row for row in rows if row["by"] == "day"]
    assert (day["id"], day["from"], day["to"]) == (
        *("2026-10-21", "2026-10-21T00:00:00.000Z", "2026-10-22T00:00:00.000Z"),
    )
    assert (await get(client, export_of(world, "statement?month=2026-13")))[0] == 422
