"""The page about one value of any dimension."""

import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from llmtrack.storage.usage import UsageWriter
from llmtrack.web.page_query import DIMENSIONS, PageQuery
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client
from tests.web.people import sign_in

ODD = (
    "a/b/../c?d=e&f#g",
    "..",
    "בינה מלאכותית",
    "<script>alert(1)</script>",
    "100% + \"quoted\" 'name'",
    "x" * 200,
)


async def fill(world: World) -> None:
    times: dict[str, Any] = {
        "timestamp_ms": NOW_MS - 3_600_000,
        "received_ms": NOW_MS,
        "key_id": world.acme_key.key.id,
    }
    events = [
        make_event(world.acme.id, feature=name, customer_id=f"customer of {name}"[:200], **times)
        for name in ODD
    ]
    await world.database.write(lambda connection: UsageWriter().add(connection, events, 1))


async def get(client: Client, path: str) -> tuple[int, str]:
    async with client.get(path, allow_redirects=False) as response:
        return response.status, await response.text()


@pytest.mark.parametrize("name", ODD)
async def test_any_name_has_its_page(client: Client, world: World, name: str) -> None:
    await fill(world)
    await sign_in(client, "bob")
    overview = f"/w/{world.acme.public_id}/?by=feature"
    _, text = await get(client, overview)
    own = f"/w/{world.acme.public_id}/by/feature?{urlencode({'feature': name})}"
    assert own.replace("&", "&amp;") in text

    status, text = await get(client, own)

    assert status == 200
    assert '<p class="value">1</p>' in text  # one request of the six
    assert "<script>alert" not in text
    assert "Latest events" in text
    assert "By customer" in text


@pytest.mark.parametrize("dimension", [name for name in DIMENSIONS if name != "customer"])
async def test_every_dimension_has_such_pages_and_its_links_work(
    client: Client, world: World, dimension: str
) -> None:
    await fill(world)
    await sign_in(client, "bob")
    _, text = await get(client, f"/w/{world.acme.public_id}/?by={dimension}")
    [link, *_] = re.findall(rf'href="(/w/[^"]+/by/{dimension}\?[^"]+)"', text)

    status, text = await get(client, link.replace("&amp;", "&"))

    assert status == 200
    assert f">{dimension.capitalize()}</span>" in text
    for found in set(re.findall(r'href="(/w/[^"]+)"', text)):
        # Without its own filter it is no page about one value: on to the overview.
        assert (await get(client, found.replace("&amp;", "&")))[0] in {200, 303}, found


async def test_what_does_not_exist_is_not_found(client: Client, world: World) -> None:
    await fill(world)
    await sign_in(client, "bob")
    home = f"/w/{world.acme.public_id}"
    assert (await get(client, f"{home}/by/feature?feature=nothing"))[0] == 404
    assert (await get(client, f"{home}/by/colour?colour=red"))[0] == 404
    assert (await get(client, f"{home}/by/feature"))[0] == 303


def test_a_link_keeps_period_and_filters() -> None:
    query = PageQuery("/w/wsp_a/customers", "7d", by="key", filters={"model": "gpt"})
    url = query.about("customer", "a&b").url
    assert url == f"/w/wsp_a/by/customer?period=7d&model=gpt&customer={quote('a&b')}"
