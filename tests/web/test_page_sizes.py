"""Pages stay small: what a phone on a train has to fetch."""

import gzip
from pathlib import Path

import pytest

from llmtrack.web.assets import Assets
from llmtrack.web.ingest import INGEST
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client
from tests.web.people import sign_in
from tests.web.test_pages import get

STATIC = Path(__file__).resolve().parents[2] / "static"
DAY_MS = 86_400_000


def packed(data: bytes) -> int:
    return len(gzip.compress(data, 6))


def test_scripts_and_styles_are_under_25_kilobytes_compressed() -> None:
    files = [*STATIC.glob("*.js"), *STATIC.glob("*.css")]
    assert len(files) >= 3
    assets = Assets(STATIC)
    assert sum(assets.packed_bytes(file.name) for file in files) < 25 * 1024


PLACES = (
    *("?period=90d", "?period=90d&by=customer", "explore?period=90d", "events?period=90d"),
    *("explore?period=90d&by=feature&sub=customer&top=20", "explore?period=90d&compare=1"),
    *("explore?period=90d&metric=p95", "explore?period=90d&cumulative=1"),
    *(
        "events?period=90d&min_cost=0.000001",
        "changes?period=30d",
        "changes?period=30d&by=customer",
    ),
    *("customers?period=90d", "performance?period=90d", "what-if?period=90d&target=openai/gpt-4o"),
    *("by/model?model=model-1-of-a-usual-length&period=90d", "by/customer?customer=c1&period=90d"),
    "statement?month=2026-10",
)


@pytest.mark.parametrize("place", PLACES)
async def test_90_days_of_6_series_are_under_60_kilobytes(
    client: Client, world: World, place: str
) -> None:
    events = [
        make_event(
            model=f"model-{number}-of-a-usual-length",
            feature=f"feature-{number % 6}",
            customer_id=f"c{number}",
            customer_name=f"Customer {number} Limited",
            cost_pico=150_000 * ((day * 7919 + number * 104_729) * 7_368_787 % 1_000_003),
            latency_ms=100 * number + day,
            timestamp_ms=NOW_MS - day * DAY_MS,
            received_ms=NOW_MS,
        )
        for day in range(90)
        for number in range(8)
    ]
    assert client.app is not None
    await client.app[INGEST].add(events)
    await sign_in(client, "alice")

    status, text = await get(client, f"/w/{world.acme.public_id}/{place}")

    assert status == 200
    assert "model-1-of-a-usual-length" in text or "c1" in text
    assert len(text.encode()) < 60 * 1024
    assert packed(text.encode()) < 15 * 1024
