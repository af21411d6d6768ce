# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack prices set|alias|revoke|own`: prices of one's own."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import Command, json_option
from llmtrack.cli.output import moment, print_fields, print_rows
from llmtrack.cli.periods import instant
from llmtrack.cli.reprice_steps import reprice_unpriced

if TYPE_CHECKING:
    from llmtrack.domain.custom_prices import Alias, Override
    from llmtrack.storage.database import Database
    from llmtrack.storage.own_prices import OwnPrices, Record

_RATES = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache-read": "cache_read_mtok",
    "cache-write": "cache_write_mtok",
    "cache-write-1h": "cache_write_1h_mtok",
    "audio-input": "input_audio_mtok",
    "audio-output": "output_audio_mtok",
    "reasoning": "output_reasoning_mtok",
    "web-search": "web_searches_kcount",
    "request": "requests_kcount",
}
_SHARED = (
    click.option("--workspace", "-w", metavar="W", help="For this workspace (id or exact name)."),
    click.option("--global", "everywhere", is_flag=True, help="For every workspace."),
    click.option("--from", "start", metavar="T", help="First instant it holds. Default: always."),
    click.option("--to", "end", metavar="T", help="First instant it does not. Default: no end."),
    click.option("--reason", default="", metavar="TEXT", help="Why, for the record."),
    click.option("--provider", "-p", required=True, metavar="P", help="As events name it."),
)


def _shared_options(command: Command) -> Command:
    for option in reversed(_SHARED):
        command = option(command)
    return command


def _rate_options(command: Command) -> Command:
    for name, key in reversed(_RATES.items()):
        per = "million tokens" if key.endswith("_mtok") else "thousand"
        command = click.option(f"--{name}", key, metavar="USD", help=f"US dollars per {per}.")(
            command
        )
    return command


@click.command("set")
@click.argument("model", metavar="MODEL")
@_shared_options
@_rate_options
@click.option("--percent", metavar="N", help="Instead of rates: -15 a discount, 20 a markup.")
@click.option("--free", is_flag=True, help="Instead of rates: it costs nothing.")
@click.option("--tier", default="", metavar="TIER", help="For this service tier alone.")
@json_option
@pass_data
def set_(
    data: Data,
    /,
    *,
    model: str,
    provider: str,
    workspace: str | None,
    everywhere: bool,
    start: str | None,
    end: str | None,
    reason: str,
    percent: str | None,
    free: bool,
    tier: str,
    as_json: bool,
    **rates: str | None,
) -> None:
    """Set a price of your own for MODEL (* is every model of the provider).

    It holds for events from now on. A part without a rate, such as cache reads, takes the
    rate of what it is a part of. To change a price, revoke it and set another.
    """
    given = {key: rate for key, rate in rates.items() if rate is not None}
    fields: dict[str, Any] = {
        "provider": provider,
        "model": model,
        "rates": given or None,
        "percent": percent,
        "free": free,
        "service_tier": tier,
        **_period(start, end),
        "reason": reason,
    }

    def create(connection: Any, workspace_id: int | None) -> dict[str, Any]:
        from llmtrack.storage.own_prices import create_override

        made = create_override(connection, workspace_id, **fields, by=operator(), now_ms=now_ms())
        return _override_fields(made)

    made = _write(data, workspace, everywhere, create, reprices=True)
    print_fields(made, as_json=as_json)


@click.command()
@click.argument("model", metavar="MODEL")
@_shared_options
@click.option("--to-provider", required=True, metavar="P", help="The provider it really is.")
@click.option("--to-model", required=True, metavar="MODEL", help="The model it really is.")
@json_option
@pass_data
def alias(
    data: Data,
    *,
    model: str,
    provider: str,
    workspace: str | None,
    everywhere: bool,
    start: str | None,
    end: str | None,
    reason: str,
    to_provider: str,
    to_model: str,
    as_json: bool,
) -> None:
    """Say which model MODEL really is, such as the one behind an Azure deployment."""
    fields: dict[str, Any] = {
        "provider": provider,
        "model": model,
        "to_provider": to_provider,
        "to_model": to_model,
        **_period(start, end),
        "reason": reason,
    }

    def create(connection: Any, workspace_id: int | None) -> dict[str, Any]:
        from llmtrack.storage.own_prices import create_alias

        made = create_alias(connection, workspace_id, **fields, by=operator(), now_ms=now_ms())
        return _alias_fields(made)

    async def check(database: "Database", workspace_id: int | None) -> None:
        from llmtrack.domain.price_reasons import require_price
        from llmtrack.services.price_books import PriceBooks

        book = await PriceBooks(database).find(workspace_id)
        require_price(book, to_provider, to_model, at_ms=now_ms())

    made = _write(data, workspace, everywhere, create, check, reprices=True)
    print_fields(made, as_json=as_json)


@click.command()
@click.argument("price", metavar="ID")
@click.option("--workspace", "-w", metavar="W", help="It is this workspace's.")
@click.option("--global", "everywhere", is_flag=True, help="It is the instance's.")
@json_option
@pass_data
def revoke(data: Data, price: str, workspace: str | None, everywhere: bool, as_json: bool) -> None:
    """Revoke the own price or alias ID (ovr_..., als_...). Stored costs stay as they are."""

    def end(connection: Any, workspace_id: int | None) -> dict[str, Any]:
        from llmtrack.storage.own_prices import revoke as revoke_price

        at_ms = now_ms()
        revoke_price(connection, workspace_id, price, by=operator(), now_ms=at_ms)
        return {"id": price, "state": "revoked", "revoked_at": moment(at_ms)}

    print_fields(_write(data, workspace, everywhere, end), as_json=as_json)


@click.command()
@click.option("--workspace", "-w", metavar="W", help="This workspace's and the instance's.")
@click.option("--all", "all_", is_flag=True, help="Revoked ones, too.")
@json_option
@pass_data
def own(data: Data, workspace: str | None, all_: bool, as_json: bool) -> None:
    """List own prices and aliases; without --workspace those of the instance."""

    async def run(database: "Database") -> list[dict[str, Any]]:
        from llmtrack.storage.own_prices import own_prices_of
        from llmtrack.storage.workspaces import find_workspace

        workspace_id = (await find_workspace(database, workspace)).id if workspace else None
        return _rows(await own_prices_of(database, workspace_id))

    rows = [row for row in data.run(run) if all_ or row["revoked_at"] is None]
    revoked = ("revoked_at",) if all_ else ()
    columns = ("id", "scope", "provider", "model", "price", "from", "to", "reason", *revoked)
    none = "no own price; set one with: llmtrack prices set MODEL --provider P --input 1 --output 2"
    print_rows(rows, columns=columns, as_json=as_json, none=none)


def _write(
    data: Data,
    workspace: str | None,
    everywhere: bool,
    change: "Callable[[Any, int | None], dict[str, Any]]",
    check: Any = None,
    *,
    reprices: bool = False,
) -> dict[str, Any]:
    if (workspace is None) != everywhere:
        raise click.UsageError("say for whom: --workspace W, or --global for every workspace")

    async def run(database: "Database") -> dict[str, Any]:
        from llmtrack.storage.workspaces import find_workspace

        workspace_id = (await find_workspace(database, workspace)).id if workspace else None
        if check is not None:
            await check(database, workspace_id)
        made = await database.write(change, workspace_id)
        if reprices:
            reason = f"{made['provider']}/{made['model']}: {made['price']}"
            made["repriced_events"] = await reprice_unpriced(database, workspace, reason=reason)
        return made

    return data.run(run, changes=True)


def _period(start: str | None, end: str | None) -> dict[str, int | None]:
    return {
        "effective_from_ms": instant("from", start, "UTC") if start else None,
        "effective_to_ms": instant("to", end, "UTC") if end else None,
    }


def _rows(found: "OwnPrices") -> list[dict[str, Any]]:
    rows = [
        _override_fields(override) | _record_fields(record) for override, record in found.overrides
    ]
    return rows + [_alias_fields(alias) | _record_fields(record) for alias, record in found.aliases]


def _override_fields(override: "Override") -> dict[str, Any]:
    from llmtrack.domain.price_reasons import price_text

    return {
        "id": override.id,
        "provider": override.provider,
        "model": override.model,
        "price": price_text(override),
        "rates": override.rates,
        "percent": override.percent,
        "free": override.free,
        "tier": override.service_tier or None,
        "from": moment(override.effective_from_ms),
        "to": moment(override.effective_to_ms),
    }


def _alias_fields(alias: "Alias") -> dict[str, Any]:
    return {
        "id": alias.id,
        "provider": alias.provider,
        "model": alias.model,
        "price": f"as {alias.to_provider}/{alias.to_model}",
        "to_provider": alias.to_provider,
        "to_model": alias.to_model,
        "from": moment(alias.effective_from_ms),
        "to": moment(alias.effective_to_ms),
    }


def _record_fields(record: "Record") -> dict[str, Any]:
    return {
        "scope": "global" if record.is_global else "workspace",
        "reason": record.reason or None,
        "created_at": moment(record.created_ms),
        "created_by": record.created_by,
        "revoked_at": moment(record.revoked_ms),
        "revoked_by": record.revoked_by,
    }
