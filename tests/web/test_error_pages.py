"""Error pages: a heading that says what is wrong in words, and a way back."""

import re

import pytest

from tests.conftest import World
from tests.web.conftest import Client, Clock
from tests.web.people import OWN_SITE, post, sign_in
from tests.web.test_pages import filled, workspace_routes
from tests.web.test_views import DAY_MS, shared, text_of


def headings(text: str) -> list[str]:
    return re.findall(r"<h1>(.*?)</h1>", text)


@pytest.mark.parametrize(
    ("place", "status", "heading"),
    [
        ("nowhere", 404, "Nothing is here"),
        ("by/colour?colour=red", 404, "Nothing is here"),
        ("statement?month=2026-13", 422, "&#39;2026-13&#39; is no month"),
    ],
)
async def test_the_heading_says_what_is_wrong(
    client: Client, world: World, place: str, status: int, heading: str
) -> None:
    await sign_in(client, "alice")
    home = f"/w/{world.acme.public_id}/"

    text = await text_of(client, home + place, status)

    [found] = headings(text)
    assert found.startswith(heading)
    assert "Unprocessable" not in text
    if status == 422:
        assert f'href="{home}statement">Open the page anew</a>' in text


async def test_a_form_s_error_leads_back_to_where_it_was_sent_from(
    client: Client, world: World
) -> None:
    await sign_in(client, "alice")
    url = f"/w/{world.acme.public_id}/"
    form = {"name": "  ", "place": "explore", "query": "by=feature"}
    came_from = str(client.make_url(f"{url}explore?by=feature"))

    for referer, ways in (
        (came_from, [(f"{url}explore?by=feature", "Back to where you were")]),
        ("https://elsewhere.example/", []),
        ("http://[", []),
        ("", []),
    ):
        headers = {**OWN_SITE, "Referer": referer}
        async with client.post(f"{url}views", data=form, headers=headers) as response:
            text = await response.text()
        assert response.status == 422
        assert headings(text) == ["A name is needed"]
        assert "<p>Nothing was changed.</p>" in text
        [row] = re.findall(r'<div class="row">(.*?)</div>', text)
        found = re.findall(r'href="([^"]+)">([^<]+)<', row)
        assert found == [*ways, (url, "To the overview")]


async def test_a_path_that_is_a_host_is_no_way_back(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    headers = {"Referer": f"{client.make_url('/')}/elsewhere.example/"}
    async with client.get(f"/w/{world.acme.public_id}/nowhere", headers=headers) as response:
        assert "elsewhere" not in await response.text()


async def test_every_error_page_has_one_heading(client: Client, world: World) -> None:
    assert headings(await text_of(client, "/nowhere", 404)) == ["Nothing is here"]
    await sign_in(client, "bob")
    settings = f"/w/{world.acme.public_id}/settings"
    for response in (
        await post(client, f"{settings}/name", name="Mine"),
        await post(client, settings),
        await post(client, f"/w/{world.acme.public_id}/views", nonsense="1"),
        await client.post("/sign-out"),
    ):
        assert response.status in {400, 403, 405, 415}
        assert len(headings(await response.text())) == 1


async def test_a_link_that_ended_looks_like_one_that_never_was(
    client: Client, world: World, clock: Clock
) -> None:
    path = await shared(client, world)
    expiring = await shared(client, world)
    await post(client, f"/w/{world.acme.public_id}/shared-links/1/revocation")
    client.session.cookie_jar.clear()
    clock.now_ms += 7 * DAY_MS

    answers = []
    for one in (path, expiring, path[:-1] + "x", "/s/wsp_aaaaaaaaaaaaaaaa/x"):
        async with client.get(one) as response:
            kept = {name: response.headers[name] for name in ("X-Robots-Tag", "Referrer-Policy")}
            text = (await response.text()).replace(one, "")
            answers.append((response.status, kept, text))

    assert all(answer == answers[0] for answer in answers)
    status, _, text = answers[0]
    assert status == 404
    assert headings(text) == ["This link has ended, or never was"]
    assert "Ask whoever sent it to you" in text
    assert "Sign in" not in text


async def test_every_page_of_a_workspace_has_one_heading(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    seen = 0
    for method, pattern in workspace_routes(client):
        if method != "GET":
            continue
        async with client.get(filled(pattern, world.acme.public_id, world)) as response:
            if response.content_type == "text/html":
                seen += 1
                assert len(re.findall("<h1", await response.text())) == 1, pattern
    assert seen > 30
