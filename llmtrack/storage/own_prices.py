"""Prices of one's own: a workspace's, and those of the instance that hold for all of them.

They are created and revoked, never edited. What is revoked stays readable, and prices no
event from then on, not even when older ones are priced anew.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from llmtrack.domain.custom_prices import Alias, CustomPrices, Override, same_model
from llmtrack.domain.errors import AlreadyExists, NotFound
from llmtrack.domain.identifiers import new_public_id
from llmtrack.domain.price_schedule import tier_name
from llmtrack.storage.audit import Actor
from llmtrack.storage.audit import record as audit_record
from llmtrack.storage.database import Database
from llmtrack.storage.own_price_kinds import (
    ALIAS,
    ALIAS_FIELDS,
    OVERRIDE,
    OVERRIDE_FIELDS,
    READ_ALIASES,
    READ_OVERRIDES,
    Kind,
)
from llmtrack.storage.scope import Scope

GLOBAL = None
"""In place of a workspace's id: the instance's own, which hold for every workspace."""


class Record(NamedTuple):
    """Who made it and why, and who revoked it."""

    is_global: bool
    reason: str
    created_ms: int
    created_by: str
    revoked_ms: int | None
    revoked_by: str | None


class OwnOverride(NamedTuple):
    override: Override
    record: Record


class OwnAlias(NamedTuple):
    alias: Alias
    record: Record


class OwnPrices(NamedTuple):
    """A workspace's and the instance's, revoked ones among them, in order of creation."""

    overrides: list[OwnOverride]
    aliases: list[OwnAlias]

    def custom(self, *, is_global: bool) -> CustomPrices:
        """Those that hold, of the workspace or of the instance."""

        def holds(record: Record) -> bool:
            return record.is_global == is_global and record.revoked_ms is None

        return CustomPrices(
            [own.override for own in self.overrides if holds(own.record)],
            [own.alias for own in self.aliases if holds(own.record)],
        )


async def own_prices(scope: Scope) -> OwnPrices:
    async with scope.reading() as reading:
        overrides = await reading.rows(READ_OVERRIDES)
        aliases = await reading.rows(READ_ALIASES)
    return _own_prices(overrides, aliases)


async def own_prices_of(database: Database, workspace_id: int | None) -> OwnPrices:
    """For those who price without a page; GLOBAL is the instance's own alone."""
    async with database.reading() as reading:
        overrides = await reading.rows(READ_OVERRIDES, workspace_id=workspace_id)
        aliases = await reading.rows(READ_ALIASES, workspace_id=workspace_id)
    return _own_prices(overrides, aliases)


def read_own_prices(connection: sqlite3.Connection, workspace_id: int | None) -> OwnPrices:
    values = {"workspace_id": workspace_id}
    return _own_prices(
        connection.execute(READ_OVERRIDES, values), connection.execute(READ_ALIASES, values)
    )


def create_override(
    connection: sqlite3.Connection,
    workspace_id: int | None,
    *,
    provider: str,
    model: str,
    rates: Mapping[str, str] | None = None,
    percent: str | None = None,
    free: bool = False,
    service_tier: str = "",
    effective_from_ms: int | None = None,
    effective_to_ms: int | None = None,
    reason: str = "",
    by: Actor,
    now_ms: int,
) -> Override:
    """Raises InvalidValue, and AlreadyExists for the same model, tier and start."""
    made = Override(
        id=new_public_id("ovr"),
        provider=provider.strip(),
        model=model.strip(),
        rates=None if rates is None else dict(rates),
        percent=percent,
        free=free,
        service_tier=tier_name(service_tier),
        effective_from_ms=effective_from_ms,
        effective_to_ms=effective_to_ms,
    )
    _add(connection, workspace_id, OVERRIDE, made, reason=reason, by=by, now_ms=now_ms)
    return made


def create_alias(
    connection: sqlite3.Connection,
    workspace_id: int | None,
    *,
    provider: str,
    model: str,
    to_provider: str,
    to_model: str,
    effective_from_ms: int | None = None,
    effective_to_ms: int | None = None,
    reason: str = "",
    by: Actor,
    now_ms: int,
) -> Alias:
    """Raises InvalidValue, and AlreadyExists for the same model and start."""
    made = Alias(
        id=new_public_id("als"),
        provider=provider.strip(),
        model=model.strip(),
        to_provider=to_provider.strip(),
        to_model=to_model.strip(),
        effective_from_ms=effective_from_ms,
        effective_to_ms=effective_to_ms,
    )
    _add(connection, workspace_id, ALIAS, made, reason=reason, by=by, now_ms=now_ms)
    return made


def revoke(
    connection: sqlite3.Connection,
    workspace_id: int | None,
    public_id: str,
    *,
    by: Actor,
    now_ms: int,
) -> None:
    """Raises NotFound, also for what is revoked already or belongs to somebody else."""
    values = {
        "workspace_id": workspace_id,
        "public_id": public_id,
        "by": by.text,
        "now_ms": now_ms,
    }
    for kind in (OVERRIDE, ALIAS):
        if connection.execute(_for(kind.revokes, workspace_id), values).fetchone():
            audit_record(
                connection,
                workspace_id=workspace_id,
                actor=by,
                action=f"{kind.noun}.revoke",
                target=public_id,
                details={},
                now_ms=now_ms,
            )
            return
    raise NotFound(f"there is no price or alias {public_id!r} that holds")


def _add(
    connection: sqlite3.Connection,
    workspace_id: int | None,
    kind: Kind,
    made: Override | Alias,
    *,
    reason: str,
    by: Actor,
    now_ms: int,
) -> None:
    for other, record in getattr(read_own_prices(connection, workspace_id), kind.held_in):
        if _rival(workspace_id, made, other, record):
            raise _rivalled(kind, other)
    values: dict[str, Any] = {name: getattr(made, name) for name in kind.fields.split(", ")}
    if values.get("rates") is not None:
        values["rates"] = json.dumps(values["rates"])
    values["reason"] = reason.strip()
    audit_record(
        connection,
        workspace_id=workspace_id,
        actor=by,
        action=f"{kind.noun}.create",
        target=made.id,
        details={name: value for name, value in values.items() if value},
        now_ms=now_ms,
    )
    values |= {"workspace_id": workspace_id, "public_id": made.id}
    values |= {"created_ms": now_ms, "created_by": by.text}
    connection.execute(_for(kind.adds, workspace_id), values)


def _for(statements: tuple[str, str], workspace_id: int | None) -> str:
    return statements[workspace_id is not GLOBAL]


def _rival(
    workspace_id: int | None, made: Override | Alias, other: Override | Alias, record: Record
) -> bool:
    return (
        record.revoked_ms is None
        and record.is_global == (workspace_id is GLOBAL)
        and other.effective_from_ms == made.effective_from_ms
        and same_model(other, made)
        and getattr(other, "service_tier", "") == getattr(made, "service_tier", "")
    )


def _rivalled(kind: Kind, other: Override | Alias) -> AlreadyExists:
    return AlreadyExists(
        f"{other.provider}/{other.model} has an own {kind.word} from the same day on: {other.id}",
        fix="revoke that one first, or let the new one start on another day",
    )


def _own_prices(overrides: Iterable[sqlite3.Row], aliases: Iterable[sqlite3.Row]) -> OwnPrices:
    return OwnPrices(
        [OwnOverride(_override(row), _record_of(row)) for row in overrides],
        [OwnAlias(_alias(row), _record_of(row)) for row in aliases],
    )


def _override(row: sqlite3.Row) -> Override:
    fields: dict[str, Any] = {name: row[name] for name in OVERRIDE_FIELDS.split(", ")}
    rates = fields.pop("rates")
    fields |= {"rates": rates and json.loads(rates), "free": bool(row["free"])}
    return Override(id=row["public_id"], **fields)


def _alias(row: sqlite3.Row) -> Alias:
    fields: dict[str, Any] = {name: row[name] for name in ALIAS_FIELDS.split(", ")}
    return Alias(id=row["public_id"], **fields)


def _record_of(row: sqlite3.Row) -> Record:
    fields = ("reason", "created_ms", "created_by", "revoked_ms", "revoked_by")
    return Record(bool(row["is_global"]), *(row[name] for name in fields))
