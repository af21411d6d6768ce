"""A pivot has all requests: those without a value, the rest, the total; so has its file."""

import csv
import html
import io
import json
import re
from collections import Counter

import pytest

from llmtrack.storage.priced_events import PricedEvent
from llmtrack.web.ingest import INGEST
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client, application
from tests.web.overview_page import plain
from tests.web.people import sign_in, text_of
from tests.web.test_tag_pages import track

DAY_MS = 86_400_000


async def fill(client: Client) -> list[PricedEvent]:
    """Eight customers and events of none, three models; some fail, the larger ones more often."""
    events = [
        make_event(
            customer_id=None if place % 9 == 8 else f"c{place % 9}",
            model=f"m{place // 9 % 3}",
            metadata=json.dumps({} if place % 9 == 8 else {"team": f"c{place % 9}"}),
            status=1 if place % (10 - place % 9) == 0 else 0,
            cost_pico=10**12 + place % 9 * 10**10,
            timestamp_ms=NOW_MS - place % 20 * DAY_MS,
            received_ms=NOW_MS,
        )
        for place in range(300)
    ]
    await application(client)[INGEST].add(events)
    return events


def error_rates(events: list[PricedEvent], shown: set[str]) -> dict[tuple[str, str], int]:
    """By customer and model with all sums, in ten-thousandths, from the events themselves."""
    requests: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str]] = Counter()
    for priced in events:
        event = priced.event
        customer = event.customer_id or ""
        row = customer if customer in shown or (not customer and len(shown) == 8) else "Other"
        for cell in ((row, event.model), (row, "Total"), ("Total", event.model), ("Total",) * 2):
            requests[cell] += 1
            failed[cell] += event.status == 1
    return {cell: round(failed[cell] * 10_000 / requests[cell]) for cell in requests}


def pivot_of(text: str) -> dict[str, dict[str, str]]:
    """Cells by head, by row."""
    [table] = re.findall(r'<table class="[^"]*pivot"[^>]*>.*?</table>', text, re.DOTALL)
    heads = [plain(head) for head in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', table)][1:]
    found = {}
    for name, row in re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', table, re.DOTALL):
        cells = [plain(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]
        found[html.unescape(plain(name))] = dict(zip(heads, cells, strict=True))
    return found


async def rows_of(client: Client, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(await text_of(client, path))))


@pytest.mark.parametrize("by", ["customer", "tag:team"])
@pytest.mark.parametrize("top", [3, 10])
async def test_what_does_not_add_up_is_of_all_requests(
    client: Client, world: World, by: str, top: int
) -> None:
    await track(world, "team")
    events = await fill(client)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/explore"
    query = f"by={by}&sub=model&metric=error_rate&period=30d&top={top}"

    text = await text_of(client, f"{path}?{query}")
    rows = await rows_of(client, f"{path}/export?{query}&format=csv")

    without, pivot = "no customer" if by == "customer" else "not set", pivot_of(text)
    shown = {name for name in pivot if re.fullmatch(r"c\d", name)}
    ends = ["Other (6)", "Total"] if top == 3 else [without, "Total"]
    assert list(pivot)[len(shown) :] == ends
    assert set(pivot["Total"]) == {"m0", "m1", "m2", "Total"}, "and no column without anything"
    expected = error_rates(events, shown)
    names = {without: "", "Other (6)": "Other"}
    for name, cells in pivot.items():
        for model, cell in cells.items():
            rate = expected[names.get(name, name), model] / 100
            assert abs(float(cell.rstrip("%")) - rate) <= 0.5, (name, model)
    assert {(row[by], row["model"]): int(row["error_rate_ten_thousandths"]) for row in rows} == (
        expected
    )
    all_of_it = [row for row in rows if (row[by], row["model"]) == ("Total", "Total")]
    assert [row["requests"] for row in all_of_it] == ["300"]


@pytest.mark.parametrize("metric", ["cost_per_request", "tokens_per_request", "requests"])
async def test_a_pivot_s_rows_are_those_of_the_table(
    client: Client, world: World, metric: str
) -> None:
    await fill(client)
    await sign_in(client, "alice")
    for by, top in (("customer", 10), ("customer", 3), ("model", 5)):
        query = f"explore?by={by}&metric={metric}&period=30d&top={top}"
        table = await text_of(client, f"/w/{world.acme.public_id}/{query}")
        pivot = pivot_of(await text_of(client, f"/w/{world.acme.public_id}/{query}&sub=provider"))
        rows = re.findall(
            r'<th scope="row">(.*?)</th>.*?<td[^>]*>(.*?)</td>',
            table[table.index('<table class="table breakdown') :],
            re.DOTALL,
        )
        assert [(name, cells["Total"]) for name, cells in pivot.items()] == [
            (plain(name), plain(cell)) for name, cell in rows
        ]
        assert all(cells["openai"] == cells["Total"] for cells in pivot.values())


async def test_those_without_a_value_are_not_the_rest(client: Client, world: World) -> None:
    """In a file they have no name, as in all files; "Other" would be a customer's."""
    await fill(client)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/explore/export?by=customer&sub=model&format=csv&period=30d"
    rows = await rows_of(client, f"{path}&top=10")
    assert {row["customer"] for row in rows} == {"", *(f"c{number}" for number in range(8))}
    assert sum(int(row["requests"]) for row in rows) == 300
    rest = await rows_of(client, f"{path}&top=3")
    assert "Other" in {row["customer"] for row in rest}
    assert sum(int(row["requests"]) for row in rest) == 300


async def test_a_total_is_told_from_a_value_of_that_name(client: Client, world: World) -> None:
    events = [make_event(feature=name, timestamp_ms=NOW_MS) for name in ("Total", "chat")]
    await application(client)[INGEST].add(events)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/explore/export?by=feature&sub=model&metric=error_rate"
    rows = await rows_of(client, path)
    assert [row["feature"] for row in rows if row["requests"] == "2"] == ["Total of all"] * 2
