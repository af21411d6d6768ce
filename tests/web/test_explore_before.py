"""Explore beside the period before: all of it, whatever the lengths of the two."""

import re
from decimal import Decimal

import pytest

from llmtrack.domain.periods import parse_instant
from llmtrack.web.ingest import INGEST
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client, Clock
from tests.web.people import sign_in, text_of
from tests.web.test_explore import rows_of

USD = 10**12
DAY_MS = 86_400_000
NOVEMBER = "from=2026-11-01&to=2026-11-30"


async def store(client: Client, *events: tuple[str, int, int]) -> None:
    """Time, cost in dollars, latency in ms."""
    assert client.app is not None
    made = [
        make_event(
            cost_pico=cost * USD, latency_ms=latency_ms, timestamp_ms=moment, received_ms=NOW_MS
        )
        for text, cost, latency_ms in events
        if (moment := parse_instant(text)) is not None
    ]
    await client.app[INGEST].add(made)


@pytest.mark.parametrize("cumulative", ["", "&cumulative=1"])
async def test_a_longer_month_before_is_exported_whole_under_its_own_days(
    client: Client, world: World, clock: Clock, cumulative: str
) -> None:
    await store(
        client,
        ("2026-10-01T12:00:00Z", 1, 1),
        ("2026-10-31T12:00:00Z", 5, 1),
        ("2026-11-03T12:00:00Z", 2, 1),
    )
    clock.now_ms = NOW_MS + 20 * DAY_MS
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/explore"
    query = f"period=last-month&compare=1{cumulative}"

    rows = await rows_of(client, f"{path}/export?{query}")

    before = [row for row in rows if row["model"] == "Before, all"]
    assert [row["from"][:10] for row in before] == [f"2026-10-{day:02d}" for day in range(1, 32)]
    assert len({row["from"] for row in rows if row not in before}) == 30
    name = "cumulative_cost_usd" if cumulative else "cost_usd"
    costs = [Decimal(row[name]) for row in before]
    assert (costs[-1] if cumulative else sum(costs)) == 6
    assert "The period before is longer: 31 Oct 2026 is in its sums" in await text_of(
        client, f"{path}?{query}"
    )


async def test_latencies_are_compared_like_all_else(client: Client, world: World) -> None:
    await store(client, ("2026-11-19T09:00:00Z", 1, 8_000), ("2026-11-18T09:00:00Z", 1, 4_000))
    await sign_in(client, "alice")
    query = "from=2026-11-19&to=2026-11-19&metric=p95&compare=1"
    text = await text_of(client, f"/w/{world.acme.public_id}/explore?{query}")
    changes = [int(one) for one in re.findall(r"up\s+(\d+)%", re.sub(r"<[^>]+>", " ", text))]
    assert len(changes) == 2, "of the model and of the total"
    assert all(95 <= change <= 110 for change in changes), "latencies are within 2.5 %"


async def test_a_running_period_ends_where_it_is(client: Client, world: World) -> None:
    """A line that goes on to the end of a month would say that no more will come."""
    await store(client, ("2026-11-03T12:00:00Z", 4, 1))
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/explore/export?{NOVEMBER}&cumulative=1"
    rows = await rows_of(client, path)
    known = [row["from"] for row in rows if row["cumulative_cost_usd"]]
    assert len(rows) == 30
    assert (len(known), known[-1] < "2026-11-21") == (20, True)


async def test_what_is_called_other_is_not_the_rest(client: Client, world: World) -> None:
    assert client.app is not None
    features = ["Other", *(f"f{place}" for place in range(9))]
    events = [make_event(feature=name, cost_pico=USD, timestamp_ms=NOW_MS) for name in features]
    await client.app[INGEST].add(events)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/explore/export?period=24h&by=feature&top=5"
    named = {row["feature"] for row in await rows_of(client, path)}
    assert {"Other", "All others"} <= named


async def test_the_rest_is_compared_with_the_rest(client: Client, world: World) -> None:
    """What had requests only then is in no line: it is part of what the rest was."""
    assert client.app is not None
    costs = {
        0: {f"f{place}": 10 - place for place in range(8)},
        1: {"f0": 1, "f7": 2, "gone": 4},
    }
    events = [
        make_event(
            feature=name,
            cost_pico=cost * USD,
            timestamp_ms=NOW_MS - day * DAY_MS - 3 * 3_600_000,
            received_ms=NOW_MS,
        )
        for day, of_day in costs.items()
        for name, cost in of_day.items()
    ]
    await client.app[INGEST].add(events)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/explore?period=24h&by=feature&compare=1&top=5"
    rows = re.findall(r"<tr.*?</tr>", await text_of(client, path), re.DOTALL)
    [rest] = [re.sub(r"<[^>]+>", " ", row) for row in rows if "Other (" in row]
    [total] = [re.sub(r"<[^>]+>", " ", row) for row in rows if ">Total<" in row]
    assert re.findall(r"\$([\d.]+)", rest)[:2] == ["12.00", "6.00"]
    assert re.findall(r"\$([\d.]+)", total)[:2] == ["52.00", "7.00"]
