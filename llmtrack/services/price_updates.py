"""Newer price lists: read or fetched, compared with the one that holds, appended."""

import asyncio
import hashlib
import ssl
from collections.abc import Collection
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from llmtrack.domain.errors import LLMtrackError
from llmtrack.domain.price_list import (
    PriceList,
    encode_price_list,
    parse_price_list,
    parse_upstream_list,
)
from llmtrack.domain.price_updates import (
    OLD_AFTER_DAYS,
    Update,
    newest_price_date,
    planned_update,
)
from llmtrack.services.price_books import PriceBooks
from llmtrack.storage.audit import Actor
from llmtrack.storage.database import Database
from llmtrack.storage.price_lists import ImportedList, add_list

FILE_BYTES_MAX = 32 * 1024 * 1024
FETCH_TIMEOUT_S = 30
REDIRECTS_MAX = 3


class PriceFileUnusable(LLMtrackError):
    """No price list, not the one that was meant, or not to be had."""


class PriceFile(NamedTuple):
    data: bytes
    sha256: str


class PlannedImport(NamedTuple):
    update: Update
    file: PriceFile
    prices: PriceList
    """What the file says, before anything was held back."""


class ListAge(NamedTuple):
    age_days: int
    """Since the list was imported, or since its prices' day: the older of the two, in UTC."""

    @property
    def is_old(self) -> bool:
        return self.age_days > OLD_AFTER_DAYS


class ListStatus(NamedTuple):
    """The list that holds. Days are counted in UTC."""

    source: str
    version: str
    models: int
    price_date: date
    """The day that the list gives for its prices."""
    newest_price: date | None
    """The youngest dated price in force."""
    imported: ImportedList | None
    """None: it is the one that is shipped."""
    age_days: int
    """Since it was imported, or since its prices' day: the older of the two."""

    @property
    def is_old(self) -> bool:
        return self.age_days > OLD_AFTER_DAYS


def read_price_file(path: Path, sha256: str | None = None) -> PriceFile:
    """Checked against `sha256`, or against `FILE.sha256` beside it. Raises PriceFileUnusable."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise PriceFileUnusable(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    beside = path.with_name(f"{path.name}.sha256")
    if sha256 is None and beside.is_file():
        sha256 = (beside.read_text("utf-8", errors="replace").split() or [""])[0]
    return _checked(path.read_bytes(), sha256, str(path))


async def fetch_price_file(url: str, sha256: str | None = None) -> PriceFile:
    """One GET over https, redirects to https alone. Raises PriceFileUnusable."""
    timeout = ClientTimeout(total=FETCH_TIMEOUT_S)
    try:
        # A context of our own: aiohttp's is made at import and may not know SSL_CERT_FILE.
        tls = ssl.create_default_context()
        async with ClientSession(timeout=timeout, trust_env=True) as session:
            for _ in range(REDIRECTS_MAX + 1):
                if not url.startswith("https://"):
                    raise PriceFileUnusable(f"{url} is not https", fix="name an https:// address")
                async with session.get(url, allow_redirects=False, ssl=tls) as answer:
                    if answer.status in {301, 302, 303, 307, 308}:
                        url = str(answer.url.join(_location(answer.headers.get("Location"))))
                        continue
                    if answer.status != 200:
                        raise PriceFileUnusable(f"{url} answered {answer.status}")
                    data = await answer.content.read(FILE_BYTES_MAX + 1)
                    while chunk := await answer.content.read(FILE_BYTES_MAX + 1 - len(data)):
                        data += chunk
                    if len(data) > FILE_BYTES_MAX:
                        raise PriceFileUnusable(f"{url} is larger than {FILE_BYTES_MAX} bytes")
                    return _checked(data, sha256, url)
    except (ClientError, TimeoutError, ValueError) as error:
        raise PriceFileUnusable(f"cannot fetch {url}: {error or 'no answer in time'}") from error
    raise PriceFileUnusable(f"more than {REDIRECTS_MAX} redirects, the last one to {url}")


async def planned_import(
    books: PriceBooks, file: PriceFile, *, now_ms: int, forced: Collection[str] = ()
) -> PlannedImport:
    """What importing the file would do. Raises PriceFileUnusable."""
    today = utc_date(now_ms)
    before = (await books.find(None)).list
    after = await asyncio.to_thread(_parsed, file, today)
    update = await asyncio.to_thread(planned_update, before, after, today=today, forced=forced)
    return PlannedImport(update, file, after)


async def import_list(
    database: Database, planned: PlannedImport, *, by: Actor, now_ms: int, note: str = ""
) -> str:
    """Append the list, which holds from now on; its version. Raises AlreadyExists."""
    merged, held_back = planned.update.merged, planned.update.held_back
    content = hashlib.sha256(encode_price_list(merged)).hexdigest()
    # Cards name the version: it must be of these very prices, whatever the file calls itself.
    version = f"{merged.version}+{content[:8]}"
    merged = msgspec.structs.replace(merged, version=version)
    await database.write(
        add_list,
        source=merged.source,
        version=version,
        price_date=merged.date.isoformat(),
        data=encode_price_list(merged),
        file_sha256=planned.file.sha256,
        held_back=held_back,
        note=note,
        by=by,
        now_ms=now_ms,
    )
    return version


async def list_status(books: PriceBooks, *, now_ms: int) -> ListStatus:
    prices = (await books.find(None)).list
    imported = await books.imported()
    today = utc_date(now_ms)
    return ListStatus(
        source=prices.source,
        version=prices.version,
        models=sum(len(provider.models) for provider in prices.providers),
        price_date=prices.date,
        newest_price=newest_price_date(prices, today),
        imported=imported,
        age_days=(await list_age(books, now_ms=now_ms)).age_days,
    )


async def list_age(books: PriceBooks, *, now_ms: int) -> ListAge:
    """Quick enough for every page."""
    since = (await books.find(None)).list.date
    imported = await books.imported()
    if imported is not None:
        since = min(since, utc_date(imported.imported_ms))
    return ListAge(max(0, (utc_date(now_ms) - since).days))


def utc_date(now_ms: int) -> date:
    return datetime.fromtimestamp(now_ms / 1000, UTC).date()


def _location(header: str | None) -> URL:
    if not header:
        raise ValueError("a redirect to nowhere")
    return URL(header)


def _checked(data: bytes, sha256: str | None, where: str) -> PriceFile:
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and sha256.strip().lower() != found:
        raise PriceFileUnusable(
            f"the sha256 of {where} is {found}, not {sha256}", fix="download it again"
        )
    return PriceFile(data, found)


def _parsed(file: PriceFile, today: date) -> PriceList:
    try:
        if file.data.lstrip()[:1] == b"[":
            # Upstream's array has no header: its newest price says how old it is.
            prices = parse_upstream_list(file.data, file.sha256[:12], today)
            newest = newest_price_date(prices, today) or today
            return msgspec.structs.replace(
                prices, version=f"{newest}-{file.sha256[:8]}", date=newest
            )
        return parse_price_list(file.data)
    except msgspec.MsgspecError as error:
        raise PriceFileUnusable(
            f"this is no price list: {error}",
            fix="use the v2 data.json of genai-prices, or prices.json of a release of LLMtrack",
        ) from error
