"""Tells systemd how the server is: ready, stopping, and still alive; see sd_notify(3).

A few bytes to a datagram socket: no library is needed for it.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


def notify(*lines: str) -> None:
    """Send e.g. `READY=1`. Nobody listens: nothing happens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect(address)
        out.sendall("\n".join(lines).encode())


def watchdog_period_s() -> float | None:
    """How often systemd wants to hear of us; None if it does not.

    The one-file binary is a child of the process that systemd knows.
    """
    micros, pid = os.environ.get("WATCHDOG_USEC"), os.environ.get("WATCHDOG_PID")
    if not micros or not micros.isdigit():
        return None
    if pid and pid not in {str(os.getpid()), str(os.getppid())}:
        return None
    return int(micros) / 1_000_000 / 3


async def keep_watchdog(is_alive: Callable[[], Awaitable[None]]) -> None:
    """Say that we live as long as `is_alive` returns; when it hangs, systemd restarts us."""
    period_s = watchdog_period_s()
    while period_s is not None:
        try:
            async with asyncio.timeout(period_s):
                await is_alive()
        except TimeoutError:
            log.error("the writer is stuck; systemd will restart the server if it stays so")  # noqa: TRY400
        else:
            notify("WATCHDOG=1")
        await asyncio.sleep(period_s)
