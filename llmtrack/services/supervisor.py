"""Tells systemd how the server is: ready, stopping, and still alive; see sd_notify(3).

A few bytes to a datagram socket: no library is needed for it.
"""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator

log = logging.getLogger(__name__)


def notify(*lines: str) -> None:
    """Send e.g. `READY=1`. Nobody listens: nothing happens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.settimeout(0.5)  # a supervisor that does not listen must not hold us up
        out.connect(address)
        out.sendall("\n".join(lines).encode())


EXTENSION_S = 30
STEP_S_MAX = 4 * 3600
"""A step of a start that takes longer hangs: systemd may end it."""


@contextlib.contextmanager
def keep_starting() -> Iterator[None]:
    """Ask for more time as long as a step of the start takes; TimeoutStartSec= is for others."""
    is_done = threading.Event()

    def ask() -> None:
        for _ in range(0, STEP_S_MAX, EXTENSION_S // 3):
            notify(f"EXTEND_TIMEOUT_USEC={EXTENSION_S * 1_000_000}")
            if is_done.wait(EXTENSION_S // 3):
                return

    asking = threading.Thread(target=ask, name="keep-starting", daemon=True)
    asking.start()
    try:
        yield
    finally:
        is_done.set()
        asking.join()


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
