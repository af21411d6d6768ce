# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack prices`: what models cost, and why an event cost what it did."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.at_risk import at_risk
from llmtrack.cli.currency import currency
from llmtrack.cli.data import Data, now_ms, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import json_option
from llmtrack.cli.output import moment, print_fields, print_json, print_rows, visible
from llmtrack.cli.periods import instant
from llmtrack.cli.prices_lists import diff, import_, status, update
from llmtrack.cli.prices_own import alias, own, revoke, set_
from llmtrack.cli.repricing import recompute, resume, runs, undo
from llmtrack.cli.unpriced import unpriced

if TYPE_CHECKING:
    from llmtrack.domain.charges import CostLine
    from llmtrack.domain.costs import RateCard
    from llmtrack.domain.pricing import PriceBook
    from llmtrack.services.explanation import ExplainedEvent
    from llmtrack.storage.database import Database

_any_workspace_option = click.option(
    "--workspace", "-w", metavar="W", help="As this workspace sees it (id or exact name)."
)


@click.group()
def prices() -> None:
    """Prices: the list, your own, aliases; why an event cost what it did.

    Rates are US dollars per million tokens, per thousand where they count searches or
    requests. Days and times without a zone are UTC.
    """


for command in (set_, alias, own, revoke, currency, status, diff, import_, update):
    prices.add_command(command)
for command in (unpriced, recompute, runs, resume, undo, at_risk):
    prices.add_command(command)


@prices.command("list")
@click.option("--provider", "-p", metavar="P", help="Only this provider's models.")
@click.option("--search", metavar="TEXT", help="Only models with this in their name.")
@_any_workspace_option
@json_option
@pass_data
def list_(
    data: Data, provider: str | None, search: str | None, workspace: str | None, as_json: bool
) -> None:
    """List the models of the price list with the prices of today."""

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.domain.model_names import provider_id

        book = await _book(database, workspace)
        wanted = provider_id(provider) if provider else None
        return [
            _listed(book, listed.id, model.id)
            for listed in book.list.providers
            if wanted is None or provider_id(listed.id) == wanted
            for model in listed.models
            if search is None or search.lower() in model.id.lower()
        ]

    columns = ("provider", "model", "input", "cache_read", "output", "since", "origin")
    none = "no such model in the price list; see: llmtrack prices list"
    print_rows(data.run(run), columns=columns, as_json=as_json, none=none)


@prices.command()
@click.argument("model", metavar="MODEL")
@click.option("--provider", "-p", required=True, metavar="P", help="Who sends the bill.")
@click.option("--at", metavar="T", help="A date or RFC 3339 time. Default: now.")
@click.option("--tier", metavar="TIER", help="Service tier: batch, flex, priority ...")
@click.option(
    "--input-tokens", type=click.IntRange(min=0), metavar="N", help="Input of the request."
)
@_any_workspace_option
@json_option
@pass_data
def show(
    data: Data,
    *,
    model: str,
    provider: str,
    at: str | None,
    tier: str | None,
    input_tokens: int | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Show what MODEL costs at provider P, and which price row says so."""
    at_ms = now_ms() if at is None else instant("at", at, "UTC")

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.domain.explanations import FLAG_TEXTS
        from llmtrack.domain.price_reasons import lookup_text

        book = await _book(database, workspace)
        found = book.lookup(
            provider, model, at_ms=at_ms, service_tier=tier, input_tokens=input_tokens
        )
        why = lookup_text(found, book.list.version, with_since=True)
        if not found.is_known:
            raise CommandFailed(
                f"{provider}/{model} at {moment(at_ms)}: {why[0].lower()}{why[1:-1]}",
                ExitCode.NOT_FOUND,
                fix=f"find its name: llmtrack prices list -p {provider}",
            )
        flags = [text for flag, text in FLAG_TEXTS.items() if flag & found.flags]
        return {
            "provider": provider,
            "model": model,
            "at": moment(at_ms),
            "status": "unpriced" if found.card is None else "priced",
            **_card_fields(found.card),
            "why": why,
            "notes": " ".join(flags) or None,
        }

    print_fields(data.run(run), as_json=as_json)


@prices.command()
@click.argument("event", metavar="EVENT_ID")
@_any_workspace_option
@json_option
@pass_data
def explain(data: Data, event: str, workspace: str | None, as_json: bool) -> None:
    """Explain the cost of an event: counts times rates, and why these rates."""

    async def run(database: "Database") -> dict[str, Any]:
        return _explained(*await _explain(database, event, workspace))

    explained = data.run(run)
    if as_json:
        print_json(explained)
        return
    lines = explained.pop("lines")
    flags = explained.pop("flags")
    print_fields(explained, as_json=False)
    for flag in flags:
        click.echo(f"Note: {flag}")
    if lines:
        click.echo()
        columns = ("class", "count", "rate", "per", "amount_usd")
        print_rows(lines, columns=columns, as_json=False, none="")


async def _explain(
    database: "Database", event: str, workspace: str | None
) -> "tuple[str, ExplainedEvent]":
    """The workspace's name, and the event that is in it."""
    from llmtrack.domain.errors import NotFound
    from llmtrack.services.explanation import explain_event
    from llmtrack.services.price_books import PriceBooks
    from llmtrack.storage.workspaces import list_workspaces, scope_for_admin

    books = PriceBooks(database)
    names = [workspace] if workspace else [w.public_id for w in await list_workspaces(database)]
    for name in names:
        scope = await scope_for_admin(database, name)
        try:
            return scope.name, await explain_event(scope, books, event)
        except NotFound:
            continue
    raise NotFound(f"there is no event {event}", fix="see: llmtrack events export --workspace W")


async def _book(database: "Database", workspace: str | None) -> "PriceBook":
    from llmtrack.services.price_books import PriceBooks
    from llmtrack.storage.workspaces import find_workspace

    workspace_id = (await find_workspace(database, workspace)).id if workspace else None
    return await PriceBooks(database).find(workspace_id)


def _listed(book: "PriceBook", provider: str, model: str) -> dict[str, Any]:
    card = book.rate_card(provider, model, at_ms=now_ms())
    rates = dict(card.rates) if card else {}
    return {
        "provider": provider,
        "model": model,
        "input": rates.get("input_mtok"),
        "cache_read": rates.get("cache_read_mtok"),
        "output": rates.get("output_mtok"),
        "since": (card.window if card else None) or None,
        "origin": card.origin if card else None,
        "rates": rates,
    }


def _card_fields(card: "RateCard | None") -> dict[str, Any]:
    if card is None:
        return {}
    return {
        "origin": card.origin,
        "priced_as": f"{card.provider}/{card.model}",
        "since": card.window or None,
        "tier": card.context or None,
        "input_above": card.tier_start or None,
        **(dict(card.rates) or {"rates": "free of charge"}),
    }


def _explained(workspace: str, found: "ExplainedEvent") -> dict[str, Any]:
    from llmtrack.domain.explanations import amount_text
    from llmtrack.domain.money import usd_text

    event, explanation, source = found
    card = _card_fields(event.card)

    def usd(pico: int | None) -> str | None:
        return None if pico is None else usd_text(pico)

    rounding = explanation.rounding_pico
    return {
        "event": event.event_id,
        "workspace": visible(workspace),
        "timestamp": moment(event.timestamp_ms),
        "provider": event.provider,
        "model": event.model,
        "service_tier": event.service_tier,
        "cost_usd": usd(explanation.cost_pico),
        "status": explanation.status.label,
        "meaning": explanation.status_text,
        "client_cost_usd": usd(explanation.client_cost_pico),
        "client_minus_computed_usd": usd(explanation.difference_pico),
        **{name: card.get(name) for name in ("origin", "priced_as", "since", "tier")},
        "input_above": card.get("input_above"),
        "matched_by": source.how,
        "why": source.text,
        "counting": explanation.convention,
        "rounding_usd": amount_text(rounding) if rounding else None,
        "flags": explanation.flag_texts,
        "lines": [_line(line) for line in explanation.lines],
    }


def _line(line: "CostLine") -> dict[str, Any]:
    from llmtrack.domain.explanations import amount_text
    from llmtrack.domain.price_reasons import per_text

    return {
        "class": line.token_class,
        "count": line.count,
        "rate": line.rate,
        "rate_key": line.price_key,
        "per": per_text(line.price_key) if line.price_key else "no rate",
        "amount_usd": amount_text(line.amount_pico),
    }
