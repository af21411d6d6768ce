"""Who is behind a proxy: its headers are believed on its own connections and on no others."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


class TrustedProxies:
    """The networks in which our proxies are; replaced as a whole on a reload."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self.networks = tuple(networks)

    def trusts(self, address: str | None) -> bool:
        """Whether a connection from there is a proxy's. A Unix socket's has no address."""
        try:
            found = ip_address((address or "").partition("%")[0])
        except ValueError:
            return False
        # An IPv4 client of a dual-stack socket shows as ::ffff:192.0.2.1.
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self.networks)

    def client_of(self, forwarded_for: str, peer: str) -> str:
        """The address that our outermost proxy has seen.

        Read from the right: each proxy appends whom it has seen, and what stands left of the
        first address that is not ours anybody may have written.
        """
        client = peer
        for text in reversed(forwarded_for.split(",")):
            candidate = text.strip()
            try:
                ip_address(candidate)
            except ValueError:
                break
            client = candidate
            if not self.trusts(candidate):
                break
        return client
