"""Serves an application on bound sockets: timeouts, TLS handshakes, a graceful end."""

import asyncio
import ssl
from collections.abc import Sequence
from socket import socket

from aiohttp import web, web_response

HANDSHAKE_TIMEOUT_S = 10
SHUTDOWN_TIMEOUT_S = 20.0
KEEPALIVE_TIMEOUT_S = 15.0
"""Also how long a connection may take to send its headers; clients connect anew anyway."""
LINGER_S = 1.0
"""How long to read on after an answer that did not need the body."""
BACKLOG = 1024


class Server:
    """A running application."""

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner

    @classmethod
    async def start(
        cls, app: web.Application, sockets: Sequence[socket], context: ssl.SSLContext | None
    ) -> "Server":
        # Which library answers is nobody's business, on the parser's own 400 pages either.
        web_response.SERVER_SOFTWARE = "llmtrack"  # type: ignore[attr-defined]
        runner = web.AppRunner(
            app,
            access_log=None,
            # web.ingest unpacks: what does not unpack gets an answer of the contract.
            auto_decompress=False,
            handle_signals=False,
            keepalive_timeout=KEEPALIVE_TIMEOUT_S,
            lingering_time=LINGER_S,
            shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        )
        await runner.setup()
        try:
            for listening in sockets:
                site = _Site(runner, listening, ssl_context=context, backlog=BACKLOG)
                await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        return cls(runner)

    async def stop(self) -> None:
        """Stop accepting, answer what is in flight, then run the application's own cleanup."""
        await self._runner.cleanup()


class _Site(web.SockSite):
    """aiohttp's own, with a bound on the TLS handshake (asyncio's is 60 s)."""

    async def start(self) -> None:
        await web.BaseSite.start(self)
        assert self._runner.server is not None  # noqa: S101 - set by runner.setup()
        self._server = await asyncio.get_running_loop().create_server(
            self._runner.server,
            sock=self._sock,
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S if self._ssl_context else None,
        )
