"""Which prices hold for a workspace: the newest imported list, else the one that is shipped,
under the own prices of the workspace and of the instance.

Books are kept until anything but an ingest batch is committed, here or by another process
(`Database.generation`), so a new price holds from the next event on.
"""

import asyncio
from pathlib import Path

from llmtrack.domain.listed_prices import ListedPrices
from llmtrack.domain.price_list import parse_price_list
from llmtrack.domain.pricing import PriceBook
from llmtrack.storage.database import Database
from llmtrack.storage.own_prices import OwnPrices, own_prices_of
from llmtrack.storage.price_lists import (
    ImportedList,
    data_of_version,
    imported_lists,
    list_data,
    newest_list_id,
)

PRICES_FILE = Path(__file__).resolve().parent.parent / "prices.json"
CACHED_BOOKS_MAX = 1_000


def bundled_book() -> PriceBook:
    return PriceBook.bundled(PRICES_FILE.read_bytes())


class PriceBooks:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._generation = -1
        self._books: dict[int | None, PriceBook] = {}
        self._bundled = bundled_book()
        self._listed = self._bundled
        self._list_id = 0
        self._loading = asyncio.Lock()

    async def find(self, workspace_id: int | None) -> PriceBook:
        """The book of a workspace; None: what holds where a workspace says nothing itself."""
        generation = self._database.generation
        if generation != self._generation or len(self._books) >= CACHED_BOOKS_MAX:
            self._books.clear()
            self._generation = generation
        book = self._books.get(workspace_id)
        if book is None:
            own = await own_prices_of(self._database, workspace_id)
            book = book_of(await self._newest(), own)
            if self._database.generation == generation:
                self._books[workspace_id] = book
        return book

    def known(self, workspace_id: int) -> PriceBook | None:
        """`find` without a look into the file; None if there has to be one."""
        if self._database.generation != self._generation:
            return None
        return self._books.get(workspace_id)

    async def listed(self, origin: str) -> PriceBook | None:
        """The list that a rate card names (`list:0.2.3`); None when it is not here any more."""
        newest = await self._newest()
        version = origin.removeprefix("list:")
        for book in (newest, self._bundled):
            if book.list.version == version:
                return book
        data = await data_of_version(self._database, version)
        return None if data is None else await asyncio.to_thread(_listed, data)

    async def imported(self) -> ImportedList | None:
        """The list that holds, if it was imported; None: it is the one that is shipped."""
        return next(iter(await imported_lists(self._database)), None)

    async def _newest(self) -> PriceBook:
        """The list that holds. What was learned of its names is shared by all books."""
        async with self._loading:
            list_id = await newest_list_id(self._database)
            if list_id != self._list_id:
                data = await list_data(self._database, list_id) if list_id else None
                # A tenth of a second of parsing: ingest goes on meanwhile.
                self._listed = await asyncio.to_thread(_listed, data) if data else self._bundled
                self._list_id = list_id
            return self._listed


def book_of(listed: PriceBook, own: OwnPrices) -> PriceBook:
    return listed.with_custom(own.custom(is_global=False), own.custom(is_global=True))


def _listed(data: bytes) -> PriceBook:
    return PriceBook(ListedPrices(parse_price_list(data)))
