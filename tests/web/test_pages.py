"""The pages of a workspace, for those who may see them and for those who may not."""

import re

import pytest

from tests.conftest import World
from tests.web.conftest import Client
from tests.web.people import OWN_SITE, post, sign_in
from tests.web.test_ingest import EVENT, send

EVENT_ID = "01a1ff6c-2f00-7000-8000-000000000001"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


async def get(client: Client, path: str) -> tuple[int, str]:
    async with client.get(path, allow_redirects=False) as response:
        return response.status, await response.text()


def workspace_routes(client: Client) -> list[tuple[str, str]]:
    """(method, path pattern) of every route below a workspace."""
    assert client.app is not None
    return [
        (route.method, route.resource.canonical)
        for route in client.app.router.routes()
        if route.resource is not None
        and route.resource.canonical.startswith("/w/")
        and route.method != "HEAD"
    ]


def filled(pattern: str, workspace: str, world: World) -> str:
    """The path with a key of Acme; what else a route names does not exist anywhere."""
    known = {"workspace": workspace, "key": world.acme_key.key.public_id}
    return re.sub(r"\{(\w+)\}", lambda name: known.get(name[1], "unknown"), pattern)


async def test_an_outsider_finds_nothing_behind_any_route(client: Client, world: World) -> None:
    await sign_in(client, "charlie")
    routes = workspace_routes(client)
    assert len(routes) > 8

    for method, pattern in routes:
        answers = []
        for workspace in (world.acme.public_id, "wsp_aaaaaaaaaaaaaaaa"):
            path = filled(pattern, workspace, world)
            async with client.request(method, path, headers=OWN_SITE) as response:
                text = (await response.text()).replace(workspace, "")
                answers.append((response.status, text))
        assert answers[0][0] == 404, pattern
        assert answers[0] == answers[1], f"{pattern} tells a foreign id from a missing one"


async def test_nobody_sees_a_page_without_signing_in(client: Client, world: World) -> None:
    for method, pattern in workspace_routes(client):
        path = filled(pattern, world.acme.public_id, world)
        async with client.request(
            method, path, headers=OWN_SITE, allow_redirects=False
        ) as response:
            assert response.status == 303
            assert response.headers["Location"].startswith("/sign-in")


async def test_a_key_of_another_workspace_is_not_found(client: Client, world: World) -> None:
    await sign_in(client, "alice")

    foreign = f"/w/{world.acme.public_id}/keys/{world.globex_key.key.public_id}"
    assert (await get(client, foreign))[0] == 404
    assert (await post(client, f"{foreign}/deletion")).status == 404


async def test_a_viewer_reads_but_does_not_change(client: Client, world: World) -> None:
    await sign_in(client, "bob")
    keys = f"/w/{world.acme.public_id}/keys"

    status, text = await get(client, keys)
    assert status == 200
    assert "Acme app" in text
    assert "Deactivate" not in text
    assert (await post(client, keys, name="mine", source="")).status == 403
    assert (await post(client, f"{keys}/{world.acme_key.key.public_id}/deletion")).status == 403


async def test_a_new_key_is_shown_once_and_works(client: Client, world: World) -> None:
    await sign_in(client, "alice")

    created = await post(client, f"/w/{world.acme.public_id}/keys", name="bot", source="web")
    location = created.headers["Location"]
    first, second = (await get(client, location))[1], (await get(client, location))[1]

    [raw] = set(re.findall(r"llmt_[0-9A-Za-z]{36}", first))
    assert raw not in second
    assert raw not in location
    assert "Waiting for the first event" in second
    assert (await send(client, raw))[0] == 200
    status, arrived = await get(client, location)
    assert status == 200
    assert "$0.000066" in arrived


async def test_deactivation_bites_and_reactivation_mends(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    key = f"/w/{world.acme.public_id}/keys/{world.acme_key.key.public_id}"

    assert (await post(client, f"{key}/deactivation")).status == 303
    assert (await send(client, world.acme_key.raw))[0] == 401
    await post(client, f"{key}/reactivation")
    assert (await send(client, world.acme_key.raw))[0] == 200
    assert "Delete" in (await get(client, f"{key}/deletion"))[1]
    await post(client, f"{key}/deletion")
    assert (await send(client, world.acme_key.raw))[1] == {"error": "Invalid API key"}


async def test_the_overview_shows_what_was_sent(client: Client, world: World) -> None:
    await sign_in(client, "bob")
    overview = f"/w/{world.acme.public_id}/"
    assert "Waiting for the first event" in (await get(client, overview))[1]

    await send(client, world.acme_key.raw, EVENT | {"feature": "<b>chat</b>"})
    await send(client, world.globex_key.raw, EVENT | {"model": "o3"})
    status, text = await get(client, f"{overview}?by=feature")

    assert status == 200
    assert "&lt;b&gt;chat&lt;/b&gt;" in text
    assert "<b>chat" not in text
    assert "$0.000066" in text
    assert ">o3<" not in (await get(client, overview))[1]  # a public id may have the letters


@pytest.mark.parametrize(
    "query",
    ["?by=nonsense", "?period=eternity", "?from=x&to=y", "?model=%00", "?status=zzz&by=status",
     "?from=2026-13-01", "?model=a&provider=b&feature=c"],
)  # fmt: skip
async def test_a_senseless_query_never_breaks_the_overview(
    client: Client, world: World, query: str
) -> None:
    await send(client, world.acme_key.raw)
    await sign_in(client, "alice")

    assert (await get(client, f"/w/{world.acme.public_id}/{query}"))[0] == 200


async def test_a_wrong_password_and_an_unknown_account_look_alike(client: Client) -> None:
    texts = []
    for email in ("alice@example.com", "nobody@example.com"):
        response = await post(client, "/sign-in", email=email, password="wrong " * 4, next="/")
        assert response.status == 422
        texts.append((await response.text()).replace(email, ""))
    assert texts[0] == texts[1]


async def test_signing_out_ends_the_session(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    assert (await get(client, f"/w/{world.acme.public_id}/members"))[0] == 200

    await post(client, "/sign-out")

    assert (await get(client, f"/w/{world.acme.public_id}/members"))[0] == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {},
    ],
)
async def test_a_form_of_another_site_changes_nothing(
    client: Client, world: World, headers: dict[str, str]
) -> None:
    await sign_in(client, "alice")
    keys = f"/w/{world.acme.public_id}/keys"

    async with client.post(keys, data={"name": "theirs"}, headers=headers) as response:
        assert response.status == 403
    assert "theirs" not in (await get(client, keys))[1]


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/setup", "/nowhere", "/api/ingest", "/static/x"]
)
async def test_every_answer_carries_the_security_headers(client: Client, path: str) -> None:
    async with client.get(path, allow_redirects=False) as response:
        for name, value in HEADERS.items():
            assert response.headers[name] == value
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_our_own_api_answers_problem_details(client: Client) -> None:
    async with client.get("/api/nothing") as response:
        assert response.status == 404
        assert response.content_type == "application/problem+json"
        assert (await response.json())["status"] == 404


async def test_a_model_without_a_price_never_reads_as_free(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    await send(client, world.acme_key.raw, EVENT | {"model": "no-such-model"})

    _, text = await get(client, f"/w/{world.acme.public_id}/")

    assert "unknown</span>" in text
    assert "have no price" in text or "has no price" in text
    tiles = text[text.index('class="tiles"') : text.index("Forecast this month")]
    assert "$0.00" not in tiles
