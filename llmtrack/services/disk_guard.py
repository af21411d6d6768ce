"""Stops taking events before the disk is full, and starts again by itself.

On a full disk not even deleting works: SQLite needs room for its log to do it. So events are
refused while there is still some, and a ballast file gives back enough to empty the log.
"""

import asyncio
import logging
import os
import shutil
from enum import StrEnum
from pathlib import Path

log = logging.getLogger(__name__)

PERIOD_S = 2.0
BALLAST_NAME = "ballast"


class Room(StrEnum):
    OK = "ok"
    LOW = "low"
    FULL = "full"


class DiskGuard:
    """What is free where the database is, looked at every PERIOD_S."""

    def __init__(
        self, directory: Path, *, warn_bytes: int, stop_bytes: int, ballast_bytes: int
    ) -> None:
        self._directory = directory
        self._warn_bytes = warn_bytes
        self._stop_bytes = stop_bytes
        self._ballast_bytes = ballast_bytes
        self.free_bytes = 0
        self.room = Room.OK

    @property
    def ballast(self) -> Path:
        return self._directory / BALLAST_NAME

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except OSError as error:
                log.error("cannot see what is free on the disk: %s", error)  # noqa: TRY400
            await asyncio.sleep(PERIOD_S)

    def look(self) -> Room:
        """Decide anew, let go of the ballast or lay it down again."""
        self.free_bytes = shutil.disk_usage(self._directory).free
        before = self.room
        self.room = self._judge(self.free_bytes)
        if self.room is not before:
            self._tell(before)
        if self.room is Room.FULL:
            self.ballast.unlink(missing_ok=True)
        elif self.room is Room.OK and self.free_bytes > self._stop_bytes + 2 * self._ballast_bytes:
            self._lay_ballast()
        return self.room

    def _judge(self, free_bytes: int) -> Room:
        # Events are taken again only with some room to spare, or it would flap.
        spare = self._ballast_bytes if self.room is Room.FULL else 0
        if free_bytes < self._stop_bytes + spare:
            return Room.FULL
        return Room.LOW if free_bytes < self._warn_bytes else Room.OK

    def _tell(self, before: Room) -> None:
        free_mib = self.free_bytes // 2**20
        if self.room is Room.FULL:
            log.error(
                "the disk is full (%d MiB free): events are refused with 507 until there is room;"
                " reading goes on",
                free_mib,
            )
        elif self.room is Room.LOW:
            log.warning("the disk is getting full: %d MiB free", free_mib)
        if before is Room.FULL:
            log.warning("there is room again (%d MiB free): events are taken", free_mib)

    def _lay_ballast(self) -> None:
        """Real blocks, not a hole: it must give back what it weighs."""
        if not self._ballast_bytes or self.ballast.exists():
            return
        part = self.ballast.with_name(BALLAST_NAME + ".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._ballast_bytes)
        except OSError:
            part.unlink()
            raise
        finally:
            os.close(descriptor)
        part.replace(self.ballast)
