"""The page that explains one event's cost."""

import pytest

from tests.conftest import World
from tests.web.conftest import Client
from tests.web.people import sign_in
from tests.web.test_ingest import EVENT, send


async def sent(client: Client, world: World, **fields: object) -> str:
    status, answer = await send(client, world.acme_key.raw, EVENT | fields)
    assert status == 200
    return str(answer["id"])


async def test_the_lines_and_the_sender_s_own_figure_are_shown(
    client: Client, world: World
) -> None:
    event_id = await sent(client, world, cost=0.00015)
    await sign_in(client, "bob")

    response = await client.get(f"/w/{world.acme.public_id}/events/{event_id}/cost")

    text = " ".join((await response.text()).split())
    assert response.status == 200
    for told in ("$0.000018", "$0.000048", "$0.000066", "$0.15", "$0.00015", "$0.000084 more"):
        assert told in text
    assert "lists gpt-4o-mini by name" in text


async def test_an_event_without_a_price_says_so(client: Client, world: World) -> None:
    event_id = await sent(client, world, model="<script>")
    await sign_in(client, "alice")

    response = await client.get(f"/w/{world.acme.public_id}/events/{event_id}/cost")

    text = await response.text()
    assert "No cost" in text
    assert "Nobody knows a price" in text
    assert "<script>" not in text.replace("<script src", "")


@pytest.mark.parametrize("name", ["charlie", "alice"])
async def test_an_event_of_another_workspace_is_not_there(
    client: Client, world: World, name: str
) -> None:
    event_id = await sent(client, world)
    await sign_in(client, name)
    workspace = world.globex if name == "charlie" else world.acme
    event_id = (
        event_id if name == "charlie" else event_id[:-1] + ("1" if event_id.endswith("0") else "0")
    )

    response = await client.get(f"/w/{workspace.public_id}/events/{event_id}/cost")

    assert response.status == 404


async def test_the_sheet_of_an_event_can_embed_the_block(client: Client, world: World) -> None:
    event_id = await sent(client, world)
    await sign_in(client, "alice")
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#event-cost"}

    path = f"/w/{world.acme.public_id}/events/{event_id}/cost"
    response = await client.get(path, headers=headers)

    assert (await response.text()).strip().startswith('<section id="event-cost"')
