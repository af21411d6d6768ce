"""JSON answers that are written as bytes: what the ingest routes send thousands of times a second.

aiohttp builds and serialises a dozen headers for each answer that are always the same. Where
an answer is as plain as that, one prepared head stands for them; else aiohttp does it.
"""

import time
from email.utils import formatdate

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion11

from llmtrack.web.context import SITE
from llmtrack.web.security import HEADERS, STRICT_TRANSPORT

_heads: dict[bool, tuple[int, bytes]] = {}
"""By whether the site is secure: the second that a head is of, and the head."""


class QuickResponse(web.Response):
    """A JSON answer of status 200."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body=body, content_type="application/json")

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """`add_headers` is not called for what is written here: its headers are in the head."""
        transport = request.transport
        if (
            not isinstance(request, web.Request)
            or transport is None
            or self._keep_alive is False
            or not request.keep_alive
            or request.version != HttpVersion11
            or len(self.headers) != 1
            or self._cookies
            or self.prepared
        ):
            return await super().prepare(request)
        body = self.body
        assert isinstance(body, bytes)  # noqa: S101 - from __init__
        self._keep_alive = True
        self._eof_sent = True
        head = _head(secure=request.app[SITE].secure)
        transport.write(b"%b%d\r\n\r\n%b" % (head, len(body), body))
        await request.writer.drain()
        return None


def _head(*, secure: bool) -> bytes:
    second = int(time.time())
    made, head = _heads.get(secure, (0, b""))
    if made != second:
        headers = {"Content-Type": "application/json", **HEADERS}
        if secure:
            headers["Strict-Transport-Security"] = STRICT_TRANSPORT
        headers |= {"Date": formatdate(second, usegmt=True), "Server": "llmtrack"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 200 OK\r\n{lines}Content-Length: ".encode()
        _heads[secure] = second, head
    return head
