"""Keeps the certificate of a CA new: ordered when there is none, and at two thirds of its life.

Whatever goes wrong, the old certificate goes on being served; what went wrong shows as the job
`certificate` in `llmtrack status`, the metrics and the log.
"""

import asyncio
import logging
from collections.abc import Callable

from llmtrack.domain.periods import rfc3339
from llmtrack.services.acme_store import AcmeStore
from llmtrack.services.certificates import CertificateFacts
from llmtrack.storage.database import Database
from llmtrack.storage.job_states import finish_job, note_job, start_job

log = logging.getLogger(__name__)

JOB = "certificate"
LOOK_S = 30.0
PAUSES_MS = tuple(minutes * 60_000 for minutes in (1, 5, 15, 60, 240))
"""After failures in a row. CAs count them: Let's Encrypt allows five an hour and name."""


def renewal_ms(facts: CertificateFacts | None, domains: tuple[str, ...]) -> int:
    """When to order a new one; 0: now, because none is there or it is for other names."""
    if facts is None or not {domain.lower() for domain in domains} <= set(facts.names):
        return 0
    return facts.not_before_ms + (facts.not_after_ms - facts.not_before_ms) * 2 // 3


class Renewal:
    """For the life of a server. `domains` and `issue` ask the settings of the day."""

    def __init__(
        self,
        store: AcmeStore,
        *,
        domains: Callable[[], tuple[str, ...]],
        issue: Callable[[], None],
        reload: Callable[[], object],
        clock_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._domains = domains
        self._issue = issue
        self._reload = reload
        self._clock_ms = clock_ms
        self._failures = 0
        self._not_before_ms = 0

    async def run(self, database: Database) -> None:
        """Until cancelled."""
        await database.write(note_job, JOB, now_ms=self._clock_ms())
        while True:
            facts = await asyncio.to_thread(self._store.facts)
            due_ms = max(renewal_ms(facts, self._domains()), self._not_before_ms)
            wait_s = (due_ms - self._clock_ms()) / 1000
            if wait_s <= 0:
                await self._renew(database)
            else:
                await asyncio.sleep(min(wait_s, LOOK_S))

    async def _renew(self, database: Database) -> None:
        await database.write(start_job, JOB, now_ms=self._clock_ms())
        try:
            await asyncio.to_thread(self._order)
            facts = await asyncio.to_thread(self._store.facts)
            ends = rfc3339(facts.not_after_ms) if facts else "unknown"
            result, succeeded = f"{', '.join(self._domains())} until {ends}", True
            # A CA whose certificates are old when they come is asked again only after a pause.
            is_new = renewal_ms(facts, self._domains()) > self._clock_ms()
            self._failures = 0
            self._not_before_ms = 0 if is_new else self._clock_ms() + PAUSES_MS[0]
        except Exception as error:  # noqa: BLE001 - a server lives on without a new certificate
            pause_ms = PAUSES_MS[min(self._failures, len(PAUSES_MS) - 1)]
            self._failures += 1
            self._not_before_ms = self._clock_ms() + pause_ms
            log.error(  # noqa: TRY400 - its text says all
                "no new certificate, the old one goes on being served: %s (again in %d minutes)",
                error,
                pause_ms // 60_000,
            )
            result, succeeded = str(error), False
        await database.write(
            finish_job, JOB, succeeded=succeeded, result=result, now_ms=self._clock_ms()
        )

    def _order(self) -> None:
        self._issue()
        self._reload()
