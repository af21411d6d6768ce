"""Answers a CA while there is no server to do it: for a command that orders a certificate."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from socket import socket

TIMEOUT_S = 10
_PATH = "/.well-known/acme-challenge/"


@asynccontextmanager
async def answering(
    sockets: Sequence[socket],
    context: ssl.SSLContext | None,
    plain_sockets: Sequence[socket],
    answers: Callable[[str], str | None],
) -> AsyncIterator[None]:
    """By tls-alpn-01 with `context` on `sockets`, by http-01 on `plain_sockets`."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()  # the handshake was the answer

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                line = await reader.readline()
                while (await reader.readline()).strip():
                    pass
            writer.write(_response(line, answers))
            await writer.drain()
        except (OSError, TimeoutError, ValueError):
            pass  # whoever it was, a CA asks again
        finally:
            writer.close()

    async with AsyncExitStack() as open_things:
        for listening in sockets:
            server = await asyncio.start_server(hang_up, sock=listening, ssl=context)
            await open_things.enter_async_context(server)
        for listening in plain_sockets:
            server = await asyncio.start_server(answer, sock=listening)
            await open_things.enter_async_context(server)
        yield


def _response(line: bytes, answers: Callable[[str], str | None]) -> bytes:
    """To one request line: `GET /.well-known/acme-challenge/TOKEN HTTP/1.1`."""
    method, _, rest = line.decode("latin-1").partition(" ")
    path = rest.partition(" ")[0]
    found = answers(path.removeprefix(_PATH)) if path.startswith(_PATH) else None
    if method != "GET" or found is None:
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    body = found.encode()
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)
    )
