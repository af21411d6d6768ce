"""The sockets a server listens on, bound before anything else is opened.

Bound early, because a port that is taken should be the first thing to be told, and because
connections then wait in the kernel while the database opens.
"""

import errno
import ipaddress
import resource
import socket

from llmtrack.domain.addresses import Address
from llmtrack.domain.errors import LLMtrackError
from llmtrack.services.self_signed import local_addresses

BACKLOG = 1024
_NO_SUCH_FAMILY = {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}


class AddressUnusable(LLMtrackError):
    """Nothing of this machine can listen there."""


class PortBusy(LLMtrackError):
    """Another program listens there."""


class PortForbidden(LLMtrackError):
    """The user who runs us may not listen there."""


def bind(address: Address) -> list[socket.socket]:
    """Listening sockets for every address that the host stands for.

    Raises AddressUnusable, PortBusy, PortForbidden.
    """
    sockets: list[socket.socket] = []
    port = address.port
    try:
        for family, place in _resolve(address):
            try:
                made = _listen(family, (place[0], port, *place[2:]))
            except OSError as error:
                # `localhost` also stands for ::1 where IPv6 is switched off.
                skippable = _NO_SUCH_FAMILY | {errno.EADDRNOTAVAIL}
                if error.errno in skippable and (sockets or family is socket.AF_INET6):
                    continue
                raise _explain(error, address) from error
            sockets.append(made)
            port = made.getsockname()[1]  # with port 0 the second socket takes the first's
    except BaseException:
        for made in sockets:
            made.close()
        raise
    if not sockets:
        raise AddressUnusable(
            f"{address.host} is no address of this machine", fix="see: ip address"
        )
    return sockets


def names_loopback(host: str) -> bool:
    """Whether an address to listen on is one that only this machine reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_loopback(sockets: list[socket.socket]) -> bool:
    return all(ipaddress.ip_address(made.getsockname()[0]).is_loopback for made in sockets)


def reachable_address(address: Address, sockets: list[socket.socket]) -> Address:
    """What to write into a link: a wildcard is replaced by one of the machine's addresses."""
    port = sockets[0].getsockname()[1]
    host = address.host
    if host in {"", "0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        own = local_addresses()
        host = str(own[0]) if own else socket.gethostname()
    return Address(host, port)


def raise_descriptor_limit() -> None:
    """One connection is one descriptor, and the usual soft limit is 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _resolve(address: Address) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    host = address.host or None
    try:
        found = socket.getaddrinfo(
            host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (socket.gaierror, UnicodeError) as error:
        raise AddressUnusable(
            f"the host {address.host!r} is not known", fix="use an address, see: ip address"
        ) from error
    # Each address once, and in the given order.
    return list(dict.fromkeys((family, place) for family, _, _, _, place in found))  # type: ignore[misc]


def _listen(family: socket.AddressFamily, place: tuple[object, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            # Only IPv6, so that 0.0.0.0 and :: can both be bound.
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setblocking(False)
        made.bind(place)
        made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


def _explain(error: OSError, address: Address) -> LLMtrackError:
    if error.errno == errno.EADDRINUSE:
        return PortBusy(
            f"port {address.port} is in use by another program",
            fix=f"see which: ss -ltnp 'sport = :{address.port}', or --listen on another port",
        )
    if error.errno == errno.EACCES:
        return PortForbidden(
            f"this user may not listen on port {address.port}",
            fix="listen on a port above 1023, or give the service CAP_NET_BIND_SERVICE",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return AddressUnusable(
            f"{address.host} is no address of this machine", fix="see: ip address"
        )
    return AddressUnusable(f"cannot listen on {address}: {error.strerror}")
