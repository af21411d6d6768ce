"""`POST /api/ingest` and `/api/ingest/batch`: CONTRACT's routes for API keys.

Their faults never use the shapes of our own API: the official clients read these.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from aiohttp import web
from aiohttp.web_protocol import RequestPayloadError

from llmtrack.domain.errors import InvalidEvent, Overloaded
from llmtrack.domain.events import UsageEvent
from llmtrack.domain.explanations import FLAG_TEXTS
from llmtrack.domain.pricing import CostFlag, CostStatus, PriceBook
from llmtrack.domain.usage import canonical_usage
from llmtrack.formats.gzip_body import unpack_gzip
from llmtrack.formats.json_body import split_array
from llmtrack.formats.usual_event import parse_event, parse_item
from llmtrack.services.ingest import Ingest
from llmtrack.services.kept_times import KeptTimes
from llmtrack.services.price_books import PriceBooks
from llmtrack.storage.key_lookup import KeyRow
from llmtrack.storage.priced_events import PricedEvent
from llmtrack.web.context import CLOCK_MS
from llmtrack.web.data_quality import CONTENT_GUARD
from llmtrack.web.ingest_answers import (
    DISK_FULL,
    INTERNAL_ERROR,
    OVERLOADED,
    UNKNOWN_MODEL,
    encoded,
    invalid,
    json_bytes,
    json_response,
)
from llmtrack.web.key_ring import KeyRefused, KeyRing, credential
from llmtrack.web.probes import VITALS

log = logging.getLogger(__name__)

EVENT_BYTES_MAX = 1024 * 1024
BATCH_BYTES_MAX = 5 * 1024 * 1024
BATCH_EVENTS_MAX = 1000
BODY_TIMEOUT_S = 30.0
TURN_EVENTS = 100
"""So many events of a batch are read before others get a turn: a page would wait 60 ms for all."""
NATIVE_SOURCE = "api"
"""The source of events whose key carries no label of its own."""
_BEYOND_BOUND = int(CostFlag.BEYOND_BOUND)  # plain: this runs for every event

INGEST = web.AppKey("ingest", Ingest)
KEY_RING = web.AppKey("key_ring", KeyRing)
PRICE_BOOKS = web.AppKey("price_books", PriceBooks)
KEPT_TIMES = web.AppKey("kept_times", KeptTimes)

_items = msgspec.json.Decoder(list[msgspec.Raw])

Handler = Callable[[web.Request, KeyRow], Awaitable[web.Response]]


def _for_key(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Authenticate, run, and answer every fault in the contract's shapes."""

    async def handle(request: web.Request) -> web.Response:
        app = request.app
        if app[VITALS].is_disk_full:
            return json_response(DISK_FULL, 507)
        try:
            now_ms, ip = app[CLOCK_MS](), request.remote or ""
            key = await app[KEY_RING].find(credential(request.headers), now_ms, ip)
            return await handler(request, key)
        except KeyRefused as error:
            response = json_response({"error": str(error)}, 401)
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        except InvalidEvent as error:
            response = json_response(invalid(error), 400)
            if request.content.exception() is not None:
                response.force_close()
            return response
        except Overloaded:
            response = json_response(OVERLOADED, 503)
            response.headers["Retry-After"] = "1"
            return response
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("ingest failed")
            return json_response(INTERNAL_ERROR, 500)

    return handle


@_for_key
async def ingest(request: web.Request, key: KeyRow) -> web.Response:
    app = request.app
    body = _unpacked(request, await _read_body(request, EVENT_BYTES_MAX), EVENT_BYTES_MAX)
    guard = app[CONTENT_GUARD]
    keeps = await guard.keeps(key.workspace_id)
    event = parse_event(body, app[CLOCK_MS](), keeps_content=keeps)
    guard.note(key.workspace_id, key.key_id, event)
    await app[KEPT_TIMES].load()
    app[KEPT_TIMES].warn(key.workspace_id, event)
    event.idempotency_key = request.headers.get("Idempotency-Key")
    book = await app[PRICE_BOOKS].find(key.workspace_id)
    priced = price_event(book, key, event)
    [result] = await app[INGEST].add([priced])
    status, answered = encoded(result, event.warnings)
    return json_bytes(answered, status)


@_for_key
async def ingest_batch(request: web.Request, key: KeyRow) -> web.Response:
    body = await _read_body(request, BATCH_BYTES_MAX)
    async with request.app[INGEST].batch_turn() as since:
        return await _store_batch(request, key, body, since)


async def _store_batch(
    request: web.Request, key: KeyRow, body: bytes, since: float
) -> web.Response:
    """`since` (monotonic) is when it began to wait."""
    items = _split(_unpacked(request, body, BATCH_BYTES_MAX), request.content_type)
    received_ms = request.app[CLOCK_MS]()
    guard = request.app[CONTENT_GUARD]
    keeps = await guard.keeps(key.workspace_id)
    book = await request.app[PRICE_BOOKS].find(key.workspace_id)
    times = request.app[KEPT_TIMES]
    await times.load()
    parsed: list[UsageEvent | InvalidEvent] = []
    events: list[PricedEvent] = []
    for start in range(0, len(items), TURN_EVENTS):
        if start:
            await asyncio.sleep(0)
        for item in items[start : start + TURN_EVENTS]:
            event = _parse_item(item, received_ms, keeps_content=keeps)
            parsed.append(event)
            if isinstance(event, UsageEvent):
                events.append(price_event(book, key, event))
                guard.note(key.workspace_id, key.key_id, event)
                times.warn(key.workspace_id, event)
    results = iter(await request.app[INGEST].add(events, since=since) if events else [])
    answers: list[bytes] = []
    for event in parsed:
        if isinstance(event, InvalidEvent):
            status, answered = 400, msgspec.json.encode(invalid(event))
        else:
            status, answered = encoded(next(results), event.warnings)
        answers.append(b'{"status":%d,%b' % (status, answered[1:]))
    return json_bytes(b'{"results":[%b]}' % b",".join(answers), 207)


def price_event(book: PriceBook, key: KeyRow, event: UsageEvent) -> PricedEvent:
    """Canonical usage, then its cost by the prices of the event's own time."""
    usage = canonical_usage(event.reported)
    if usage.problem is not None:
        event.warnings.append(usage.problem)
    cost = book.price(
        event.provider,
        event.model,
        usage,
        at_ms=event.timestamp_ms,
        service_tier=event.service_tier,
    )
    if cost.status == CostStatus.NO_USAGE and book.match(event.provider, event.model) is None:
        event.warnings.append(UNKNOWN_MODEL)
    if cost.flags & _BEYOND_BOUND:
        event.warnings.append(FLAG_TEXTS[CostFlag.BEYOND_BOUND])
    return PricedEvent(
        key.workspace_id, key.key_id, key.source or NATIVE_SOURCE, event, usage, cost
    )


async def _read_body(request: web.Request, bytes_max: int) -> bytes:
    """The body as it came. Raises InvalidEvent("body")."""
    if _encoding(request) not in {"", "identity", "gzip"}:
        raise InvalidEvent("body", "Content-Encoding must be gzip or absent")
    try:
        if request.content.is_eof():  # all of it came with the headers: no need of a clock
            body = await request.read()
        else:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await request.read()
    except web.HTTPRequestEntityTooLarge:  # the application's bound, BATCH_BYTES_MAX
        raise InvalidEvent("body", f"the body is larger than {bytes_max} bytes") from None
    except RequestPayloadError:
        request.content.feed_eof()  # nothing more to read: let the answer go out in peace
        raise InvalidEvent("body", "the body does not match its headers or is cut off") from None
    except TimeoutError:
        raise InvalidEvent("body", "the body did not arrive in time") from None
    return body


def _encoding(request: web.Request) -> str:
    return request.headers.get("Content-Encoding", "").strip().lower()


def _unpacked(request: web.Request, body: bytes, bytes_max: int) -> bytes:
    """Raises InvalidEvent("body")."""
    if _encoding(request) == "gzip":
        return unpack_gzip(body, bytes_max)
    if len(body) > bytes_max:
        raise InvalidEvent("body", f"the body is larger than {bytes_max} bytes")
    return body


def _split(body: bytes, content_type: str) -> Sequence[bytes | msgspec.Raw]:
    """The items of a batch, each still undecoded so that one bad item fails alone."""
    if content_type in {"application/x-ndjson", "application/jsonl", "application/ndjson"}:
        items: Sequence[bytes | msgspec.Raw] = [line for line in body.split(b"\n") if line.strip()]
    else:
        try:
            items = _items.decode(body)
        except (msgspec.MsgspecError, RecursionError):
            items = split_array(body)
    if not 1 <= len(items) <= BATCH_EVENTS_MAX:
        raise InvalidEvent("body", f"a batch has 1 to {BATCH_EVENTS_MAX} events")
    return items


def _parse_item(
    item: bytes | msgspec.Raw, received_ms: int, *, keeps_content: bool
) -> UsageEvent | InvalidEvent:
    try:
        return parse_item(bytes(item), received_ms, keeps_content=keeps_content)
    except InvalidEvent as error:
        return error
