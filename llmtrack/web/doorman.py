"""Stands before the server: lets in so many connections, and turns away the rest with a 503."""

import asyncio
from collections.abc import Callable, Mapping
from socket import socket
from typing import Any

from aiohttp import web

CONNECTIONS_MAX = 2000
CONNECTIONS_PER_IP_MAX = 500
"""Of one address, which may stand for a whole office; not counted behind a proxy."""
TURN_AWAY_S = 1.0
"""How long to go on listening after the refusal, so that it arrives before the end."""


def refusal(headers: Mapping[str, str]) -> bytes:
    """The whole answer, ready: work is what there is too much of already."""
    body = b'{"error":"Too many connections: try again in a moment"}'
    lines = [
        "HTTP/1.1 503 Service Unavailable",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Retry-After: 1",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Doorman:
    """The protocol factory of a listening socket."""

    def __init__(
        self,
        server: web.Server,
        protocol: Callable[[], asyncio.Protocol],
        *,
        most: int,
        most_per_ip: int | None,
        refused: bytes,
    ) -> None:
        self.server = server
        self.protocol = protocol
        self.refused = refused
        self._most = most
        self._most_per_ip = most_per_ip
        self._arriving: dict[Any, socket] = {}
        """By address and port: accepted, and not through the TLS handshake yet."""

    def expects(self, arrived: socket, address: Any) -> bool:
        """Whether a handshake may begin. No answer is possible before it, so a few more begin
        than there is room for: those are told to come back.
        """
        if not self._has_room(address[0]):
            # Only now, as most handshakes succeed: asyncio tells nobody of those that do not.
            self._arriving = {at: one for at, one in self._arriving.items() if one.fileno() != -1}
            if not self._has_room(address[0]):
                return False
        self._arriving[address] = arrived
        return True

    def _has_room(self, ip: str) -> bool:
        connections = self.server.connections
        total = len(connections) + len(self._arriving)
        if total >= with_spare(self._most):
            return False
        if self._most_per_ip is None or total < with_spare(self._most_per_ip):
            return True
        same: int = sum(_ip(connection.transport) == ip for connection in connections)
        same += sum(at[0] == ip for at in self._arriving)
        return same < with_spare(self._most_per_ip)

    def arrived(self, transport: asyncio.BaseTransport) -> None:
        self._arriving.pop(transport.get_extra_info("peername"), None)

    def __call__(self) -> asyncio.Protocol:
        return _Arrival(self)

    def admits(self, transport: asyncio.BaseTransport) -> bool:
        connections = self.server.connections
        if len(connections) >= self._most:
            return False
        if self._most_per_ip is None or len(connections) < self._most_per_ip:
            return True
        ip = _ip(transport)
        same = sum(_ip(connection.transport) == ip for connection in connections)
        return same < self._most_per_ip


def with_spare(most: int) -> int:
    return most + most // 8 + 1


class Doorway:
    """A listening socket that ends at once what the doorman does not expect.

    asyncio tells a protocol of its connection after the TLS handshake. Those who never finish
    one would not be counted anywhere.
    """

    def __init__(self, listening: socket, doorman: Doorman) -> None:
        self._listening = listening
        self._doorman = doorman

    def accept(self) -> tuple[socket, Any]:
        """Raises ConnectionAbortedError, which asyncio takes for a client that has gone."""
        arrived, address = self._listening.accept()
        if self._doorman.expects(arrived, address):
            return arrived, address
        arrived.close()
        raise ConnectionAbortedError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listening, name)


class _Arrival(asyncio.Protocol):
    """A connection at the door; whoever is let in has the server's protocol from then on."""

    def __init__(self, doorman: Doorman) -> None:
        self._doorman = doorman

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a stream socket
        self._doorman.arrived(transport)
        if self._doorman.admits(transport):
            protocol = self._doorman.protocol()
            transport.set_protocol(protocol)
            protocol.connection_made(transport)
            return
        transport.write(self._doorman.refused)
        asyncio.get_running_loop().call_later(TURN_AWAY_S, transport.close)


def _ip(transport: asyncio.BaseTransport | None) -> str | None:
    peer = None if transport is None else transport.get_extra_info("peername")
    return peer[0] if isinstance(peer, tuple) else None
