"""Filters of many values: any can be typed, by its id or by its name, and what cannot is told."""

import re
from html import unescape

import pytest

from llmtrack.web.filter_bar import CHOICES_MAX
from llmtrack.web.ingest import INGEST
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client, application
from tests.web.people import sign_in, text_of

DAY_MS = 86_400_000
MANY = CHOICES_MAX + 12


@pytest.fixture
async def filled(client: Client, world: World) -> Client:
    """Many customers and models; two customers have one name."""
    names = {number: f"Customer {number}" for number in range(MANY)}
    names |= {1: "Twin Ltd", 2: "Twin Ltd", 3: "TWIN LTD"}
    events = [
        make_event(
            model=f"model-{number}",
            customer_id=f"c{number}",
            customer_name=name,
            key_id=world.acme_key.key.id,
            cost_pico=10**12 * (number + 1),
            timestamp_ms=NOW_MS - 10 * DAY_MS,
            received_ms=NOW_MS,
        )
        for number, name in names.items()
    ]
    await application(client)[INGEST].add(events)
    await sign_in(client, "alice")
    return client


async def overview(client: Client, world: World, query: str = "") -> str:
    return unescape(await text_of(client, f"/w/{world.acme.public_id}/{query}"))


async def test_what_has_more_values_than_are_offered_is_typed(filled: Client, world: World) -> None:
    text = await overview(filled, world)

    for name in ("model", "customer"):
        field = re.search(rf'<input name="{name}" list="(choices-\d+)"', text)
        assert field, name
        assert f'<datalist id="{field[1]}">' in text
    for name in ("provider", "feature", "key", "environment", "status", "source"):
        assert f'<select name="{name}">' in text
    options = re.findall(r'<option value="(model-\d+)"', text)
    assert len(options) == CHOICES_MAX


async def test_a_few_customers_of_today_are_chosen_from(client: Client, world: World) -> None:
    event = make_event(customer_id="c1", timestamp_ms=NOW_MS - 1000, received_ms=NOW_MS)
    await application(client)[INGEST].add([event])
    await sign_in(client, "alice")

    text = await overview(client, world)

    assert '<select name="customer">' in text
    assert "<datalist" not in text


async def test_an_id_or_a_name_that_one_has_is_understood(filled: Client, world: World) -> None:
    for typed in ("c7", "Customer 7", "customer 7"):
        text = await overview(filled, world, f"?customer={typed}")
        assert "customer: <bdi>Customer 7</bdi>" in text, typed
        # Links, and the field itself, name what was meant and not what was typed.
        assert '<input name="customer" list="choices-5" value="c7"' in text
        assert "customer=c7" in text
        assert "$8.00" in text
    text = await overview(filled, world, f"?key={world.acme_key.key.name}")
    assert f"key: <bdi>{world.acme_key.key.name}</bdi>" in text
    # The very spelling goes first.
    text = await overview(filled, world, "?customer=TWIN LTD")
    assert "customer: <bdi>TWIN LTD</bdi>" in text


async def test_a_line_break_in_a_name_comes_through_a_form(filled: Client, world: World) -> None:
    events = [
        make_event(feature=feature, timestamp_ms=NOW_MS - 1000, received_ms=NOW_MS)
        for feature in ("new\nline", "two\r\nlines")
    ]
    await application(filled)[INGEST].add(events)
    text = await overview(filled, world, "?feature=new%0D%0Aline")
    assert "feature: <bdi>new\nline</bdi>" in text
    assert "feature=new%0Aline" in text
    assert not re.findall(r'href="[^"]*feature=new%0D', text)
    text = await overview(filled, world, "?feature=two%0D%0Alines")
    assert "feature: <bdi>two\r\nlines</bdi>" in text
    text = await overview(filled, world, "?feature=old%0D%0Aline")
    assert "There is no feature 'old\\r\\nline' here" in text


async def test_one_of_two_of_a_name_is_told_apart(filled: Client, world: World) -> None:
    text = await overview(filled, world, "?customer=c2")
    assert "customer: <bdi>Twin Ltd</bdi> (<bdi>c2</bdi>)" in text
    assert 'aria-label="Remove the filter customer: Twin Ltd (c2)"' in text
    text = await overview(filled, world, "by/customer?customer=c2")
    assert "<title>Twin Ltd (c2) · LLMtrack</title>" in text
    # What has no other name than its id has it once.
    text = await overview(filled, world, "?model=model-2")
    assert "model: <bdi>model-2</bdi></span>" in text


async def test_a_name_of_several_and_of_none_is_told(filled: Client, world: World) -> None:
    text = await overview(filled, world, "?customer=Twin Ltd")
    assert "2 have the name 'Twin Ltd' as customer: c1, c2. Filter by one of these" in text
    text = await overview(filled, world, "?customer=twin ltd")
    assert "3 have the name 'twin ltd' as customer: c1, c2, c3." in text
    text = await overview(filled, world, "?customer=nobody&provider=nowhere")
    assert "There is no customer 'nobody' here; the filter is left out." in text
    assert "There is no provider 'nowhere' here; the filter is left out." in text


@pytest.mark.parametrize(
    ("place", "clean"),
    [
        ("?model=&provider=&feature=chat&key=&status=", "?feature=chat"),
        ("explore?metric=&by=&rollup=&sub=&period=7d", "explore?period=7d"),
        ("events?pricing=&min_cost=&metadata=", "events"),
        ("by/feature?feature=&by=", "by/feature"),
        ("?feature=a%26b%2B+c&model=", "?feature=a%26b%2B+c"),
        ("events?columns=time&columns=cost&model=", "events?columns=time&columns=cost"),
    ],
)
async def test_what_is_empty_does_not_stay_in_the_address(
    filled: Client, world: World, place: str, clean: str
) -> None:
    home = f"/w/{world.acme.public_id}/"
    # htmx as well puts into the address where the answer came from.
    for headers in ({}, {"HX-Request": "true", "HX-Request-Type": "partial"}):
        async with filled.get(home + place, headers=headers, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, home + clean)
