"""Tells the log that events cannot be stored, and that they can again: not once an event."""

import logging
import time

log = logging.getLogger(__name__)

REPEAT_S = 60.0


class WriteTrouble:
    """Used on the writer's thread alone."""

    def __init__(self) -> None:
        self._told_s: float | None = None
        self._failures = 0

    def failed(self, error: BaseException) -> None:
        self._failures += 1
        now_s = time.monotonic()
        if self._told_s is None or now_s - self._told_s > REPEAT_S:
            self._told_s = now_s
            log.error(
                "events cannot be stored, and are refused so that they are sent again: %s "
                "(look at the disk: df -h, dmesg)",
                error,
            )

    def succeeded(self) -> None:
        if self._failures:
            log.warning("events are stored again, after %d commits that failed", self._failures)
            self._told_s, self._failures = None, 0
