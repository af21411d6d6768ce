"""Every number on the Overview is the one that the command line says."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from markupsafe import escape

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.usage import Usage
from llmtrack.web.ingest import INGEST
from llmtrack.web.numbers import percent, tokens, usd
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.storage.seeded import repeatable
from tests.web.conftest import Client
from tests.web.people import sign_in
from tests.web.test_pages import get

DAY_MS = 86_400_000
PERIOD = ("2026-11-01", "2026-11-19")
DIMENSIONS = ("model", "provider", "feature", "customer", "environment", "status", "key")


async def fill(client: Client) -> None:
    source = repeatable("overview")
    events = []
    for _ in range(300):
        priced = source.random() < 0.9
        used = Usage(
            input_tokens=source.randrange(10**6),
            output_tokens=source.randrange(10**5),
            cache_read_tokens=source.randrange(1000),
        )
        events.append(
            make_event(
                provider=source.choice(["openai", "anthropic"]),
                model=source.choice(["gpt-4o", "sonnet", "mini"]) if priced else "own",
                feature=source.choice(["chat", "<search>", "&"]),
                environment=source.choice(["production", "staging"]),
                customer_id=source.choice(["c1", "c2", None]),
                status=source.choice([0, 0, 0, 1, 2, 3]),
                cost_pico=source.randrange(10**14) if priced else None,
                cost_status=CostStatus.PRICED if priced else CostStatus.UNPRICED,
                usage=used,
                timestamp_ms=NOW_MS - source.randrange(30 * DAY_MS),
                received_ms=NOW_MS,
            )
        )
    assert client.app is not None
    await client.app[INGEST].add(events)


def said_by_cli(world: World, by: str) -> list[dict[str, Any]]:
    end = "2026-11-20"
    done = subprocess.run(
        [sys.executable, "-m", "llmtrack", "--data-dir", str(world.database.path.parent), "usage",
         "--workspace", world.acme.public_id, "--from", PERIOD[0], "--to", end, "--by", by,
         "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def pico(row: dict[str, Any]) -> int:
    return int(Decimal(row["cost_usd"]) * 10**12)


@pytest.mark.parametrize("by", DIMENSIONS)
async def test_the_table_has_the_command_lines_numbers(
    client: Client, world: World, by: str
) -> None:
    await fill(client)
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/?from={PERIOD[0]}&to={PERIOD[1]}&by={by}"

    _, text = await get(client, path)
    rows = said_by_cli(world, by)

    body = text[text.index(f"<h2>By {by}</h2>") :]
    lines = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", body, re.DOTALL)
    assert len(lines) == len(rows) + (len(rows) > 1)
    for row in rows:
        name = row[f"{by}_name"] if by == "key" else row[by]
        [line] = [one for one in lines if f">{escape(name or f'No {by}')}</" in one]
        expected = [
            tokens(row["events"]),
            tokens(row["input_tokens"]),
            tokens(row["output_tokens"]),
            percent(row["cache_read_tokens"], row["input_tokens"]),
            percent(row["failed"], row["events"]),
        ]
        if row["unpriced_events"] < row["events"]:
            expected.append(usd(pico(row)))
        for cell in expected:
            assert str(cell) in line, (name, cell)


async def test_the_tiles_have_the_command_lines_totals(client: Client, world: World) -> None:
    await fill(client)
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/?from={PERIOD[0]}&to={PERIOD[1]}"

    _, text = await get(client, path)
    rows = said_by_cli(world, "status")

    totals = {name: sum(row[name] for row in rows) for name in rows[0] if name in NUMBERS}
    tiles = re.sub(r"\s+", " ", text[text.index('class="tiles"') : text.index("</section>")])
    for cell in (
        usd(sum(pico(row) for row in rows)),
        tokens(totals["events"]),
        tokens(totals["input_tokens"] + totals["output_tokens"]),
        tokens(totals["failed"]),
        percent(totals["failed"], totals["events"]),
    ):
        assert f">{cell}<" in tiles or f">{cell} " in tiles, cell


NUMBERS = {"events", "failed", "input_tokens", "output_tokens", "unpriced_events"}
