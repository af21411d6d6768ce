"""Explore by two dimensions: no two columns or rows of a pivot, or of its file, read alike."""

import csv
import io
import re
from html import unescape

import pytest

from llmtrack.web.ingest import INGEST
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client
from tests.web.overview_page import plain
from tests.web.people import sign_in, text_of


async def fill(client: Client) -> None:
    """Customers and models; two customers are both called Zed, one model and feature Other."""
    assert client.app is not None
    names = {"c1": "Zed", "c2": "Zed"}
    models = ["Other", *(f"m{place}" for place in range(9))]
    await client.app[INGEST].add(
        [
            make_event(
                customer_id=customer,
                customer_name=names.get(customer),
                model=model,
                feature=("Other", "f1", "f2", "f3", "f4", "f5")[place % 6],
                cost_pico=10**12 - place * 10**9,
                timestamp_ms=NOW_MS - 60_000,
            )
            for place, model in enumerate(models)
            for customer in ("c1", "c2", *(f"d{number}" for number in range(7)))
        ]
    )


def heads_of(text: str) -> tuple[list[str], list[str]]:
    """Of the columns, and of the rows."""
    [pivot] = re.findall(r'<table class="[^"]*pivot"[^>]*>.*?</table>', text, re.DOTALL)
    columns = [plain(head) for head in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', pivot)]
    rows = re.findall(r'<th scope="row"[^>]*>(.*?)</th>', pivot, re.DOTALL)
    return columns, [plain(head) for head in rows]


async def test_no_two_columns_or_rows_read_alike(client: Client, world: World) -> None:
    await fill(client)
    await sign_in(client, "alice")
    for query in ("by=feature&sub=customer&top=3", "by=customer&sub=model&top=3"):
        text = await text_of(client, f"/w/{world.acme.public_id}/explore?{query}")
        columns, rows = heads_of(text)
        assert len(columns) > 8
        assert len(set(columns)) == len(columns), columns
        assert len(set(rows)) == len(rows), rows


async def test_a_file_has_no_column_twice(client: Client, world: World) -> None:
    await fill(client)
    await sign_in(client, "alice")
    for metric in ("cost", "requests", "tokens"):
        query = f"by=feature&sub=model&metric={metric}&format=csv"
        text = await text_of(client, f"/w/{world.acme.public_id}/explore/export?{query}")
        [heads, *rows] = csv.reader(io.StringIO(text))
        assert len(set(heads)) == len(heads)
        assert sum(int(row[heads.index("requests")]) for row in rows) == 90
        assert {len(row) for row in rows} == {len(heads)}


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("by=model&sub=feature", "Cost by feature"),
        ("by=feature&sub=model", "Cost by model"),
        ("by=feature&sub=customer", "Cost by model and customer"),
        ("by=feature&sub=customer&metric=p95", "p95 latency by model"),
    ],
)
async def test_a_legend_leads_to_what_can_be_shown(
    client: Client, world: World, query: str, title: str
) -> None:
    """Narrowed, and grouped by something else, with no warning."""
    await fill(client)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/explore"
    text = await text_of(client, f"{path}?{query}")
    legend = text[text.index('class="legend') : text.index('class="table breakdown')]
    links = [unescape(link) for link in re.findall(rf'href="({path}\?[^"]+)"', legend)]
    assert links
    for link in links:
        narrowed = await text_of(client, link)
        assert "left out" not in narrowed
        assert f"<h2>{title}</h2>" in narrowed


async def test_grouped_by_what_was_across_is_a_plain_table(client: Client, world: World) -> None:
    """As the form asks for where the first dimension is set to the second."""
    await fill(client)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/explore"
    text = await text_of(client, f"{path}?by=feature&sub=feature")
    assert "left out" not in text
    assert "<h2>Cost by feature</h2>" in text
    file = await text_of(client, f"{path}/export?by=feature&sub=feature&format=csv")
    assert file.splitlines()[0] == "from,to,time_zone,feature,cost_usd"
