"""Pages' tables as files, and the events that they are of."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

from llmtrack.domain.costs import CostStatus
from llmtrack.web.ingest import INGEST
from tests.conftest import NOW_MS
from tests.events import make_event
from tests.web.conftest import Client

DAY_MS = 86_400_000
OCTOBER = "from=2026-10-01&to=2026-10-31"
IN_OCTOBER_MS = NOW_MS - 30 * DAY_MS
IN_SEPTEMBER_MS = NOW_MS - 66 * DAY_MS
USD = 10**12
Row = dict[str, str]


async def add(client: Client, *events: dict[str, Any]) -> None:
    """Of October, unless they say otherwise."""
    assert client.app is not None
    usual = {"timestamp_ms": IN_OCTOBER_MS, "received_ms": NOW_MS}
    await client.app[INGEST].add([make_event(**{**usual, **event}) for event in events])


async def fill(client: Client) -> None:
    """Two months of a few customers with names that programs would take for something else."""
    unpriced = {"cost_pico": None, "cost_status": CostStatus.UNPRICED}
    await add(
        client,
        {"customer_id": "=SUM(A1)", "customer_name": '+1, "x"\n', "cost_pico": 3 * USD + 1},
        {"customer_id": "=SUM(A1)", "feature": "=SUM(A1)", "cost_pico": 7, "status": 1},
        {"customer_id": "c2", "feature": "@b", "model": "-2+3", "cost_pico": USD, "latency_ms": 90},
        {"customer_id": "c3", "feature": "free", "model": "own", **unpriced, "status": 2},
        {"customer_id": None, "feature": "free", "cost_pico": 0, "status": 3},
        {"customer_id": "c2", "cost_pico": 5, "timestamp_ms": IN_SEPTEMBER_MS},
        {"customer_id": "gone", "feature": "old", "cost_pico": 9, "timestamp_ms": IN_SEPTEMBER_MS},
    )


OCTOBER_PICO = 4 * USD + 8
"""What of `fill` was in October, and is known."""


async def csv_of(client: Client, path: str) -> list[Row]:
    async with client.get(path, allow_redirects=False) as response:
        assert response.status == 200, path
        assert response.content_type == "text/csv"
        return list(csv.DictReader(io.StringIO(await response.text(), newline="")))


async def lines_of(client: Client, path: str) -> list[dict[str, Any]]:
    async with client.get(f"{path}&format=jsonl", allow_redirects=False) as response:
        assert response.status == 200, path
        assert response.content_type == "application/jsonl"
        return [json.loads(line) for line in (await response.text()).splitlines()]


def pico_sum(rows: list[Row], column: str) -> int:
    return sum(int(Decimal(row[column] or 0) * USD) for row in rows)
