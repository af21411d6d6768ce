"""Saved views, and links that show one view to people without an account."""

import re
from typing import Any

import pytest

from llmtrack.domain.roles import Role
from llmtrack.storage.audit import list_entries
from llmtrack.storage.erasure import erase_customer_totals
from llmtrack.storage.maintenance_links import all_revoke_links
from llmtrack.storage.memberships import add_member
from llmtrack.storage.usage import UsageWriter
from tests.conftest import NOW_MS, WHO, World
from tests.events import make_event
from tests.web.conftest import Client, Clock
from tests.web.people import post, sign_in

DAY_MS = 86_400_000


async def fill(world: World) -> None:
    times: dict[str, Any] = {"timestamp_ms": NOW_MS - 60_000, "received_ms": NOW_MS}
    events = [
        make_event(
            world.acme.id,
            feature=feature,
            customer_id=customer,
            customer_name=f"{customer.title()} Ltd",
            cost_pico=10**12 * dollars,
            key_id=world.acme_key.key.id,
            **times,
        )
        for feature, customer, dollars in (("chat", "cora", 3), ("search", "noor", 4))
    ]
    events.append(make_event(world.globex.id, feature="theirs", cost_pico=10**15, **times))
    await world.database.write(lambda connection: UsageWriter().add(connection, events, 1))


async def text_of(client: Client, path: str, status: int = 200) -> str:
    async with client.get(path) as response:
        assert response.status == status, path
        return await response.text()


async def save(client: Client, world: World, name: str, **form: str) -> int:
    url = f"/w/{world.acme.public_id}/views"
    values = {"place": "explore", "query": "by=feature&period=7d", **form}
    return (await post(client, url, name=name, **values)).status


async def shared(client: Client, world: World, *, place: str = "", query: str = "") -> str:
    """The path of a new link, made by alice."""
    await sign_in(client, "alice")
    url = f"/w/{world.acme.public_id}/shared-links"
    response = await post(client, url, name="For finance", place=place, query=query, days="7")
    assert response.status == 303
    text = await text_of(client, response.headers["Location"])
    found = re.search(r"http://127\.0\.0\.1(/s/[^<]+)<", text)
    assert found
    assert found[1] not in await text_of(client, url)  # shown once
    return found[1]


async def test_a_view_is_private_or_of_the_workspace(client: Client, world: World) -> None:
    await fill(world)
    await sign_in(client, "alice")
    assert await save(client, world, "Mine") == 303
    assert await save(client, world, "Ours", is_shared="1") == 303
    link = f'href="/w/{world.acme.public_id}/explore?by=feature&amp;period=7d"'
    text = await text_of(client, f"/w/{world.acme.public_id}/")
    assert ">Mine</bdi>" in text
    assert link in text

    await sign_in(client, "bob")
    text = await text_of(client, f"/w/{world.acme.public_id}/customers")
    assert ">Mine</bdi>" not in text
    assert ">Ours</bdi>" in text
    assert await save(client, world, "Bob's own") == 303
    assert await save(client, world, "For all", is_shared="1") == 403
    for view in ("1", "2", "99", "x"):
        url = f"/w/{world.acme.public_id}/views/{view}/deletion"
        assert (await post(client, url, return_to="/")).status == 404
    assert (
        await post(client, f"/w/{world.acme.public_id}/views/3/deletion", return_to="/")
    ).status == 303
    actions = [entry.action for entry in await list_entries(await world.scope())]
    assert actions.count("view.save") == 1


@pytest.mark.parametrize(
    "form",
    [
        {"place": "../../account"},
        {"place": "by/colour"},
        {"place": "//example.com"},
        {"query": "&".join(f"a{n}=1" for n in range(100))},
        {"name": " "},
    ],
)
async def test_what_is_no_page_of_ours_is_not_saved(
    client: Client, world: World, form: dict[str, str]
) -> None:
    await sign_in(client, "alice")
    assert await save(client, world, **{"name": "A view", **form}) in {400, 422}


async def test_a_link_shows_its_view_to_anybody_and_nothing_else(
    client: Client, world: World
) -> None:
    await fill(world)
    path = await shared(client, world, query="by=customer&feature=chat")
    client.session.cookie_jar.clear()

    async with client.get(f"{path}?feature=search&period=90d&by=model") as response:
        assert response.status == 200
        text = await response.text()
        assert response.headers["X-Robots-Tag"] == "noindex, nofollow"

    assert "For finance" in text
    assert "$3.00" in text
    assert "cora" in text
    assert "noor" not in text
    assert "$4.00" not in text
    assert "theirs" not in text
    assert not re.findall(r'(?:href|action|hx-get|data-zoom)="/w/', text)
    assert 'data-zoom=""' in text
    async with client.get(f"/w/{world.acme.public_id}/", allow_redirects=False) as response:
        assert response.status == 303
    for other in (path[:-1], path + "x", path.replace(world.acme.public_id, "wsp_other")):
        await text_of(client, other, 404)
    await text_of(client, path.replace(world.acme.public_id, world.globex.public_id), 404)


async def test_a_link_to_a_page_about_one_value_is_about_it_alone(
    client: Client, world: World
) -> None:
    await fill(world)
    path = await shared(client, world, place="by/customer", query="customer=noor")
    links = await text_of(client, f"/w/{world.acme.public_id}/shared-links")
    assert "customer <bdi>Noor Ltd (noor)</bdi>" in links
    client.session.cookie_jar.clear()
    text = await text_of(client, path)
    assert "customer <strong><bdi>Noor Ltd (noor)</bdi></strong>" in text
    assert "$4.00" in text
    assert "$3.00" not in text


async def test_a_link_does_not_tell_how_a_key_begins(client: Client, world: World) -> None:
    await fill(world)
    key = world.acme_key.key
    path = await shared(client, world, query=f"key={key.public_id}")
    client.session.cookie_jar.clear()
    text = await text_of(client, path)
    assert f"key <strong><bdi>{key.name}</bdi></strong>" in text
    assert key.prefix not in text


async def test_a_link_ends(client: Client, world: World, clock: Clock) -> None:
    await fill(world)
    path = await shared(client, world)
    url = f"/w/{world.acme.public_id}/shared-links"
    clock.now_ms += 7 * DAY_MS - 1
    await text_of(client, path)
    clock.now_ms += 1
    await text_of(client, path, 404)
    clock.now_ms = NOW_MS
    await text_of(client, path)
    assert (await post(client, f"{url}/1/revocation")).status == 303
    await text_of(client, path, 404)
    assert (await post(client, f"{url}/1/revocation")).status == 404
    entries = await list_entries(await world.scope())
    assert [entry.action for entry in entries[:2]] == ["shared_link.revoke", "shared_link.share"]


async def test_a_link_whose_value_is_erased_shows_nothing_instead_of_all(
    client: Client, world: World
) -> None:
    await fill(world)
    named = await shared(client, world, query="customer=cora")
    other = await shared(client, world, query="feature=chat")
    conditions = ("metadata=account%3Dcora", "metadata=who%3D+Cora+Ltd")
    by_metadata = [await shared(client, world, place="events", query=one) for one in conditions]
    for number, query in enumerate(("customer=cora", *conditions)):
        await save(client, world, f"About cora {number}", query=query)

    def erase(connection: Any) -> None:
        sql = "select id from name where text = 'cora' and workspace_id = ?"
        [customer] = connection.execute(sql, (world.acme.id,)).fetchone()
        erase_customer_totals(connection, world.acme.id, customer)

    await world.database.write(erase)
    for path in (named, *by_metadata):
        await text_of(client, path, 404)
    await text_of(client, other)
    overview = await text_of(client, f"/w/{world.acme.public_id}/")
    assert "About cora" not in overview
    scope = await world.scope()
    assert "cora" not in str(await list_entries(scope))
    await world.database.write(
        lambda connection: connection.execute("update name set text = 'x' where text = 'chat'")
    )
    await text_of(client, other, 404)  # a filter that is left out would show everything


async def test_a_restored_file_opens_no_link(client: Client, world: World) -> None:
    await fill(world)
    path = await shared(client, world)
    await world.database.write(all_revoke_links)
    await text_of(client, path, 404)


async def test_only_those_who_manage_members_share(client: Client, world: World) -> None:
    await world.database.write(add_member, world.acme.id, world.bob.id, role=Role.ANALYST, **WHO)
    await sign_in(client, "bob")
    url = f"/w/{world.acme.public_id}/shared-links"
    await text_of(client, url, 403)
    assert "Share by a link" not in await text_of(client, f"/w/{world.acme.public_id}/")
    await sign_in(client, "alice")
    for form, field in (
        ({"days": "0"}, "days"),
        ({"days": "366"}, "days"),
        ({"days": "ten"}, "days"),
        ({"name": ""}, "name"),
        ({"place": "statement"}, "place"),
    ):
        values = {"name": "A", "place": "", "query": "", "days": "7", **form}
        response = await post(client, url, **values)
        assert response.status == 422, field
