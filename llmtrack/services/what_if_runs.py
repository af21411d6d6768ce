"""Comparisons with other prices that take longer than anybody waits for a page.

They are kept in memory for an hour: after a restart one is asked for again.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Hashable

from llmtrack.domain.errors import Refused
from llmtrack.domain.what_if import Comparison
from llmtrack.services.what_if import Comparing
from llmtrack.storage.scope import Scope

log = logging.getLogger(__name__)

RUNS_MAX = 16
KEPT_MS = 3_600_000
"""From the end of a run; what came in since is not in it."""


class WhatIfRun:
    """One comparison, under way or ended."""

    def __init__(self, comparing: Comparing, begun_ms: int) -> None:
        self.comparing = comparing
        self.begun_ms = begun_ms
        self.ended_ms: int | None = None
        self.has_failed = False
        self.is_waiting = True
        """Another run comes first."""

    @property
    def result(self) -> dict[int, Comparison] | None:
        """By feature; None before its end."""
        is_whole = self.ended_ms is not None and not self.has_failed
        return dict(self.comparing.found) if is_whole else None

    @property
    def progress(self) -> tuple[int, int]:
        """How much of the time it is about is compared: so many milliseconds, of how many."""
        span = self.comparing.span
        return self.comparing.reached_ms - span.start_ms, span.end_ms - span.start_ms


class WhatIfRuns:
    """One works at a time, with breaks as long as its work: events and pages go on beside it."""

    def __init__(self, *, clock_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self._runs: dict[Hashable, WhatIfRun] = {}
        self._tasks: dict[WhatIfRun, asyncio.Task[None]] = {}
        """Also of those that are cancelled, for the moment until they end."""
        self._turn = asyncio.Lock()

    def find(self, scope: Scope, asked: Hashable) -> WhatIfRun | None:
        """What `begin` began for the same workspace and the same question."""
        now_ms = self._clock_ms()
        for key, run in list(self._runs.items()):
            if run.ended_ms is not None and run.ended_ms + KEPT_MS <= now_ms:
                del self._runs[key]
        return self._runs.get((scope.public_id, asked))

    def begin(self, scope: Scope, asked: Hashable, comparing: Comparing) -> WhatIfRun:
        """Anew, if there was one that has ended. Raises Refused where too many are under way."""
        found, key = self.find(scope, asked), (scope.public_id, asked)
        if found is not None and found.ended_ms is None:
            return found
        ended = [other for other, run in self._runs.items() if run.ended_ms is not None]
        if len(self._runs) - len(ended) >= RUNS_MAX:
            raise Refused(
                f"{RUNS_MAX} comparisons are under way", fix="try again when one of them has ended"
            )
        for other in ended[:-RUNS_MAX]:
            del self._runs[other]
        run = self._runs[key] = WhatIfRun(comparing, self._clock_ms())
        task = self._tasks[run] = asyncio.create_task(self._work(scope, run))
        task.add_done_callback(lambda _: self._tasks.pop(run))
        return run

    def cancel(self, scope: Scope, asked: Hashable) -> None:
        """And forget it, if it is under way."""
        run = self.find(scope, asked)
        if run is not None and run.ended_ms is None:
            self._tasks[run].cancel()
            del self._runs[scope.public_id, asked]

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, scope: Scope, run: WhatIfRun) -> None:
        try:
            async with self._turn:
                run.is_waiting = False
                await _walk(scope, run.comparing)
        except Exception:
            log.exception("a comparison with other prices failed")
            run.has_failed = True
        run.ended_ms = self._clock_ms()


async def _walk(scope: Scope, comparing: Comparing) -> None:
    """Each batch in a reading of its own: a long one would keep the log from being folded in."""
    has_more = True
    while has_more:
        begun = time.monotonic()
        async with scope.reading() as reading:
            has_more = await reading.run(comparing.step(reading))
        await asyncio.sleep(time.monotonic() - begun)
