"""An event that the next purge removes is stored, and its sender is told."""

from datetime import UTC, datetime, timedelta

import pytest

from llmtrack.storage.audit import Actor
from llmtrack.storage.retention_rules import Retention, set_retention
from tests.conftest import NOW_MS, World
from tests.web.conftest import Client, open_lane
from tests.web.test_ingest import EVENT, send

OLD = (
    "timestamp is older than the 30 days for which events are kept here: the event will be removed"
)


def days_ago(days: int) -> dict[str, object]:
    moment = datetime.fromtimestamp(NOW_MS / 1000, UTC) - timedelta(days=days)
    return {**EVENT, "timestamp": moment.isoformat()}


async def keep(world: World, rule: Retention | None) -> None:
    await world.database.write_within(
        world.acme.id, set_retention, rule=rule, actor=Actor(None, "test"), now_ms=NOW_MS
    )


@pytest.mark.parametrize("lane", [False, True])
@pytest.mark.parametrize(
    ("keep_totals", "totals"), [(True, "its totals stay"), (False, "with its")]
)
async def test_only_what_is_too_old_is_told(
    client: Client, world: World, lane: bool, keep_totals: bool, totals: str
) -> None:
    await keep(world, Retention(30, keep_totals))
    told = {}
    for days in (0, 29, 30, 31, 400):
        if lane:
            await open_lane(client, world.acme_key.raw)
        status, answer = await send(client, world.acme_key.raw, days_ago(days))
        assert status == 200
        told[days] = answer.get("warnings", [])
    assert (told[0], told[29], told[30]) == ([], [], [])
    for days in (31, 400):
        [text] = told[days]
        assert text.startswith(f"{OLD}, {totals}")


async def test_so_it_is_in_a_batch_and_after_a_change_of_the_rule(
    client: Client, world: World
) -> None:
    headers = {"Authorization": f"Bearer {world.acme_key.raw}"}
    for rule, count in ((Retention(30, keep_totals=True), 1), (None, 0)):
        await keep(world, rule)
        items = [days_ago(1), days_ago(90)]
        async with client.post("/api/ingest/batch", json=items, headers=headers) as response:
            results = (await response.json())["results"]
        assert [len(result.get("warnings", [])) for result in results] == [0, count]
