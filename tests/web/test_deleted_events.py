"""Pages of a period some of whose events were deleted, while their totals were kept."""

from typing import Any

import pytest

from llmtrack.domain.periods import DAY_MS
from llmtrack.services.deletion_notes import DELETED
from llmtrack.storage.purge import purge_events
from llmtrack.storage.usage import UsageWriter
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client
from tests.web.people import sign_in, text_of
from tests.web.test_usage_api import reader_of, usage
from tests.web.test_what_if_runs import begin, ended

SAID = DELETED.split(".", maxsplit=1)[0]
TWO_FILTERS = "environment=production&status=success&"


async def fill(world: World) -> None:
    """Two events ten days ago, one today."""
    events = [
        make_event(
            world.acme.id,
            environment="production",
            customer_id="cora",
            timestamp_ms=NOW_MS - days * DAY_MS - 60_000,
        )
        for days in (10, 10, 0)
    ]
    await world.database.write(lambda connection: UsageWriter().add(connection, events, 1))


async def purge(world: World) -> None:
    scope = await world.scope()
    while (await scope.write(purge_events, before_ms=NOW_MS - 5 * DAY_MS)).events:
        pass


@pytest.mark.parametrize(
    ("place", "is_short"),
    [
        ("?period=30d", False),
        ("?period=30d&by=customer", True),  # their percentiles
        ("explore?period=30d&by=model&sub=feature", False),
        ("performance?period=30d", False),
        ("events?period=7d", False),
        (f"what-if?{TWO_FILTERS}period=24h&target=openai/gpt-4o", False),
        (f"explore?{TWO_FILTERS}period=30d", True),
        (f"?{TWO_FILTERS}period=30d", True),
        (f"customers?{TWO_FILTERS}period=30d", True),
        ("explore?period=30d&by=status&sub=key", True),
        ("what-if?period=30d&target=openai/gpt-4o", True),
        ("events?period=30d", True),
    ],
)
async def test_a_page_tells_where_it_lacks_them(
    client: Client, world: World, place: str, is_short: bool
) -> None:
    await sign_in(client, "alice")
    await fill(world)
    url = f"/w/{world.acme.public_id}/{place}"
    assert SAID not in await text_of(client, url)
    await purge(world)
    assert (SAID in await text_of(client, url)) is is_short


async def test_a_comparison_of_many_tells_it_too(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    await fill(world)
    await purge(world)
    path = f"/w/{world.acme.public_id}/what-if?period=30d&target=openai/gpt-4o"
    text = await ended(client, await begin(client, path))
    assert "kept for an hour" in text
    assert SAID in text


async def test_usage_by_key_tells_it_in_its_notes(client: Client, world: World) -> None:
    raw = await reader_of(world)
    await fill(world)
    await purge(world)
    answers: dict[str, Any] = {}
    for where in (
        "",
        "&where=status=success",
        "&where=status=success&where=environment=production",
    ):
        status, answers[where] = await usage(client, raw, f"?by=model&from=2026-10-01{where}")
        assert status == 200
    assert [answer["notes"] for answer in answers.values()] == [[], [], [DELETED]]
    assert [answer["rows"][0]["events"] for answer in answers.values()] == [3, 3, 1]
