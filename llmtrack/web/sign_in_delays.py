"""Slows down guessing without locking anybody out.

One address that keeps failing on one account waits ever longer; one address that fails on
many accounts does too; an account that fails from everywhere is only made slower, so that a
stranger's guesses never keep its owner out.
"""

import ipaddress
from collections import OrderedDict

FREE_FAILURES = 4
FREE_FAILURES_OF_ADDRESS = 20
FREE_FAILURES_OF_ACCOUNT = 20
WAIT_S_MAX = 900
PAUSE_S_MAX = 5.0
FORGET_MS = 3_600_000
ENTRIES_MAX = 20_000

_Subject = tuple[str, ...]


class SignInDelays:
    """Failures of the last hour, in memory: a restart forgives."""

    def __init__(self) -> None:
        self._failures: OrderedDict[_Subject, tuple[int, int]] = OrderedDict()  # count, last_ms

    def wait_s(self, account: str, ip: str, now_ms: int) -> int:
        """Seconds until this address may try this account again; 0 for now."""
        network = _network(ip)
        waits = (
            self._wait_ms(("pair", account, network), FREE_FAILURES, now_ms),
            self._wait_ms(("address", network), FREE_FAILURES_OF_ADDRESS, now_ms),
        )
        return -(-max(waits) // 1000)

    def pause_s(self, account: str, now_ms: int) -> float:
        """How long to hold an attempt on this account before looking at it."""
        count, _ = self._of(("account", account), now_ms)
        excess = count - FREE_FAILURES_OF_ACCOUNT
        return min(0.25 * excess, PAUSE_S_MAX) if excess > 0 else 0.0

    def failed(self, account: str, ip: str, now_ms: int) -> None:
        network = _network(ip)
        for subject in (("pair", account, network), ("address", network), ("account", account)):
            count, _ = self._of(subject, now_ms)
            self._failures[subject] = (count + 1, now_ms)
            self._failures.move_to_end(subject)
        while len(self._failures) > ENTRIES_MAX:
            self._failures.popitem(last=False)

    def failures(self, account: str, ip: str, now_ms: int) -> int:
        """Of this address on this account, within the hour."""
        return self._of(("pair", account, _network(ip)), now_ms)[0]

    def succeeded(self, account: str, ip: str) -> None:
        """Only this address and account: a guesser's own account must not wash it clean."""
        self._failures.pop(("pair", account, _network(ip)), None)

    def _wait_ms(self, subject: _Subject, free: int, now_ms: int) -> int:
        count, last_ms = self._of(subject, now_ms)
        if count <= free:
            return 0
        delay_ms: int = min(1 << min(count - free, 20), WAIT_S_MAX) * 1000
        return max(0, last_ms + delay_ms - now_ms)

    def _of(self, subject: _Subject, now_ms: int) -> tuple[int, int]:
        count, last_ms = self._failures.get(subject, (0, 0))
        return (count, last_ms) if now_ms - last_ms < FORGET_MS else (0, 0)


def _network(ip: str) -> str:
    """The address; of IPv6 the /64, which is what one customer gets."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))
