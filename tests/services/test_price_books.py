"""Which prices hold for a workspace, and how soon a change of them does."""

import asyncio
from typing import Any

import msgspec

from llmtrack.domain.money import usd_text
from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.usage import Usage
from llmtrack.services.price_books import PRICES_FILE, PriceBooks
from llmtrack.storage.audit import Actor
from llmtrack.storage.database import Database
from llmtrack.storage.own_prices import GLOBAL, create_override, revoke
from llmtrack.storage.price_lists import add_list, imported_lists
from llmtrack.web.app import WATCH_PERIOD_S
from tests.conftest import NOW_MS, World

HERS: dict[str, Any] = {"by": Actor(7, "alice@example.com"), "now_ms": NOW_MS}
FREE: dict[str, Any] = {"provider": "openai", "model": "gpt-4o", "free": True}


def cost(book: PriceBook) -> str:
    usage = Usage(input_tokens=1000, output_tokens=100)
    pico = book.price("openai", "gpt-4o", usage, at_ms=NOW_MS).cost_pico
    assert pico is not None
    return usd_text(pico)


async def test_a_change_holds_from_the_next_look_on_and_for_its_workspace_alone(
    world: World,
) -> None:
    books = PriceBooks(world.database)
    acme, globex = world.acme.id, world.globex.id
    assert cost(await books.find(acme)) == "0.0035"

    made = await world.database.write(create_override, acme, **FREE, **HERS)
    assert (cost(await books.find(acme)), cost(await books.find(globex))) == ("0", "0.0035")

    await world.database.write(revoke, acme, made.id, **HERS)
    halved: dict[str, Any] = {"provider": "openai", "model": "*", "percent": "-50"}
    await world.database.write(create_override, GLOBAL, **halved, **HERS)
    assert (cost(await books.find(acme)), cost(await books.find(globex))) == ("0.00175", "0.00175")


async def test_nothing_is_read_again_while_nothing_changes(world: World) -> None:
    books = PriceBooks(world.database)

    assert await books.find(world.acme.id) is await books.find(world.acme.id)


async def test_a_change_by_another_process_is_noticed_within_a_second(world: World) -> None:
    books = PriceBooks(world.database)
    watching = asyncio.create_task(world.database.watch(WATCH_PERIOD_S))
    await asyncio.sleep(2 * WATCH_PERIOD_S)
    before = await books.find(world.acme.id)
    other = await Database.open(world.database.path)
    await other.write(create_override, world.acme.id, **FREE, **HERS)
    await other.close()

    await asyncio.sleep(1)

    assert await books.find(world.acme.id) is not before
    assert cost(await books.find(world.acme.id)) == "0"
    watching.cancel()


async def test_the_newest_imported_list_holds(world: World) -> None:
    books = PriceBooks(world.database)
    assert (await books.find(world.acme.id)).list.version != "next"
    document = msgspec.json.decode(PRICES_FILE.read_bytes())
    [openai] = [provider for provider in document["providers"] if provider["id"] == "openai"]
    [row] = [row for row in openai["models"] if row["id"] == "gpt-4o"]
    row["prices"] = {"input_mtok": "1", "output_mtok": "1"}
    document |= {"version": "next", "providers": [openai]}

    await world.database.write(
        add_list,
        source="genai-prices",
        version="next",
        price_date="2026-11-20",
        data=msgspec.json.encode(document),
        file_sha256="0" * 64,
        held_back=["openai/gpt-4o-mini"],
        note="",
        by=Actor(None, "alice@example.com"),
        now_ms=NOW_MS,
    )

    book = await books.find(world.acme.id)
    assert (book.list.version, cost(book)) == ("next", "0.0011")
    [imported] = await imported_lists(world.database)
    assert (imported.version, imported.held_back) == ("next", ["openai/gpt-4o-mini"])
