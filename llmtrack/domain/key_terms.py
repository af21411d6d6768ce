"""What an API key is good for: sending or reading, from when to when, and from where."""

import ipaddress
from enum import StrEnum
from typing import NamedTuple

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.periods import DAY_MS

NETWORKS_MAX = 50
GRACE_DAYS_MAX = 7
UNUSED_DAYS = 90
EXPIRES_SOON_DAYS = 14

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class KeyAccess(StrEnum):
    """One key sends or reads: what is in an application's environment must not read costs."""

    INGEST = "ingest"
    READ = "read"


class KeyState(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    PENDING = "pending"
    EXPIRED = "expired"


MAPPED_BITS = 96
"""Of an IPv6 address, before the IPv4 address that it stands for."""


class KeyTerms(NamedTuple):
    """Times are epoch ms, half-open; no networks means from anywhere."""

    access: KeyAccess = KeyAccess.INGEST
    networks: tuple[str, ...] = ()
    not_before_ms: int | None = None
    expires_ms: int | None = None


def state_of(terms: KeyTerms, deactivated_ms: int | None, now_ms: int) -> KeyState:
    """Deactivated comes first: it is what a person did last on purpose."""
    if deactivated_ms is not None:
        return KeyState.INACTIVE
    if terms.expires_ms is not None and terms.expires_ms <= now_ms:
        return KeyState.EXPIRED
    if terms.not_before_ms is not None and now_ms < terms.not_before_ms:
        return KeyState.PENDING
    return KeyState.ACTIVE


def check_terms(terms: KeyTerms) -> KeyTerms:
    """The terms with their networks in normal form. Raises InvalidValue."""
    start, end = terms.not_before_ms, terms.expires_ms
    if start is not None and end is not None and end <= start:
        raise InvalidValue("expires", "the key would expire before it begins")
    return terms._replace(networks=clean_networks(terms.networks))


def clean_networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    """CIDR networks or single addresses. Raises InvalidValue("networks")."""
    words = [word for text in texts for word in text.replace(",", " ").split()]
    if len(words) > NETWORKS_MAX:
        raise InvalidValue("networks", f"a key has {NETWORKS_MAX} networks at most")
    return tuple(dict.fromkeys(str(_network(word)) for word in words))


def parsed_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(_unmapped(ipaddress.ip_network(text)) for text in texts)


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether the address is in one of them; one that is no address is in none."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    # A listener on [::] sees IPv4 clients as ::ffff:192.0.2.1.
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)


def check_grace(days: int) -> int:
    """How long an old secret stays good, in ms. Raises InvalidValue."""
    if not 0 <= days <= GRACE_DAYS_MAX:
        raise InvalidValue("grace_days", f"the old key stays good for 0 to {GRACE_DAYS_MAX} days")
    return days * DAY_MS


def _unmapped(network: Network) -> Network:
    """::ffff:192.0.2.0/120 is 192.0.2.0/24, as its clients are."""
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= MAPPED_BITS:
        start = network.network_address.ipv4_mapped
        if start is not None:
            return ipaddress.IPv4Network((start, network.prefixlen - MAPPED_BITS))
    return network


def _network(word: str) -> Network:
    try:
        return _unmapped(ipaddress.ip_network(word))
    except ValueError:
        pass
    try:
        loose = ipaddress.ip_network(word, strict=False)
    except ValueError:
        raise InvalidValue(
            "networks",
            f"{word[:60]!r} is no network",
            fix="write one as 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7",
        ) from None
    raise InvalidValue("networks", f"{word} has bits beyond its mask", fix=f"write {loose}")
