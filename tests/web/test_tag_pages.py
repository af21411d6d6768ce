"""Pages by tracked tags: chosen in the settings, grouped and filtered by like any dimension."""

import csv
import html
import io
import json
import re
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import pytest

from llmtrack.services.tag_counting import drive_tag_changes
from llmtrack.storage.audit import list_entries
from llmtrack.storage.tracked_tags import tags_of, track_tag, untrack_tag
from llmtrack.storage.usage import UsageWriter
from tests.conftest import NOW_MS, WHO, World
from tests.events import make_event
from tests.web.conftest import Client
from tests.web.people import post, sign_in

ODD_KEY = "a/b?c=d&e <f> 'g' #h"
DOLLAR = 10**12


@pytest.fixture
async def filled(client: Client, world: World) -> Client:
    told: list[tuple[int, str, Any]] = [
        (5, "o3", {"team": "search", "tier": "gold", ODD_KEY: "<b>x</b>"}),
        (2, "gpt-4o-mini", {"team": "search"}),
        (3, "o3", {"team": "ads & more", "tier": "free"}),
        (1, "o3", {}),
    ]
    events = [
        make_event(
            world.acme.id,
            cost_pico=dollars * DOLLAR,
            model=model,
            metadata=json.dumps(metadata, separators=(",", ":")),
            key_id=world.acme_key.key.id,
            timestamp_ms=NOW_MS - 3_600_000 + place,
            received_ms=NOW_MS,
        )
        for place, (dollars, model, metadata) in enumerate(told)
    ]
    await world.database.write(lambda connection: UsageWriter().add(connection, events, 1))
    return client


async def track(world: World, *keys: str) -> None:
    scope = await world.scope()
    for key in keys:
        await scope.write(track_tag, key=key, **WHO)
    await drive_tag_changes(scope)


async def text_of(client: Client, path: str, status: int = 200) -> str:
    async with client.get(path, allow_redirects=False) as response:
        assert response.status == status
        return await response.text()


def lines_of(text: str) -> dict[str, str]:
    """The first table's rows: name and cost."""
    body = text.split('<table class="table breakdown', 1)[1].split("</table>", maxsplit=1)[0]
    rows = re.findall(
        r"<th scope=\"row\">(.*?)</th>\s*<td[^>]*>(.*?)<(?:/td|td)\b", body, re.DOTALL
    )
    plain = [[html.unescape(re.sub(r"<[^>]+>", "", part)).strip() for part in row] for row in rows]
    return {name: cost.split()[0] for name, cost in plain}


async def test_an_owner_tracks_a_tag_in_the_settings_and_removes_it(
    filled: Client, world: World
) -> None:
    await sign_in(filled, "alice")
    url = f"/w/{world.acme.public_id}/settings"

    assert (await post(filled, f"{url}/tags", tag="team")).status == 303
    await drive_tag_changes(await world.scope())
    text = await text_of(filled, url)
    assert re.search(r'>team</bdi>\s*</th><td class="number">2</td>', text)
    again = await post(filled, f"{url}/tags", tag="team")
    assert (again.status, "The tag team is tracked already" in await again.text()) == (422, True)
    wrong = await post(filled, f"{url}/tags", tag='a"b')
    assert "has no quotes" in await wrong.text()
    assert (await post(filled, f"{url}/tags/removal", tag="team")).status == 303
    scope = await world.scope()
    async with scope.reading() as reading:
        assert await tags_of(reading) == []
    assert [entry.action for entry in (await list_entries(scope))[:2]] == [
        "tag.untrack",
        "tag.track",
    ]


async def test_a_viewer_sees_the_tags_and_changes_none(filled: Client, world: World) -> None:
    await track(world, "team")
    await sign_in(filled, "bob")
    url = f"/w/{world.acme.public_id}/settings"

    text = await text_of(filled, url)
    assert ">team</bdi>" in text
    assert "Track tag" not in text
    assert (await post(filled, f"{url}/tags", tag="tier")).status == 403


async def test_pages_group_and_filter_by_a_tag(filled: Client, world: World) -> None:
    await track(world, "team", "tier")
    await sign_in(filled, "bob")
    home = f"/w/{world.acme.public_id}/"

    lines = lines_of(await text_of(filled, f"{home}?by=tag:team"))
    assert list(lines) == ["search", "ads & more", "Not set", "Total"]
    assert list(lines.values()) == ["$7.00", "$3.00", "$1.00", "$11.00"]
    lines = lines_of(await text_of(filled, f"{home}?{urlencode({'tag:team': 'search'})}"))
    assert lines == {"o3": "$5.00", "gpt-4o-mini": "$2.00", "Total": "$7.00"}
    both = urlencode({"by": "tag:tier", "tag:team": "search"})
    lines = lines_of(await text_of(filled, f"{home}?{both}"))
    assert lines == {"gold": "$5.00", "Not set": "$2.00", "Total": "$7.00"}
    text = await text_of(filled, f"{home}explore?by=tag:team&sub=model")
    assert "Cost by team and model" in text
    text = await text_of(filled, f"{home}explore?by=model&sub=tag:team")
    assert "not set" in text
    text = await text_of(filled, f"{home}changes?by=tag:team")
    assert "ads &amp; more" in text
    text = await text_of(filled, f"{home}events?{urlencode({'tag:team': 'ads & more'})}")
    assert text.count("/events/0") == 1


async def test_a_value_has_a_page_and_every_link_to_it_works(filled: Client, world: World) -> None:
    await track(world, "team", ODD_KEY)
    await sign_in(filled, "bob")
    home = f"/w/{world.acme.public_id}/"
    for name, value in (("team", "ads & more"), (ODD_KEY, "<b>x</b>")):
        text = await text_of(filled, f"{home}?{urlencode({'by': f'tag:{name}'})}")
        links = [
            html.unescape(link) for link in re.findall(r'href="(/w/[^"]+/by/tag\?[^"]+)"', text)
        ]
        [link] = [link for link in links if urlencode({f"tag:{name}": value}) in link]

        own = await text_of(filled, link)
        assert html.escape(value) in own
        assert "<b>x</b>" not in own
        assert "Latest events" in own
        assert "By customer" in own
        assert '<p class="value">1</p>' in own  # one request
        for period in re.findall(r'href="([^"]+period=7d[^"]*)"', own):
            await text_of(filled, html.unescape(period))
    await text_of(filled, f"{home}by/tag?of=team&{urlencode({'tag:team': 'none'})}", 404)
    await text_of(filled, f"{home}by/tag?of=other&{urlencode({'tag:other': 'x'})}", 404)
    await text_of(filled, f"{home}by/tag?of=team", 303)


async def test_an_event_leads_to_the_pages_of_its_tags(filled: Client, world: World) -> None:
    await track(world, "team", "tier")
    await sign_in(filled, "bob")
    home = f"/w/{world.acme.public_id}/"
    listed = await text_of(
        filled, f"{home}events?{urlencode({'tag:team': 'search'})}&model=gpt-4o-mini"
    )
    [link] = set(re.findall(r'href="(/w/[^"]+/events/[0-9a-f-]{36})"', listed))

    text = await text_of(filled, link)

    assert "Tracked tags" in text
    assert "not set" in text
    [of_team] = re.findall(r'href="(/w/[^"]+/by/tag\?[^"]+)"', text)
    assert "search" in await text_of(filled, html.unescape(of_team))


async def test_what_is_not_tracked_is_left_out_and_told(filled: Client, world: World) -> None:
    await sign_in(filled, "bob")
    home = f"/w/{world.acme.public_id}/"

    text = await text_of(filled, f"{home}?by=tag:team&tag:tier=gold")

    assert "The tag team is not tracked; grouped by model." in text
    assert "The tag tier is not tracked; the filter is left out." in text
    assert lines_of(text)["Total"] == "$11.00"


async def test_a_page_says_that_a_tag_is_still_being_counted(filled: Client, world: World) -> None:
    scope = await world.scope()
    await scope.write(track_tag, key="team", **WHO)
    await sign_in(filled, "bob")

    text = await text_of(filled, f"/w/{world.acme.public_id}/?by=tag:team")

    assert "The tag team is still being counted" in text
    settings = await text_of(filled, f"/w/{world.acme.public_id}/settings")
    assert "are being counted</span>" in settings
    lines = lines_of(text)
    assert (lines["other values"], lines["Not set"]) == ("$10.00", "$1.00")


async def test_views_and_shared_links_keep_tags(filled: Client, world: World) -> None:
    await track(world, "team")
    await sign_in(filled, "alice")
    home = f"/w/{world.acme.public_id}/"
    query = urlencode({"by": "tag:team"})
    view = {"name": "Teams", "place": "", "query": query}
    assert (await post(filled, f"{home}views", **view, is_shared="")).status == 303
    assert "by=tag%3Ateam" in await text_of(filled, home)
    page = urlencode({"tag:team": "search", "of": "team"})
    for place, asked in (("", query), ("by/tag", page)):
        form = {"name": "Teams", "place": place, "query": asked, "days": "30"}
        made = await post(filled, f"{home}shared-links", **form)
        assert made.status == 303, await made.text()
        text = await text_of(filled, made.headers["Location"])
        [link] = re.findall(r"https?://[^/\s]+(/s/[^<\s]+)", text)
        shown = await text_of(filled, link)
        assert ("search" in shown, "/w/" in shown.split("<main", 1)[1]) == (True, False)


async def test_lists_and_exports_have_tags(filled: Client, world: World) -> None:
    await track(world, "team", "tier")
    await sign_in(filled, "alice")
    home = f"/w/{world.acme.public_id}/"
    columns = "cost,tag:team,tag:tier"

    text = await text_of(filled, f"{home}events?columns={columns}")
    assert '<bdi class="name">gold</bdi>' in text
    assert '<input type="checkbox" name="columns" value="tag:team" checked>team' in text
    lines = await text_of(filled, f"{home}events/export?format=jsonl&columns={columns}")
    rows = [json.loads(line) for line in lines.splitlines()]
    assert [(row["tag:team"], row["tag:tier"]) for row in rows] == [
        (None, None),
        ("ads & more", "free"),
        ("search", None),
        ("search", "gold"),
    ]
    asked = urlencode({"by": "tag:team", "sub": "tag:tier", "format": "csv"})
    table = await text_of(filled, f"{home}explore/export?{asked}")
    assert table.splitlines()[0].endswith("tag:team,tag:tier,cost_usd,requests")
    assert "search,gold,5,1" in table
    asked = urlencode({"tag:team": "search", "format": "focus"})
    table = await text_of(filled, f"{home}explore/export?{asked}")
    focus = list(csv.DictReader(io.StringIO(table)))
    assert {row["Tags"] for row in focus} == {'{"team": "search"}'}
    assert sum(int(row["x_Requests"]) for row in focus) == 2


async def test_a_shared_list_outlives_a_tag_that_was_a_column(filled: Client, world: World) -> None:
    await track(world, "team")
    await sign_in(filled, "alice")
    home = f"/w/{world.acme.public_id}/"
    form = {"name": "Teams", "place": "events", "query": "columns=cost,tag:team", "days": "30"}
    made = await post(filled, f"{home}shared-links", **form)
    text = await text_of(filled, made.headers["Location"])
    [link] = re.findall(r"https?://[^/\s]+(/s/[^<\s]+)", text)
    assert "ads &amp; more" in await text_of(filled, link)

    await (await world.scope()).write(untrack_tag, key="team", **WHO)

    text = await text_of(filled, link)
    assert "There is no column &#39;tag:team&#39; here" in text
    assert "ads &amp; more" not in text
    assert "$5.00" in text


async def test_focus_is_split_by_the_tag_that_the_page_groups_by(
    filled: Client, world: World
) -> None:
    await track(world, "team")
    await sign_in(filled, "alice")
    home = f"/w/{world.acme.public_id}/explore/export?"

    requests: Counter[str] = Counter()
    table = await text_of(filled, home + urlencode({"by": "tag:team", "format": "focus"}))
    for row in csv.DictReader(io.StringIO(table)):
        requests[row["Tags"]] += int(row["x_Requests"])

    assert requests == {'{"team": "search"}': 2, '{"team": "ads & more"}': 1, "": 1}
