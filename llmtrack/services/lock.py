"""One server for a data directory: an advisory lock that dies with its holder.

The lock file stays; what counts is the `flock`, which the kernel drops even after kill -9.
Its text only says who holds it.
"""

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from typing import NamedTuple, Self

from llmtrack.domain.errors import LLMtrackError

LOCK_NAME = "llmtrack.lock"
RETRY_S = 0.6
"""Longer than `holder_of` ever holds the lock while it looks."""


class AlreadyRunning(LLMtrackError):
    """Another process holds the data directory."""


class Holder(NamedTuple):
    """Who holds the lock, as far as it has said so."""

    pid: int | None
    purpose: str
    address: str | None

    def __str__(self) -> str:
        pid = "" if self.pid is None else f", pid {self.pid}"
        address = f" at {self.address}" if self.address else ""
        return f"{self.purpose}{address}{pid}"


class DirectoryLock:
    """Held from `take` to `release`."""

    def __init__(self, descriptor: int, purpose: str) -> None:
        self._descriptor = descriptor
        self._purpose = purpose

    @classmethod
    def take(cls, directory: Path, purpose: str) -> "DirectoryLock":
        """Raises AlreadyRunning, or OSError where the directory cannot be used."""
        path = directory / LOCK_NAME
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + RETRY_S
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                holder = _read_holder(descriptor)
                os.close(descriptor)
                raise AlreadyRunning(
                    f"{directory} is in use by {holder}",
                    fix="stop it first (systemctl stop llmtrack, or kill its pid), "
                    "or name another --data-dir",
                )
            time.sleep(0.02)
        lock = cls(descriptor, purpose)
        lock.tell(None)
        return lock

    def tell(self, address: str | None) -> None:
        """Write down who holds the lock and where it listens, for those who are refused."""
        text = {"pid": os.getpid(), "purpose": self._purpose, "address": address}
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(text).encode(), 0)

    def release(self) -> None:
        # The file is not removed: whoever had it open would then lock a file that is gone.
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def holder_of(directory: Path) -> Holder | None:
    """Who holds the directory now; None if nobody does."""
    try:
        descriptor = os.open(directory / LOCK_NAME, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        # A shared lock, so that two who look do not see each other.
        return None if _try_lock(descriptor, fcntl.LOCK_SH) else _read_holder(descriptor)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_holder(descriptor: int) -> Holder:
    text: dict[str, object] = {}
    with contextlib.suppress(ValueError):
        decoded = json.loads(os.pread(descriptor, 4096, 0))
        text = decoded if isinstance(decoded, dict) else {}
    pid, address = text.get("pid"), text.get("address")
    return Holder(
        pid if isinstance(pid, int) else None,
        str(text.get("purpose") or "another llmtrack process"),
        address if isinstance(address, str) else None,
    )
