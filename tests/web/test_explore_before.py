"""Explore beside the period before: all of it, whatever the lengths of the two."""

import re
from decimal import Decimal

import pytest

from llmtrack.domain.periods import parse_instant
from llmtrack.web.ingest import INGEST
from llmtrack.web.numbers import NOTHING
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client, Clock, application
from tests.web.overview_page import plain
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


async def compared(client: Client) -> None:
    """Two features go on, one comes, one goes; of each, every second request fails."""
    days = {0: {"chat": 4, "search": 6, "new": 2}, 1: {"chat": 2, "search": 8, "gone": 6}}
    events = [
        make_event(
            feature=name,
            model=f"m{place % 2}",
            status=place % 2,
            cost_pico=USD,
            timestamp_ms=NOW_MS - day * DAY_MS - 3 * 3_600_000,
            received_ms=NOW_MS,
        )
        for day, of_day in days.items()
        for name, count in of_day.items()
        for place in range(count)
    ]
    await application(client)[INGEST].add(events)


@pytest.mark.parametrize("metric", ["cost", "error_rate"])
@pytest.mark.parametrize("sub", ["", "&sub=model"])
async def test_each_line_of_a_pivot_is_compared(
    client: Client, world: World, metric: str, sub: str
) -> None:
    """As each line of the table is, and what is in no line is told."""
    await compared(client)
    await sign_in(client, "alice")
    query = f"period=24h&by=feature&compare=1&metric={metric}{sub}"
    text = await text_of(client, f"/w/{world.acme.public_id}/explore?{query}")
    table = text[text.index('<table class="table breakdown') :]
    heads = [plain(head) for head in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', table)]
    place = heads.index("Before") - 1
    assert heads[place + 2] == "Change"
    before = {
        plain(name): plain(re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)[place])
        for name, row in re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', table, re.DOTALL)
    }
    costs = {"search": "$8.00", "chat": "$2.00", "new": "$0.00", "Total": "$16.00"}
    rates = {"search": "50%", "chat": "50%", "new": NOTHING, "Total": "50%"}
    shown = {name: cell.replace(".0%", "%") for name, cell in before.items()}
    assert shown == (costs if metric == "cost" else rates)
    assert "Before, 6 requests were of what has none now" in text


@pytest.mark.parametrize(("metric", "end"), [("cost", []), ("error_rate", [("Total", "16")])])
async def test_a_pivot_s_file_has_the_period_before(
    client: Client, world: World, metric: str, end: list[tuple[str, str]]
) -> None:
    await compared(client)
    await sign_in(client, "alice")
    query = f"period=24h&by=feature&sub=model&compare=1&metric={metric}"
    rows = await rows_of(client, f"/w/{world.acme.public_id}/explore/export?{query}")
    before = [row for row in rows if row["model"] == "Before, all"]
    requests = [(row["feature"], row["requests"]) for row in before]
    lines = {("search", "8"), ("chat", "2"), ("new", "0")}
    assert (set(requests[:3]), requests[3:]) == (lines, [("Other", "6"), *end])
    assert all(row["to"] <= rows[0]["from"] for row in before)
    if metric == "cost":
        assert sum(Decimal(row["cost_usd"]) for row in before) == 16


async def test_the_rest_of_what_does_not_add_up_is_compared(client: Client, world: World) -> None:
    await compared(client)
    events = [
        make_event(
            feature=f"f{place % 4}",
            status=int(place < 8),
            timestamp_ms=NOW_MS - place // 8 * DAY_MS - 3 * 3_600_000,
            received_ms=NOW_MS,
        )
        for place in range(16)
    ]
    await application(client)[INGEST].add(events)
    await sign_in(client, "alice")
    query = "period=24h&by=feature&sub=model&compare=1&metric=error_rate&top=5"
    text = await text_of(client, f"/w/{world.acme.public_id}/explore?{query}")
    [rest] = re.findall(r"<tr>(?:(?!<tr>).)*?Other \(2\).*?</tr>", text, re.DOTALL)
    cells = [plain(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", rest, re.DOTALL)]
    assert cells[-2].startswith("50"), "of those of only then and those that go on"
