"""Serves an application on bound sockets: timeouts, TLS handshakes, a graceful end."""

import asyncio
import gc
import logging
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from socket import socket
from typing import Any, NamedTuple, cast

from aiohttp import web, web_response
from aiohttp.http_parser import HttpRequestParser
from aiohttp.web_protocol import RequestHandler

from llmtrack.domain.errors import LLMtrackError
from llmtrack.web.connection import Connection
from llmtrack.web.doorman import (
    CONNECTIONS_MAX,
    CONNECTIONS_PER_IP_MAX,
    Doorman,
    Doorway,
    refusal,
)
from llmtrack.web.ingest import INGEST
from llmtrack.web.ingest_lane import IngestLane
from llmtrack.web.plain_http import Answers, build_plain_app
from llmtrack.web.render import RENDERER
from llmtrack.web.security import HEADERS, STRICT_TRANSPORT

log = logging.getLogger(__name__)

HANDSHAKE_TIMEOUT_S = 10
SHUTDOWN_TIMEOUT_S = 20.0
KEEPALIVE_TIMEOUT_S = 15.0
"""Also how long a connection may take to send its headers; clients connect anew anyway."""
LINGER_S = 1.0
"""How long to read on after an answer that did not need the body."""
BACKLOG = 1024
ACCEPTED_AT_ONCE = 1
"""Python 3.11 tries as many times as this when no descriptor is left, each time with a
traceback in the log, instead of waiting a second after the first."""
SWITCH_INTERVAL_S = 0.0005
"""How soon the writer gets the interpreter back from a busy event loop; Python's own is ten
times as long, which every commit would wait for several times."""
NEW_OBJECTS = 20_000
"""Between two looks for garbage, of which there is little: Python's own 700 took a sixteenth of a
page's time and a thirtieth of a batch's."""
LINE_BYTES_MAX = 8190
"""Of the request line, which has the filters of a page in it, and of one header field."""
HEADERS_MAX = 64


_CONNECTION_OPTIONS: dict[str, Any] = {
    "access_log": None,
    # web.ingest unpacks: what does not unpack gets an answer of the contract.
    "auto_decompress": False,
    "keepalive_timeout": KEEPALIVE_TIMEOUT_S,
    "lingering_time": LINGER_S,
    "max_line_size": LINE_BYTES_MAX,
    "max_field_size": LINE_BYTES_MAX,
    "max_headers": HEADERS_MAX,
}


class CompiledParserMissing(LLMtrackError):
    """aiohttp would parse requests in Python, which has let requests be smuggled in before."""


class Caps(NamedTuple):
    """How many connections may be open; per address None: do not count by address."""

    connections: int = CONNECTIONS_MAX
    connections_per_ip: int | None = CONNECTIONS_PER_IP_MAX


def require_compiled_parser() -> None:
    """Raise CompiledParserMissing unless llhttp, compiled, parses what comes in."""
    if HttpRequestParser.__module__ != "aiohttp._http_parser":
        raise CompiledParserMissing(
            "the compiled HTTP parser is missing",
            fix="unset AIOHTTP_NO_EXTENSIONS, or install aiohttp from a wheel",
        )


class Server:
    """A running application, and what answers beside it."""

    def __init__(
        self, runners: Sequence[web.AppRunner], warming: "asyncio.Task[None] | None"
    ) -> None:
        self._runners = runners
        self._warming = warming

    @classmethod
    async def start(
        cls,
        app: web.Application,
        sockets: Sequence[socket],
        context: ssl.SSLContext | None,
        *,
        plain_sockets: Sequence[socket] = (),
        base_url: str = "",
        answers: Answers | None = None,
        caps: Caps = Caps(),  # noqa: B008 - immutable
    ) -> "Server":
        """On `plain_sockets` people are sent to `base_url`, and everything else is refused.

        `answers` are for a CA that asks there.
        """
        require_compiled_parser()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        asyncio.get_running_loop().set_exception_handler(_LoopFaults())
        runners = [await start_runner(app, sockets, context, caps)]
        if plain_sockets:
            try:
                plain = build_plain_app(base_url, answers)
                runners.append(await start_runner(plain, plain_sockets, None, caps))
            except BaseException:
                await runners[0].cleanup()
                raise
        gc.set_threshold(NEW_OBJECTS)
        _keep_what_is_there()
        warming = None
        if RENDERER in app:
            warming = asyncio.create_task(_warm(app))
        return cls(runners, warming)

    async def stop(self) -> None:
        """Stop accepting, answer what is in flight, then run the application's own cleanup."""
        if self._warming is not None:
            self._warming.cancel()
        for runner in reversed(self._runners):
            await runner.cleanup()


async def _warm(app: web.Application) -> None:
    await app[RENDERER].compile_all()
    _keep_what_is_there()


def _keep_what_is_there() -> None:
    """No collection of garbage need look at it again."""
    gc.collect()
    gc.freeze()


async def start_runner(
    app: web.Application,
    sockets: Sequence[socket],
    context: ssl.SSLContext | None,
    caps: Caps,
) -> web.AppRunner:
    """The application, started, on bound sockets; `cleanup` of the runner ends it."""
    # Which library answers is nobody's business, on the parser's own 400 pages either.
    web_response.SERVER_SOFTWARE = "llmtrack"  # type: ignore[attr-defined]
    runner = web.AppRunner(
        app, handle_signals=False, shutdown_timeout=SHUTDOWN_TIMEOUT_S, **_CONNECTION_OPTIONS
    )
    await runner.setup()
    lane = IngestLane(app) if INGEST in app else None
    try:
        for listening in sockets:
            site = _Site(runner, listening, ssl_context=context, backlog=ACCEPTED_AT_ONCE)
            site.caps = caps
            site.lane = lane
            await site.start()
            listening.listen(BACKLOG)  # asyncio has told the kernel the number above
    except BaseException:
        await runner.cleanup()
        raise
    return runner


class _LoopFaults:
    """What no request's answer can tell of. asyncio's own logger is silent: a line for each
    connection that breaks off is too much, but a fault of ours must be seen.
    """

    period_s = 60.0

    def __init__(self) -> None:
        self._told_s = -self.period_s

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fault = context.get("exception")
        if "socket" in context and "out of system resource" in context["message"]:
            self._tell_of_exhaustion(fault)
        elif fault is None or isinstance(fault, OSError):  # TLS errors are OSErrors, too
            loop.default_exception_handler(context)
        else:
            log.error("%s", context["message"], exc_info=fault)

    def _tell_of_exhaustion(self, fault: object) -> None:
        """Once a minute; asyncio would say it again and again."""
        if time.monotonic() - self._told_s >= self.period_s:
            self._told_s = time.monotonic()
            log.error("new connections have to wait: %s (raise LimitNOFILE, or ulimit -n)", fault)


class _Site(web.SockSite):
    """aiohttp's own, with a bound on the TLS handshake (asyncio's is 60 s)."""

    caps = Caps()
    lane: IngestLane | None = None

    async def start(self) -> None:
        await web.BaseSite.start(self)
        server = self._runner.server
        assert isinstance(server, web.Server)  # noqa: S101 - set by runner.setup()
        headers = HEADERS | (
            {"Strict-Transport-Security": STRICT_TRANSPORT} if self._ssl_context else {}
        )
        doorman = Doorman(
            server,
            self._protocol(server),
            most=self.caps.connections,
            most_per_ip=self.caps.connections_per_ip,
            refused=refusal(headers),
        )
        listening = Doorway(self._sock, doorman) if self._ssl_context else self._sock
        self._server = await asyncio.get_running_loop().create_server(
            doorman,
            sock=cast("socket", listening),
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S if self._ssl_context else None,
        )

    def _protocol(self, server: web.Server) -> Callable[[], RequestHandler]:
        if self.lane is None:
            return server
        loop = asyncio.get_running_loop()
        return partial(Connection, server, self.lane, loop=loop, **_CONNECTION_OPTIONS)
