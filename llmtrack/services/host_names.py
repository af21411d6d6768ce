"""By which names this server is asked: a page of another site that points a name of its own at
this address (DNS rebinding) comes with that name.

Addresses are always good: a browser sends one only if its user went to that address.
"""

import socket
from collections.abc import Callable, Iterable
from ipaddress import ip_address

LOOPBACK = frozenset({"localhost", "localhost.localdomain"})


class HostNames:
    """`names` as the settings have them, replaced on a reload; `certified` those of the
    certificate that is served now, of which `*.example.com` stands for one more label.
    """

    def __init__(
        self, names: Iterable[str], certified: Callable[[], Iterable[str]] = tuple
    ) -> None:
        self.names = frozenset(name.lower().rstrip(".") for name in names)
        self._certified = certified

    def knows(self, authority: str) -> bool:
        """Whether a Host header, with or without a port, names this server."""
        host = host_of(authority)
        if not host:
            return False
        if _is_address(host) or host in LOOPBACK or host in self.names:
            return True
        certified = {name.lower() for name in self._certified()}
        return host in certified or f"*.{host.partition('.')[2]}" in certified


def machine_names() -> set[str]:
    """What the machine calls itself."""
    name = socket.gethostname().lower()
    short = name.partition(".")[0]
    return {name, short, f"{short}.local"}


def host_of(authority: str) -> str:
    """Without port and brackets, in lower case; "" if it is no host and port."""
    text = authority.strip().lower()
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        is_good = bracket and (not port or (port[0] == ":" and port[1:].isdigit()))
        return host if is_good else ""
    host, colon, port = text.partition(":")
    if colon and not (port.isascii() and port.isdigit()):
        return ""
    return host.rstrip(".")


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
