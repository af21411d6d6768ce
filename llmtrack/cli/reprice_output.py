# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""How previews and runs of repricing are printed."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.output import moment, print_rows
from llmtrack.domain.nouns import counted

if TYPE_CHECKING:
    from llmtrack.services.repricing import Preview
    from llmtrack.storage.reprice_runs import Run
    from llmtrack.storage.scope import Scope

PREVIEW_COLUMNS = ("day", "model", "events", "before_usd", "after_usd", "difference_usd")


def preview_fields(scope: "Scope", found: "Preview") -> dict[str, Any]:
    from llmtrack.domain.money import usd_text
    from llmtrack.domain.periods import date_of_day

    def fields(difference: Any) -> dict[str, Any]:
        return {
            "events": difference.events,
            "newly_priced_events": difference.priced_events,
            "before_usd": usd_text(difference.before_pico),
            "after_usd": usd_text(difference.after_pico),
            "difference_usd": usd_text(difference.difference_pico),
        }

    return {
        "from": moment(found.selection.start_ms),
        "to": moment(found.selection.end_ms),
        "time_zone": scope.time_zone,
        "seen_events": found.seen_events,
        **fields(found.total),
        "rows": [
            {"day": date_of_day(day).isoformat(), "model": model} | fields(difference)
            for (day, model), difference in sorted(found.rows.items())
        ],
    }


def print_preview(shown: dict[str, Any]) -> None:
    print_rows(shown["rows"], columns=PREVIEW_COLUMNS, as_json=False, none="nothing would change")
    if not shown["rows"]:
        return
    click.echo("")
    click.echo(
        f"{shown['events']:,} of {counted(shown['seen_events'], 'event')} would change,"
        f" {shown['newly_priced_events']:,} of them without a cost so far"
    )
    click.echo(f"Before      {shown['before_usd']} USD")
    click.echo(f"After       {shown['after_usd']} USD")
    click.echo(f"Difference  {shown['difference_usd']} USD")


def run_fields(run: "Run") -> dict[str, Any]:
    from llmtrack.domain.money import usd_text

    return {
        "id": run.public_id,
        "state": run.state.value,
        "created_at": moment(run.created_ms),
        "by": run.created_by,
        "reason": run.reason or None,
        "from": moment(run.selection.start_ms),
        "to": moment(run.selection.end_ms),
        "model": run.selection.model,
        "only_unpriced": run.selection.only_unpriced,
        "seen_events": run.seen_events,
        "changed_events": run.changed_events,
        "newly_priced_events": run.priced_events,
        "before_usd": usd_text(run.before_pico),
        "after_usd": usd_text(run.after_pico),
        "difference_usd": usd_text(run.after_pico - run.before_pico),
        "finished_at": moment(run.finished_ms),
        "undone_at": moment(run.undone_ms),
        "undone_by": run.undone_by,
        "restored_events": run.restored_events,
        "kept_events": run.kept_events,
    }
