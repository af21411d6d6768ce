"""Rate cards are stored once for all workspaces; whose own price one is, only they see."""

import sqlite3

from llmtrack.domain.costs import RateCard
from llmtrack.storage.audit import Actor
from llmtrack.storage.catalog import ADD_RATE_CARD
from llmtrack.storage.own_prices import create_override
from tests.conftest import World


async def test_cards_of_own_prices_are_their_workspace_s(world: World) -> None:
    rates = {"input_mtok": "1", "output_mtok": "2"}
    prices = {}
    for owner in (world.acme.id, world.globex.id, None):
        prices[owner] = await world.database.write(
            create_override,
            owner,
            provider="own",
            model=f"m{owner}",
            rates=rates,
            by=Actor(None, "test"),
            now_ms=1,
        )

    def add_cards(connection: sqlite3.Connection) -> None:
        cards = [RateCard("list:1", "p", "m"), RateCard("override:prc_gone", "p", "m")]
        cards += [RateCard(f"override:{price.id}", "own", "m") for price in prices.values()]
        for card in cards:
            connection.execute(ADD_RATE_CARD, (card.digest, card.as_json()))

    await world.database.write(add_cards)
    for person, own in ((world.alice, world.acme.id), (world.charlie, world.globex.id)):
        scope = await world.scope(person)
        rows = await scope.rows("select card from rate_card where :workspace_id")
        origins = {RateCard.from_json(row[0]).origin for row in rows}
        shown = {f"override:{prices[own].id}", f"override:{prices[None].id}"}
        assert origins == {"list:1", *shown}
