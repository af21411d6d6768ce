"""The line on the Overview about failed calls without usage."""

from typing import Any

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.usage import Usage
from llmtrack.storage.usage import UsageWriter
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client
from tests.web.people import post, sign_in


async def test_the_line_is_marked_and_can_be_switched_off(client: Client, world: World) -> None:
    times: dict[str, Any] = {
        "timestamp_ms": NOW_MS,
        "received_ms": NOW_MS,
        "key_id": world.acme_key.key.id,
    }
    events = [
        make_event(world.acme.id, **times),
        make_event(
            world.acme.id,
            cost_pico=None,
            cost_status=CostStatus.NO_USAGE,
            usage=Usage(),
            status=2,
            **times,
        ),
    ]
    await world.database.write(lambda connection: UsageWriter().add(connection, events, 1))
    await sign_in(client, "alice")
    overview = f"/w/{world.acme.public_id}/"
    setting = f"{overview}pricing/at-risk"

    async with client.get(overview) as response:
        text = await response.text()
    assert "at risk" in text
    assert "1 request failed, timed out or was cancelled" in text
    assert "an estimate from the median cost" in text
    assert (await post(client, setting, shown="0")).status == 303
    async with client.get(overview) as response:
        assert "at-risk" not in await response.text()
    async with client.get(setting) as response:
        assert "Estimate</button>" in await response.text()

    await sign_in(client, "bob")
    assert (await post(client, setting, shown="1")).status == 403
