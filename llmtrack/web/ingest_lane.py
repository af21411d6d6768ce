"""The quick way through the door for what comes thousands of times a second: one sound event.

A request that is anything else, a key that is not known yet, a body of an unusual shape, a
fault of any kind: all of it is left to the application, which knows every rule and every
answer. So the lane has no refusals of its own, and nothing gets in here that would not get in
there (`tests/web/test_ingest_lane.py` holds the two against each other).
"""

import logging
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus

import msgspec
from aiohttp import web
from aiohttp.http import HttpVersion11
from aiohttp.http_parser import RawRequestMessage

from llmtrack.domain.errors import Overloaded
from llmtrack.formats.usual_event import usual_event
from llmtrack.services.ingest import Result, Submission
from llmtrack.storage.key_lookup import KeyRow
from llmtrack.storage.priced_events import PricedEvent
from llmtrack.web.context import CLOCK_MS, SITE
from llmtrack.web.data_quality import CONTENT_GUARD
from llmtrack.web.hosts import HOSTS
from llmtrack.web.ingest import (
    EVENT_BYTES_MAX,
    INGEST,
    KEPT_TIMES,
    KEY_RING,
    PRICE_BOOKS,
    price_event,
)
from llmtrack.web.ingest_answers import OVERLOADED, encoded
from llmtrack.web.key_ring import credential
from llmtrack.web.probes import VITALS
from llmtrack.web.proxied import PROXIES
from llmtrack.web.security import HEADERS, STRICT_TRANSPORT

log = logging.getLogger(__name__)

PATH = "/api/ingest"
Send = Callable[[bytes], None]


class IngestLane:
    """Of one running application."""

    def __init__(self, app: web.Application) -> None:
        self._app = app
        self._clock_ms = app[CLOCK_MS]
        self._vitals = app[VITALS]
        self._keys = app[KEY_RING]
        self._guard = app[CONTENT_GUARD]
        self._books = app[PRICE_BOOKS]
        self._ingest = app[INGEST]
        self._times = app[KEPT_TIMES]
        self._hosts = app.get(HOSTS)
        self._good_host, self._good_until_s = "", 0.0
        # Behind a proxy the client's address and scheme are in headers: not the usual request.
        self._is_open = PROXIES not in app
        self._heads = _Heads(secure=app[SITE].secure)

    def suits(self, message: RawRequestMessage) -> bool:
        """Whether the head of a request is the usual one."""
        return (
            message.path == PATH
            and message.method == "POST"
            and self._is_open
            and message.version == HttpVersion11
            and not message.upgrade
            and not message.chunked
            and "Content-Encoding" not in message.headers
            and "Expect" not in message.headers
            and self._knows_host(message.headers.get("Host", ""))
        )

    def _knows_host(self, host: str) -> bool:
        """Almost every request names the same one; which are good may change on a reload."""
        now_s = time.monotonic()
        if host != self._good_host or now_s > self._good_until_s:
            if self._hosts is not None and not self._hosts.knows(host):
                return False
            self._good_host, self._good_until_s = host, now_s + 1
        return True

    def submit(self, message: RawRequestMessage, body: bytes, ip: str, send: Send) -> bool:
        """Queue the event; `send` gets the whole answer after its commit.

        False if the application has to take the request; then nothing has happened.
        """
        try:
            return self._offer(message, body, ip, send)
        except Exception:
            log.exception("an event was not taken at once")
            return False

    def _offer(self, message: RawRequestMessage, body: bytes, ip: str, send: Send) -> bool:
        now_ms = self._clock_ms()
        if self._vitals.is_disk_full or len(body) > EVENT_BYTES_MAX:
            return False
        key = self._keys.known(credential(message.headers), now_ms, ip)
        priced = key and self._priced(message, body, key, now_ms)
        if key is None or priced is None:
            return False
        if not self._ingest.offer(_Passing(priced, self, send, closes=message.should_close)):
            return False
        self._keys.note_use(key, ip, now_ms)
        return True

    def _priced(
        self, message: RawRequestMessage, body: bytes, key: KeyRow, now_ms: int
    ) -> PricedEvent | None:
        keeps = self._guard.keeps_now(key.workspace_id)
        book = self._books.known(key.workspace_id)
        if keeps is None or book is None or not self._times.are_known:
            return None
        event = usual_event(body, now_ms, keeps_content=keeps)
        if event is None:
            return None
        self._times.warn(key.workspace_id, event)
        event.idempotency_key = message.headers.get("Idempotency-Key")
        return price_event(book, key, event)

    def answer(self, result: Result, warnings: list[str], since: float, *, closes: bool) -> bytes:
        """The whole answer: head and body; `closes` if it is the connection's last."""
        if isinstance(result, Overloaded):
            status, body = 503, msgspec.json.encode(OVERLOADED)
        else:
            status, body = encoded(result, warnings)
        self._vitals.note("POST", PATH, status, time.monotonic() - since)
        return b"%b%d\r\n\r\n%b" % (self._heads.of(status, closes), len(body), body)


class _Passing(Submission):
    """One event on its way through the lane."""

    __slots__ = ("_closes", "_lane", "_send")

    def __init__(self, priced: PricedEvent, lane: IngestLane, send: Send, *, closes: bool) -> None:
        super().__init__([priced])
        self._lane = lane
        self._send = send
        self._closes = closes

    def answer(self, results: list[Result]) -> None:
        warnings = self.events[0].event.warnings
        self._send(self._lane.answer(results[0], warnings, self.since, closes=self._closes))


class _Heads:
    """Heads of answers up to the length of the body; all of a second are alike."""

    def __init__(self, *, secure: bool) -> None:
        headers = {"Content-Type": "application/json", **HEADERS}
        if secure:
            headers["Strict-Transport-Security"] = STRICT_TRANSPORT
        headers["Server"] = "llmtrack"
        self._lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._second = 0
        self._made: dict[tuple[int, bool], bytes] = {}

    def of(self, status: int, closes: bool) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._made.clear()
        head = self._made.get((status, closes))
        if head is None:
            head = self._made[status, closes] = self._head(status, closes=closes)
        return head

    def _head(self, status: int, *, closes: bool) -> bytes:
        extra = "Retry-After: 1\r\n" if status == HTTPStatus.SERVICE_UNAVAILABLE else ""
        if closes:
            extra += "Connection: close\r\n"
        date = formatdate(self._second, usegmt=True)
        phrase = HTTPStatus(status).phrase
        text = f"HTTP/1.1 {status} {phrase}\r\n{self._lines}{extra}Date: {date}\r\nContent-Length: "
        return text.encode()
