"""Pages that were come to from another one lead back to it as it was left."""

import re
from html import escape, unescape

import pytest

from llmtrack.storage.sessions import PROOF_MS
from tests.conftest import World
from tests.web.conftest import Client, Clock
from tests.web.people import OWN_SITE, post, sign_in
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


@pytest.mark.parametrize(
    ("place", "query"),
    [
        ("customers", "period=7d&feature=a%26b"),
        ("", "period=7d"),
        ("", ""),
        ("by/tag", "of=team&tag.team=red"),
        ("statement", "month=2026-10"),
    ],
)
async def test_a_proof_for_a_file_leads_back_to_the_page_of_it(
    client: Client, world: World, clock: Clock, place: str, query: str
) -> None:
    await sign_in(client, "alice")
    clock.now_ms += PROOF_MS
    page = f"/w/{world.acme.public_id}/{place}"
    file = f"{page.rstrip('/')}/export?{query}&format=csv"
    link = f'<a href="{escape(f"{page}?{query}" if query else page)}">Back to the page</a>'

    async with client.get(file) as response:
        assert response.status == 403
        assert link in await response.text()
    response = await post(client, "/proof", next=file, proof_password="wrong password, sorry")
    assert response.status == 422
    assert link in await response.text()


async def test_a_proof_leads_back_to_nowhere_else(
    client: Client, world: World, clock: Clock
) -> None:
    await sign_in(client, "alice")
    clock.now_ms += PROOF_MS
    keys, site = f"/w/{world.acme.public_id}/keys", f"http://{client.host}:{client.port}"

    async def way_back(referrer: str, path: str = keys, **form: str) -> str | None:
        headers = {**OWN_SITE, "Referer": referrer}
        async with client.post(path, data=form, headers=headers) as response:
            assert response.status in {403, 422}
            found = re.search(r'<a href="([^"]*)">Back to the page', await response.text())
        return unescape(found[1]) if found else None

    assert await way_back(f"{site}/w/a/pricing?a=1&b=2") == "/w/a/pricing?a=1&b=2"
    for other in ("", f"http://else.where{keys}", f"{site}//else.where/", f"{site}{keys}"):
        assert await way_back(other) in {None, "/"}, other
    for path in ("//else.where/export", "/\\else.where/export", "https://else.where/export"):
        wrong = {"next": path, "proof_password": "wrong password, sorry"}
        assert await way_back(f"{site}/proof", "/proof", **wrong) is None
