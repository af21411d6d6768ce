"""What holds for every route: methods, origins, keys where none belong, fields nobody offered."""

import asyncio
import json
import re
from collections.abc import Iterator

import pytest

from tests.conftest import World
from tests.web.conftest import Client
from tests.web.people import OWN_SITE, post, sign_in, text_of
from tests.web.test_roles import PUBLIC, routes_of

EVENT = {"provider": "openai", "model": "gpt-4o"}


def paths_of(client: Client, world: World, method: str) -> Iterator[tuple[str, str]]:
    """Patterns of this method, and addresses of Acme that fit them."""
    known = {"workspace": world.acme.public_id, "key": world.acme_key.key.public_id}
    for found, pattern in routes_of(client):
        if found == method:
            yield pattern, re.sub(r"\{(\w+)[^}]*\}", lambda n: known.get(n[1], "x"), pattern)


async def test_a_key_opens_no_page(client: Client, world: World) -> None:
    headers = {"Authorization": f"Bearer {world.acme_key.raw}", "x-api-key": world.acme_key.raw}
    open_to_all = PUBLIC | {"/healthz", "/security", "/.well-known/security.txt"}
    for pattern, path in paths_of(client, world, "GET"):
        if pattern in open_to_all or pattern.startswith("/api/"):
            continue
        async with client.get(path, headers=headers, allow_redirects=False) as response:
            assert response.status == 303, pattern
            assert response.headers["Location"].startswith("/sign-in"), pattern


async def test_a_key_in_the_address_is_none(client: Client, world: World) -> None:
    for name in ("api_key", "key", "x-api-key", "access_token", "Authorization"):
        query = {name: world.acme_key.raw}
        async with client.post("/api/ingest", json=EVENT, params=query) as response:
            assert response.status == 401
            assert await response.json() == {"error": "Missing API key"}
            assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_unknown_malformed_and_foreign_keys_get_the_same_bytes(client: Client) -> None:
    answers = set()
    for key in ("llmt_" + "a" * 36, "sk-123", "x" * 3000, "é"):
        async with client.post("/api/ingest", json=EVENT, headers={"x-api-key": key}) as response:
            answers.add((response.status, await response.read()))
    assert len(answers) == 1
    [(status, body)] = answers
    assert (status, json.loads(body)) == (401, {"error": "Invalid API key"})


async def test_only_declared_methods_are_taken(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    for _, path in {*paths_of(client, world, "GET"), *paths_of(client, world, "POST")}:
        for method in ("TRACE", "DELETE", "PUT", "PATCH"):
            async with client.request(method, path, headers=OWN_SITE) as response:
                assert response.status == 405, f"{method} {path}"
                assert response.headers["Allow"]


async def test_looking_changes_nothing(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    dump = "select group_concat(name) from sqlite_schema where type = 'table'"
    [row] = await world.database.rows(dump)
    settings = [t for t in row[0].split(",") if t not in {"session", "sqlite_sequence"}]

    async def counts() -> dict[str, int]:
        found = {}
        for table in settings:
            [counted] = await world.database.rows(f"select count(*) from {table}")  # noqa: S608
            found[table] = counted[0]
        return found

    before = await counts()
    for _, path in paths_of(client, world, "GET"):
        async with client.get(path, allow_redirects=False) as response:
            assert response.status < 500, path
    assert await counts() == before


async def test_no_other_site_may_read_an_answer(client: Client) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for path in ("/sign-in", "/api/ingest", "/api/usage", "/static/app.css", "/nowhere"):
        for method in ("GET", "OPTIONS"):
            async with client.request(method, path, headers=headers) as response:
                found = {name.lower() for name in response.headers}
                assert not {name for name in found if name.startswith("access-control-")}


async def test_forwarded_headers_of_strangers_are_not_believed(
    client: Client, world: World
) -> None:
    lies = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example"}
    lies |= {"Forwarded": "for=203.0.113.9", "X-Real-IP": "203.0.113.9", "X-Forwarded-Proto": "ftp"}
    form = {"email": "alice@example.com", "password": "wrong " * 4, "next": "/"}
    async with client.post("/sign-in", data=form, headers=OWN_SITE | lies) as response:
        assert "evil.example" not in await response.text()
    [row] = await world.database.rows("select ip from audit_log where action = 'sign_in.fail'")
    assert row[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/w/{w}/keys", "workspace_id"),
        ("/w/{w}/members/invitations", "is_admin"),
        ("/w/{w}/members/leaving", "role"),
        ("/w/{w}/access/review", "reviewed_by"),
        ("/account/password", "user_id"),
        ("/sign-in", "is_admin"),
    ],
)
async def test_a_field_that_no_form_offers_is_refused(
    client: Client, world: World, path: str, field: str
) -> None:
    await sign_in(client, "alice")
    response = await post(client, path.format(w=world.acme.public_id), **{field: "1"})
    assert response.status == 400
    assert "does not offer" in await response.text()


FAULTS = [
    ("GET", "/api/ingest", {}, b"", 405),
    ("POST", "/sign-in", {"Content-Type": "application/json"}, b"{}", 415),
    ("POST", "/sign-in", {"Content-Encoding": "gzip"}, b"x", 415),
    ("POST", "/sign-in", {}, b"x" * 70_000, 413),
    ("POST", "/api/ingest", {"Content-Encoding": "br"}, b"{}", 400),  # in the contract's form
    ("GET", "/api/nothing", {}, b"", 404),
    ("GET", "/sign-in", {"Expect": "a miracle"}, b"", 417),
]


async def test_each_fault_has_its_status(client: Client, world: World) -> None:
    for method, path, headers, body, status in FAULTS:
        sent = OWN_SITE | {"x-api-key": world.acme_key.raw} | headers
        async with client.request(method, path, headers=sent, data=body or None) as response:
            assert response.status == status, f"{method} {path} {headers}"
            assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_thousand_duplicates_are_one_event(client: Client, world: World) -> None:
    headers = {"x-api-key": world.acme_key.raw, "Idempotency-Key": "the same"}

    async def send() -> bool:
        async with client.post("/api/ingest", json=EVENT, headers=headers) as response:
            assert response.status == 200
            return bool((await response.json())["duplicate"])

    answers = await asyncio.gather(*(send() for _ in range(1000)))
    assert answers.count(False) == 1
    [row] = await world.database.rows("select count(*) from event")
    assert row[0] == 1


async def test_text_of_events_and_names_is_text_everywhere(client: Client, world: World) -> None:
    """Markup, quotes and line separators in every field that somebody outside can fill."""
    nasty = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u2028{{7*7}}"
    names = ("feature", "customer_id", "customer_name", "response_id")
    event = EVENT | dict.fromkeys(names, nasty)
    event |= {"provider": nasty, "model": nasty}
    event |= {"environment": nasty[:90]}
    headers = {"x-api-key": world.acme_key.raw}
    async with client.post("/api/ingest", json=event, headers=headers) as response:
        assert response.status == 200
    await world.database.write(
        lambda at: at.execute("update user set name = ? where id = 2", (nasty,))
    )
    await sign_in(client, "alice")
    assert (await post(client, f"/w/{world.acme.public_id}/keys", name=nasty[:24])).status == 303
    shown = 0
    for pattern, path in paths_of(client, world, "GET"):
        if pattern.startswith("/w/") and "export" not in pattern and "live" not in pattern:
            async with client.get(path, allow_redirects=False) as response:
                if response.content_type != "text/html":
                    continue
                text = await response.text()
            assert "<script>alert" not in text, pattern
            assert "<img src=x" not in text, pattern
            shown += "&lt;script&gt;alert" in text
    assert shown > 5
    assert "&lt;script&gt;" in await text_of(client, f"/w/{world.acme.public_id}/members")
