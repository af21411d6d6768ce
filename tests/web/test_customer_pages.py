"""Thousands of customers: a hundred on a page, and every one of them on one."""

import re
from decimal import Decimal
from html import unescape

import pytest

from tests.conftest import World
from tests.web.conftest import Client
from tests.web.page_files import OCTOBER, add, fill
from tests.web.people import post, sign_in, text_of
from tests.web.test_views import shared


async def fill_pages(client: Client, count: int, *, nameless: bool = True) -> None:
    """Customers from the dearest down, a cent between each and the next."""
    events = [
        {"customer_id": f"n{place:03d}", "cost_pico": (count - place) * 10**10}
        for place in range(count)
    ]
    await add(client, *events, *[{"customer_id": None, "cost_pico": 10**10}] * nameless)


def table_of(text: str) -> str:
    return text[text.index('aria-label="Customers"') :]


def names_of(text: str) -> list[str]:
    return re.findall(r"<bdi>(n\d{3}|No customer)</bdi>", table_of(text))


async def test_every_customer_is_on_a_page(client: Client, world: World) -> None:
    await fill_pages(client, 250)
    await sign_in(client, "alice")
    path, seen, told = f"/w/{world.acme.public_id}/customers?{OCTOBER}", [], []
    while True:
        text = await text_of(client, path)
        assert "250 customers, the most expensive first" in text
        assert "October" in text or "Oct" in text
        assert "$313.76" in text, "the total is that of all"
        costs = re.findall(r'class="number strong">.*?\$([\d.,]+)', table_of(text))
        assert sum(Decimal(cost) for cost in costs) == Decimal("313.76"), "with the others' line"
        seen += names_of(text)
        told.append(re.findall(r"\d+ to \d+ of \d+|\d+ others[^<]*", text))
        following = re.search(r'rel="next" href="([^"]+)">Next (\d+)<', text)
        if following is None:
            break
        told[-1].append(following[2])
        path = unescape(following[1])
    assert seen == [*(f"n{place:03d}" for place in range(250)), "No customer"]
    assert told == [
        ["150 others, and no customer", "1 to 100 of 250", "100"],
        ["150 others, and no customer", "101 to 200 of 250", "50"],
        ["200 others", "201 to 250 of 250"],
    ]
    back = re.search(r'rel="prev" href="([^"]+)">Previous 100<', text)
    assert back
    assert names_of(await text_of(client, unescape(back[1])))[0] == "n100"


async def test_a_page_keeps_the_period_and_another_period_begins_anew(
    client: Client, world: World
) -> None:
    await fill_pages(client, 120)
    await sign_in(client, "alice")
    path = f"/w/{world.acme.public_id}/customers"
    text = await text_of(client, f"{path}?{OCTOBER}&model=gpt-4o-mini&page=2")
    assert names_of(text)[0] == "n100"
    links = {unescape(link) for link in re.findall(r'href="([^"]+)"', text)}
    assert f"{path}?{OCTOBER}&model=gpt-4o-mini" in links, "the first page, as it is usually"
    assert not [link for link in links if "page=" in link]
    assert 'name="page"' not in text
    files = [link for link in links if "customers/export" in link]
    assert len(files) == 2
    returned = re.findall(r'name="return_to" value="([^"]+customers[^"]+)"', text)
    assert unescape(returned[-1]) == f"{path}?{OCTOBER}&model=gpt-4o-mini&page=2"

    view = {"name": "mine", "place": "customers", "query": f"{OCTOBER}&page=2"}
    saved = await post(client, f"/w/{world.acme.public_id}/views", **view)
    assert saved.headers["Location"].startswith(f"{path}?{OCTOBER}")
    assert "page=" not in saved.headers["Location"]


@pytest.mark.parametrize("page", ["0", "-1", "3", "2.0", "x", "٢", "9" * 400, "1e9", "00"])
async def test_a_page_that_is_none_is_told(client: Client, world: World, page: str) -> None:
    await fill_pages(client, 101)
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/customers?{OCTOBER}"
    text = unescape(await text_of(client, f"{path}&page={page}"))
    assert f"There is no page '{page[:20]}': the 101 customers fill 2. Showing the first." in text
    assert names_of(text)[0] == "n000"


async def test_few_customers_have_no_pages(client: Client, world: World) -> None:
    await sign_in(client, "bob")
    path = f"/w/{world.acme.public_id}/customers?{OCTOBER}"
    await text_of(client, f"{path}&page=2")  # no event at all
    await fill(client)
    text = await text_of(client, path)
    assert 'aria-label="Pages"' not in text
    assert "others" not in table_of(text)
    assert "there is one only" in await text_of(client, f"{path}&page=2")


async def test_a_hundred_customers_fill_one_page(client: Client, world: World) -> None:
    await fill_pages(client, 100)
    await sign_in(client, "bob")
    text = await text_of(client, f"/w/{world.acme.public_id}/customers?{OCTOBER}")
    assert len(names_of(text)) == 101
    assert 'aria-label="Pages"' not in text


async def test_whoever_has_a_link_reaches_every_customer(client: Client, world: World) -> None:
    await fill_pages(client, 120)
    link = await shared(client, world, place="customers", query=f"{OCTOBER}&page=2")
    client.session.cookie_jar.clear()
    first = await text_of(client, link)
    assert names_of(first)[0] == "n000"
    assert 'href="?page=2">Next 20<' in first
    assert "Export" not in first
    second = await text_of(client, f"{link}?page=2")
    assert names_of(second) == [*(f"n{place}" for place in range(100, 120)), "No customer"]
    assert 'href="?">Previous 100<' in second
    none = await text_of(client, f"{link}?page=3")
    assert "There is no page" in none
    assert names_of(none) == names_of(first)
