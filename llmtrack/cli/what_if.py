# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack prices what-if`: recorded usage at another model's prices."""

import sys
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, pass_data
from llmtrack.cli.options import json_option, workspace_option
from llmtrack.cli.output import moment, print_rows
from llmtrack.cli.periods import instant, month_start_ms

if TYPE_CHECKING:
    from llmtrack.domain.what_if import Comparison
    from llmtrack.storage.database import Database

COLUMNS = (
    "feature",
    "events",
    "compared_events",
    "before_usd",
    "after_usd",
    "difference_usd",
    "not_priced_events",
)


@click.command("what-if")
@workspace_option
@click.argument("model", metavar="PROVIDER/MODEL")
@click.option("--from", "start", metavar="T", help="First instant. Default: this month's start.")
@click.option("--to", "end", metavar="T", help="First instant after it. Default: now.")
@json_option
@pass_data
def what_if(
    data: Data, *, workspace: str, model: str, start: str | None, end: str | None, as_json: bool
) -> None:
    """Show what recorded requests would cost at the prices of PROVIDER/MODEL now, by feature.

    Request by request, each with its own size, tier and cached parts. The sums are of those
    with a cost on both sides; the others are counted. T is RFC 3339 or a date in the workspace's
    time zone. The last row is the total.
    """
    provider, _, name = model.partition("/")
    if not provider or not name:
        raise click.UsageError("write PROVIDER/MODEL, such as openai/gpt-4o-mini")

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.domain.errors import NotFound
        from llmtrack.domain.spans import Span
        from llmtrack.domain.what_if import total_of
        from llmtrack.services.price_books import PriceBooks
        from llmtrack.services.what_if import Comparing, Target
        from llmtrack.services.what_if import what_if as compare
        from llmtrack.storage.dimensions import Kind
        from llmtrack.storage.labels import labels_of
        from llmtrack.storage.workspaces import scope_for_admin

        scope = await scope_for_admin(database, workspace)
        now, zone = now_ms(), scope.time_zone
        start_ms = instant("from", start, zone) if start else month_start_ms(now, zone)
        end_ms = instant("to", end, zone) if end else now
        click.echo(f"{scope.name}: {moment(start_ms)} to {moment(end_ms)}, {zone}", err=True)
        book = await PriceBooks(database).find(scope.workspace_id)
        if book.rate_card(provider, name, at_ms=now) is None:
            raise NotFound(f"there is no price for {model!r}", fix="see: llmtrack prices list")
        prices = book, Target(provider, name, now)
        async with scope.reading() as reading:
            comparing = Comparing(Span(start_ms, end_ms), {}, prices)
            found = await compare(reading, comparing, progress=_progress)
            labels = await labels_of(reading, Kind.FEATURE, list(found))
        order = sorted(found, key=lambda feature: -abs(found[feature].difference_pico))
        rows = [_row(labels[feature].text, found[feature]) for feature in order]
        return [*rows, _row("total", total_of(list(found.values())))] if rows else []

    rows = data.run(run)
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    print_rows(rows, columns=COLUMNS, as_json=as_json, none="no events in that time")


def _row(feature: str, comparison: "Comparison") -> dict[str, Any]:
    from llmtrack.domain.money import usd_text

    return {
        "feature": feature,
        "events": comparison.events,
        "compared_events": comparison.compared_events,
        "before_usd": usd_text(comparison.before_pico),
        "after_usd": usd_text(comparison.after_pico),
        "difference_usd": usd_text(comparison.difference_pico),
        "lower_bounds": comparison.lower_bounds,
        "only_after_events": comparison.only_after_events,
        "only_after_usd": usd_text(comparison.only_after_pico),
        "not_priced_events": comparison.not_priced.total(),
        "not_priced": {why.label: count for why, count in comparison.not_priced.items()},
        "flags": {(flag.name or "").lower(): count for flag, count in comparison.flags.items()},
    }


def _progress(events: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{events:,} events", nl=False, err=True)
