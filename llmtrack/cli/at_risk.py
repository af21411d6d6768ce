# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack prices at-risk`: what failed calls without usage may have cost."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option, workspace_option
from llmtrack.cli.output import moment, print_fields
from llmtrack.cli.periods import instant, month_start_ms

if TYPE_CHECKING:
    from llmtrack.domain.at_risk import AtRisk
    from llmtrack.storage.database import Database


@click.command("at-risk")
@workspace_option
@click.option("--from", "start", metavar="T", help="First instant. Default: this month's start.")
@click.option("--to", "end", metavar="T", help="First instant after it. Default: now.")
@click.option("--switch", type=click.Choice(["on", "off"]), help="Show it, or not, from now on.")
@json_option
@pass_data
def at_risk(
    data: Data,
    *,
    workspace: str,
    start: str | None,
    end: str | None,
    switch: str | None,
    as_json: bool,
) -> None:
    """Estimate what failed calls without usage may have cost.

    A call that failed, timed out or was cancelled may be billed though it told no usage. It
    has no cost and is in no total. The estimate is the median cost of the successful calls of
    the same model and feature, of the period or the 30 days before its end; calls without
    such peers are counted apart.
    """

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.domain.spans import Span
        from llmtrack.storage.at_risk import shown_at_risk, switch_at_risk
        from llmtrack.storage.dimensions import Kind
        from llmtrack.storage.questions import Question
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        if switch is not None:
            await scope.write(
                switch_at_risk, shown=switch == "on", actor=operator(), now_ms=now_ms()
            )
        zone, now = scope.time_zone, now_ms()
        start_ms = instant("from", start, zone) if start else month_start_ms(now, zone)
        end_ms = instant("to", end, zone) if end else max(now, start_ms + 1)
        if end_ms <= start_ms:
            raise click.UsageError(f"--to ({moment(end_ms)}) is not after --from")
        question = Question(Kind.TOTAL, Span(start_ms, end_ms), scope.time_zone)
        found = await shown_at_risk(scope, question)
        period = {"from": moment(start_ms), "to": moment(end_ms)}
        return {"workspace": scope.name, **period, **at_risk_fields(found)}

    print_fields(data.run(run, changes=switch is not None), as_json=as_json)


def at_risk_fields(found: "AtRisk | None") -> dict[str, Any]:
    from llmtrack.domain.money import usd_text

    if found is None:
        return {"at_risk": "off"}
    return {
        "at_risk_events": found.events,
        "at_risk_estimated_events": found.estimated_events,
        "at_risk_unestimated_events": found.unestimated_events,
        "at_risk_estimate_usd": usd_text(found.estimate_pico) if found.estimated_events else None,
    }
