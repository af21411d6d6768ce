"""Tells who sends an event that is older than its workspace keeps events."""

from llmtrack.domain.events import UsageEvent
from llmtrack.domain.periods import DAY_MS
from llmtrack.services.retention import cutoff_ms
from llmtrack.storage.database import Database
from llmtrack.storage.retention_rules import KeptTime, kept_times


class KeptTimes:
    """Of all workspaces, read anew when anything but events was committed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._generation = -1
        self._times: dict[int, KeptTime] = {}

    @property
    def are_known(self) -> bool:
        return self._database.generation == self._generation

    async def load(self) -> None:
        generation = self._database.generation
        if generation != self._generation:
            self._times = await kept_times(self._database)
            self._generation = generation

    def warn(self, workspace_id: int, event: UsageEvent) -> None:
        """It is stored, and removed by the next run of the retention."""
        kept = self._times.get(workspace_id)
        if kept is None or event.received_ms - event.timestamp_ms < kept.event_days * DAY_MS:
            return
        if event.timestamp_ms < cutoff_ms(event.received_ms, kept.event_days, kept.time_zone):
            totals = "its totals stay" if kept.keep_totals else "with its totals"
            event.warnings.append(
                f"timestamp is older than the {kept.event_days} days for which events are kept "
                f"here: the event will be removed, {totals}"
            )
