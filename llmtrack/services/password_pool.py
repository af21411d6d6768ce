"""Passwords off the event loop: at most two at once, so that sign-ins cannot eat the machine.

One argon2id run takes 64 MiB and a good part of a core for a tenth of a second.
"""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from llmtrack.domain.credentials import Passwords

THREADS_MAX = 2
NICENESS = 15
"""Of these threads alone: events are answered first, however many people sign in."""


class PasswordPool:
    def __init__(self, passwords: Passwords) -> None:
        self._passwords = passwords
        self._threads = ThreadPoolExecutor(THREADS_MAX, "password", _step_back)

    async def hash(self, password: str) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._passwords.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """As `Passwords.verify`: without a hash it takes as long, and is False."""
        loop = asyncio.get_running_loop()
        verify = self._passwords.verify
        return await loop.run_in_executor(self._threads, verify, password_hash, password)

    def needs_rehash(self, password_hash: str) -> bool:
        return self._passwords.needs_rehash(password_hash)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)


def _step_back() -> None:
    """Linux has a priority for each thread, and argon2's own threads inherit it."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
