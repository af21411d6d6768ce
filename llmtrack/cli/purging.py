"""What `llmtrack purge events` is about to remove, and removing it."""

import sys
from typing import Any, NamedTuple

import click

from llmtrack.cli.data import Data, now_ms, operator
from llmtrack.cli.output import moment
from llmtrack.domain.money import usd_text
from llmtrack.services.deletion import Removed, delete
from llmtrack.services.deletion_runs import begin, scopes
from llmtrack.services.retention import cutoff_ms
from llmtrack.storage.database import Database
from llmtrack.storage.purge import Purged, purgeable
from llmtrack.storage.scope import Scope


class EventPlan(NamedTuple):
    """The events of a workspace before a time."""

    scope: Scope
    before_ms: int
    found: Purged

    def done(self, removed: Removed) -> dict[str, Any]:
        purged = Purged(removed.rows.get("events", 0), removed.cost_pico)
        return self._replace(found=purged).row(purged=True)

    def row(self, *, purged: bool = False) -> dict[str, Any]:
        return {
            "workspace": self.scope.name,
            "workspace_id": self.scope.public_id,
            "before": moment(self.before_ms),
            "events": self.found.events,
            "cost_usd": usd_text(self.found.cost_pico),
            "purged": purged,
        }


async def plan_events(
    database: Database, workspace: str | None, now_ms: int, older_than_days: int
) -> list[EventPlan]:
    plans = []
    for scope in await scopes(database, workspace):
        before_ms = cutoff_ms(now_ms, older_than_days, scope.time_zone)
        async with scope.reading() as reading:
            plans.append(EventPlan(scope, before_ms, await purgeable(reading, before_ms)))
    return plans


async def purge_planned(
    data: Data, database: Database, plan: EventPlan, *, keep_totals: bool
) -> dict[str, Any]:
    """Remove them; the row says what went, which events that come in meanwhile are part of."""
    if not plan.found.events and keep_totals:
        return plan.row(purged=True)
    deletion = await begin(
        database,
        data.directory,
        kind="events",
        workspace_public_id=plan.scope.public_id,
        subject=str(plan.before_ms),
        keep_totals=keep_totals,
        actor=operator(),
        now_ms=now_ms(),
    )
    if not sys.stderr.isatty():
        return plan.done(await delete(database, deletion, now_ms=now_ms()))
    with click.progressbar(length=plan.found.events, label=plan.scope.name, file=sys.stderr) as bar:
        done = 0

        def report(what: str, removed: int) -> None:
            nonlocal done
            if what == "events":
                bar.update(removed - done)
                done = removed

        return plan.done(await delete(database, deletion, now_ms=now_ms(), progress=report))
