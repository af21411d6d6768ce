"""Pages that were come to from another one lead back to it as it was left."""

import re
from html import unescape

from tests.conftest import World
from tests.web.conftest import Client
from tests.web.people import sign_in
from tests.web.test_events import store


async def test_an_event_leads_back_to_the_list_as_it_was_left(client: Client, world: World) -> None:
    event_id = await store(client, world)
    await sign_in(client, "alice")
    events = f"/w/{world.acme.public_id}/events"
    site = f"http://{client.host}:{client.port}"

    async def way_back(referrer: str, path: str = f"{events}/{event_id}") -> str:
        async with client.get(path, headers={"Referer": referrer}) as response:
            assert response.status == 200
            found = re.search(r'href="([^"]*)" data-close-sheet', await response.text())
        return unescape(found[1]) if found else ""

    left = f"{events}?period=7d&feature=search&columns=time%2Ccost&min_cost=1"
    assert await way_back(site + left) == left
    # Ticked boxes come one by one without scripts, and no address is taken as it is.
    ticked = f"{events}?columns=time&columns=cost&period=never&id=x&more=1"
    assert await way_back(site + ticked) == f"{events}?columns=time%2Ccost"
    assert await way_back(site + left, f"{left}&id={event_id}") == left
    for other in (
        "",
        "null",
        "http://[",
        f"http://else.where{left}",
        f"{site}/w/{world.globex.public_id}/events?period=7d",
        f"{site}/w/{world.acme.public_id}/?period=7d",
        f"{site}{events}/{event_id}?period=7d",
    ):
        assert await way_back(other) == events, other
