"""A cost that nobody knows reads as unknown wherever it stands, never as nothing."""

import csv
import io

import pytest

from llmtrack.domain.costs import CostStatus
from llmtrack.web.ingest import INGEST
from llmtrack.web.page_query import DIMENSIONS
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client
from tests.web.people import sign_in
from tests.web.test_pages import get

TWO_DAYS = "from=2026-11-18&to=2026-11-19&rollup=day"
PLACES = (
    *(f"?by={name}" for name in DIMENSIONS),
    *(
        f"explore?metric={name}&{TWO_DAYS}"
        for name in ("cost", "cost_per_request", "cost_per_mtok")
    ),
    *(f"explore?sub=feature&{TWO_DAYS}", f"explore?cumulative=1&{TWO_DAYS}"),
    *("by/model?model=own", "customers", "statement", "statement?month=2026-11", "events"),
)


async def fill(client: Client, *, priced: int) -> None:
    kinds: list[tuple[str, int | None, CostStatus]]
    kinds = [("own", None, CostStatus.UNPRICED), ("own", None, CostStatus.NO_USAGE)]
    kinds += [("priced", 10**12, CostStatus.PRICED)] * priced
    events = [
        make_event(
            model=model,
            feature=model,
            customer_id=model,
            cost_pico=cost,
            cost_status=status,
            timestamp_ms=NOW_MS - 86_400_000 * age,
            received_ms=NOW_MS,
        )
        for model, cost, status in kinds
        for age in (1, 2)
    ]
    assert client.app is not None
    await client.app[INGEST].add(events)


@pytest.mark.parametrize("place", PLACES)
async def test_where_no_cost_is_known_none_is_shown(
    client: Client, world: World, place: str
) -> None:
    await fill(client, priced=0)
    await sign_in(client, "alice")
    status, text = await get(client, f"/w/{world.acme.public_id}/{place}")
    assert status == 200
    assert "$0.00" not in text


@pytest.mark.parametrize("place", ["", "explore", "by/status?status=success&by=model"])
async def test_beside_known_costs_the_unknown_one_has_no_share_and_no_amount(
    client: Client, world: World, place: str
) -> None:
    await fill(client, priced=1)
    await sign_in(client, "alice")
    _, text = await get(client, f"/w/{world.acme.public_id}/{place}")
    legend = text[text.index('class="legend"') : text.index('class="axes"')]
    assert "$0.00" not in legend
    table = text[text.index("<h2>", text.index("Show data")) :]
    row = table[table.index(">own<") :]
    row = row[: row.index("</tr>")]
    assert "0%" not in row.replace("100%", "").partition("requests")[0]
    assert "$0.00" not in row


async def test_an_export_leaves_unknown_costs_empty(client: Client, world: World) -> None:
    await fill(client, priced=1)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/explore/export?format=csv&period=7d"
    async with client.get(path) as response:
        rows = list(csv.DictReader(io.StringIO(await response.text())))
    costs = {model: [row["cost_usd"] for row in rows if row["model"] == model] for model in
             ("own", "priced")}  # fmt: skip
    assert costs["own"].count("") == 2
    assert costs["priced"].count("1") == 2


@pytest.mark.parametrize(
    ("place", "amount"),
    [
        ("?by=environment&period=7d", "$1,000.00"),  # of a thousand
        ("explore?metric=cost_per_request&by=environment&period=7d", "$1.00"),
    ],
)
async def test_what_a_request_costs_is_of_those_with_a_known_cost(
    client: Client, world: World, place: str, amount: str
) -> None:
    """Two of six: over all of them it would be a third."""
    await fill(client, priced=1)
    await sign_in(client, "alice")
    _, text = await get(client, f"/w/{world.acme.public_id}/{place}")
    assert f">{amount}<" in text
