"""One connection: aiohttp's own, with a quick way for the usual event.

aiohttp runs a task for each connection and another for each request, through routes,
middlewares and signals. That is right for pages; for an event it costs twice what is done with
it. A request that the lane takes is answered without any of them. It is still aiohttp's
compiled parser that reads it, and aiohttp's task that takes whatever the lane does not.
"""

import asyncio
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from llmtrack.web.ingest_lane import IngestLane

BODY_WAIT_S = 0.05
"""How long the lane waits for a body that did not come with its head, as many clients send it."""
STALLED_S = 60.0
"""How long a client may leave so much unread that no more is sent: nobody reads that slowly."""


class Connection(RequestHandler):
    __slots__ = ("_body_timer", "_has_started", "_ip", "_lane", "_stall_timer")

    def __init__(self, server: web.Server, lane: IngestLane, **options: Any) -> None:
        super().__init__(server, **options)
        self._lane = lane
        self._ip = ""
        self._body_timer: asyncio.TimerHandle | None = None
        self._has_started = False
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = self.peername
        self._ip = str(peer[0]) if isinstance(peer, tuple) else ""

    def pause_writing(self) -> None:
        """The client does not read. It has a while to go on, and is no longer waited for then."""
        super().pause_writing()
        if self._stall_timer is None and self.transport is not None:
            self._stall_timer = self._loop.call_later(STALLED_S, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_stall_timer()
        super().resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop_stall_timer()
        super().connection_lost(exc)

    async def start(self) -> None:
        """The task that aiohttp makes. The first request may be here, and taken, before it runs."""
        self._has_started = True
        if self._body_timer is not None or self._request_in_progress:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        await super().start()

    def data_received(self, data: bytes) -> None:
        waiter = self._waiter
        if self._has_started and (waiter is None or waiter.done()):
            super().data_received(data)  # the task is at work, and will look by itself
            return
        self._waiter = None  # hides the task: what is parsed stays in the queue
        try:
            super().data_received(data)
        finally:
            self._waiter = waiter
        # While an event passes, what comes behind it waits for its answer.
        if self._messages and not self._request_in_progress and not self._passes():
            self._wake_task()

    def _passes(self) -> bool:
        """Whether the lane has taken what is in the queue, or waits for its body."""
        message, payload = self._messages[0]
        if (
            len(self._messages) > 1
            or not isinstance(message, RawRequestMessage)
            or not self._lane.suits(message)
            or payload.exception() is not None
        ):
            return False
        if not payload.is_eof():
            if self._body_timer is None:
                self._body_timer = self._loop.call_later(BODY_WAIT_S, self._wake_task)
                return True
            return False
        self._stop_body_timer()
        body = payload.read_nowait()
        if not self._lane.submit(message, body, self._ip, self._send):
            self._messages[0] = (message, self._unread(body))
            return False
        self._take_from_queue(message)
        return True

    def resume_reading(self, resume_parser: bool = True) -> None:
        """The parser need not look again after each body, but only if reading was paused."""
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

    def _take_from_queue(self, message: RawRequestMessage) -> None:
        """What aiohttp's task does with a message that it takes."""
        self._messages.popleft()
        assert self._parser is not None and self._manager is not None  # noqa: S101, PT018
        self._parser.message_consumed()
        self._manager.requests_count += 1
        self._request_in_progress = True  # shutdown waits for it
        self._close = self._close or message.should_close  # what comes behind it is not read
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout

    def _send(self, answer: bytes) -> None:
        self._request_in_progress = False
        if self.transport is not None:
            self.transport.write(answer)
            if self._close:
                self.transport.close()
        if self._handler_waiter is not None:
            self._handler_waiter.set_result(None)
        if self._messages:
            self._wake_task()

    def _wake_task(self) -> None:
        self._stop_body_timer()
        if self._messages and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _stop_body_timer(self) -> None:
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None

    def _unread(self, body: bytes) -> StreamReader:
        # With room for all of it: past its limit a reader has the parser pause, which is done.
        reader = StreamReader(self, limit=len(body), loop=self._loop)
        reader.feed_data(body)
        reader.feed_eof()
        return reader
