"""Tells a watcher outside that something went well: silence is its alarm."""

import asyncio
import urllib.error
import urllib.request

TIMEOUT_S = 10


class HeartbeatFailed(OSError):
    pass


async def beat(url: str) -> None:
    """GET the address. Raises HeartbeatFailed."""
    await asyncio.to_thread(_get, url)


def _get(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise HeartbeatFailed("the heartbeat's address must start with https://")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - checked above
            answer.read(1)
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise HeartbeatFailed(f"the heartbeat did not get through: {error}") from error
