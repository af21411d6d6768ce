# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack usage`: exact sums of a workspace, by one dimension or by day."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.at_risk import at_risk_fields
from llmtrack.cli.data import Data, now_ms, pass_data
from llmtrack.cli.options import json_option, workspace_option
from llmtrack.cli.output import moment, print_fields, print_json, print_rows
from llmtrack.cli.periods import instant, month_start_ms
from llmtrack.domain.periods import quarter_end_ms
from llmtrack.domain.tags import key_of, tag_name

if TYPE_CHECKING:
    from llmtrack.domain.spans import Span
    from llmtrack.storage.database import Database

DIMENSIONS = ("provider", "model", "feature", "key", "customer", "environment", "status")
COLUMNS = (
    *("events", "failed", "input_tokens", "output_tokens", "cost_usd"),
    *("unpriced_events", "unknown_usage_events"),
)
NONE = "no events in that time"


class _By(click.Choice[str]):
    """One of the dimensions, or a tag."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if key_of(value) else super().convert(value, param, ctx)


@click.command()
@workspace_option
@click.option("--from", "start", metavar="T", help="First instant. Default: this month's start.")
@click.option(
    "--to",
    "end",
    metavar="T",
    help="First instant after it. Default: now, to the end of the quarter hour.",
)
@click.option(
    "--by",
    type=_By([*DIMENSIONS, "day", tag_name("KEY")]),
    default="model",
    show_default=True,
    help="What the rows are; KEY is a tracked tag.",
)
@click.option(
    "--where",
    "wanted",
    multiple=True,
    metavar="NAME=VALUE",
    help="Only events with that value, such as feature=search or tag:KEY=VALUE. Can be given "
    "more than once.",
)
@click.option(
    "--at-risk",
    "with_at_risk",
    is_flag=True,
    help="Also estimate what failed calls without usage may have cost; --json then prints an "
    "object with at_risk and rows.",
)
@json_option
@pass_data
def usage(
    data: Data,
    *,
    workspace: str,
    start: str | None,
    end: str | None,
    by: str,
    wanted: tuple[str, ...],
    with_at_risk: bool,
    as_json: bool,
) -> None:
    """Show what a workspace used and what it cost, exactly, the dearest first.

    T is RFC 3339 or a date, which is its first moment in the workspace's time zone; --to is
    not included, so a November is --from 2026-11-01 --to 2026-12-01. Costs are US dollars.
    Events without a price are counted in unpriced_events, those whose token counts are missing
    or contradict each other in unknown_usage_events; neither adds to the cost. By a tag, events
    without it have no value, and values past the 500 that are counted on their own are one row.
    """

    async def run(database: "Database") -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        from llmtrack.services.usage_filters import usage_filters
        from llmtrack.services.usage_rows import usage_question, usage_rows
        from llmtrack.storage.at_risk import shown_at_risk
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        span = _span(start, end, scope.time_zone)
        filters = await usage_filters(scope, wanted)
        period = f"{moment(span.start_ms)} to {moment(span.end_ms)}, {scope.time_zone}"
        click.echo(f"{scope.name}: {period}", err=True)
        question = await usage_question(scope, by, span, filters)
        rows, notes = await usage_rows(scope, by, question)
        click.echo("".join(f"Note: {note}\n" for note in notes), nl=False, err=True)
        if not with_at_risk or not span.length_ms:
            return rows, None
        return rows, at_risk_fields(await shown_at_risk(scope, question))

    rows, estimate = data.run(run)
    if estimate is not None and as_json:
        print_json({"at_risk": estimate, "rows": rows})
        return
    print_rows(rows, columns=_columns(by, rows), as_json=as_json, none=NONE)
    if estimate is not None:
        click.echo("")
        print_fields(estimate, as_json=False)


def _span(start: str | None, end: str | None, zone: str) -> "Span":
    """Without a start this month, without an end until now. Raises UsageError."""
    from llmtrack.domain.spans import Span

    now = now_ms()
    start_ms = instant("from", start, zone) if start else month_start_ms(now, zone)
    end_ms = instant("to", end, zone) if end else max(quarter_end_ms(now), start_ms)
    if end_ms < start_ms:
        raise click.UsageError(f"--to ({moment(end_ms)}) is before --from ({moment(start_ms)})")
    return Span(start_ms, end_ms)


def _columns(by: str, rows: list[dict[str, Any]]) -> list[str]:
    more = (f"{by}_name", f"{by}_prefix", "is_other_values")
    return [by, *(name for name in more if rows and name in rows[0]), *COLUMNS]
