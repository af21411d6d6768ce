"""The main menu: from one analysis to another with its period and filters."""

import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

from llmtrack.storage.usage import UsageWriter
from llmtrack.web.render import SECTIONS
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client
from tests.web.people import sign_in, text_of

STATE = "period=7d&by=feature&feature=a%26b&customer=%22%3E"
ANALYSES = [section.path for section in SECTIONS if section.is_analysis]
PART = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#report"}


def hrefs(text: str) -> dict[str, str]:
    """Where each of the menu's links leads, by the page's path."""
    [menu] = re.findall(r'<nav class="nav".*?</nav>', text, re.DOTALL)
    found = [unescape(href) for href in re.findall(r'<a href="([^"]*)"', menu)]
    return {urlsplit(href).path.split("/", 3)[3]: urlsplit(href).query for href in found}


async def test_it_carries_period_grouping_and_filters(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    event = make_event(world.acme.id, feature="a&b", customer_id='">', timestamp_ms=NOW_MS - 1)
    await world.database.write(lambda connection: UsageWriter().add(connection, [event], 1))
    for path in ANALYSES:
        own = {"": "", "explore": "metric=errors"}.get(path, "")
        found = hrefs(await text_of(client, f"/w/{world.acme.public_id}/{path}?{STATE}&{own}"))
        assert list(found) == [section.path for section in SECTIONS]
        for section in SECTIONS:
            leads_on = section.is_analysis and section.path != path
            assert parse_qsl(found[section.path]) == (parse_qsl(STATE) if leads_on else [])


async def test_what_is_default_is_not_in_it(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    for path in ("", "keys", "changes?before_from=2026-01-01&before_to=2026-01-02"):
        found = hrefs(await text_of(client, f"/w/{world.acme.public_id}/{path}"))
        assert set(found.values()) == {""}, path


async def test_a_part_of_a_page_brings_the_menu_with_it(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    url = f"/w/{world.acme.public_id}/explore?period=90d"
    whole = await text_of(client, url)
    part = await (await client.get(url, headers=PART)).text()
    assert hrefs(part) == hrefs(whole)
    assert hrefs(part)["events"] == "period=90d"
    assert part.count("hx-swap-oob") == 1
    assert "hx-swap-oob" not in whole
