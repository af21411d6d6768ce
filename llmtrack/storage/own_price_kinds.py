"""The two kinds of own prices, overrides and aliases: their columns and statements."""

from typing import NamedTuple

OVERRIDE_FIELDS = (
    "provider, model, service_tier, rates, percent, free, effective_from_ms, effective_to_ms"
)
ALIAS_FIELDS = "provider, model, to_provider, to_model, effective_from_ms, effective_to_ms"
RECORD_FIELDS = "reason, created_ms, created_by, revoked_ms, revoked_by"


def _read(table: str, fields: str) -> str:
    return f"""
-- own_prices.own_prices
select 0 as is_global, id, public_id, {fields}, {RECORD_FIELDS}
from {table}
where workspace_id = :workspace_id
union all
select 1, id, public_id, {fields}, {RECORD_FIELDS}
from global_{table}
order by 1, 2
"""  # noqa: S608 - names of columns


READ_OVERRIDES = _read("price_override", OVERRIDE_FIELDS)
READ_ALIASES = _read("model_alias", ALIAS_FIELDS)


def _adds(table: str, fields: str) -> tuple[str, str]:
    """For the instance, for a workspace."""
    columns = f"public_id, {fields}, reason, created_ms, created_by"
    marks = ", ".join(f":{name}" for name in columns.split(", "))
    return (
        f"""
-- own_prices.create_override, own_prices.create_alias
insert into global_{table} ({columns}) values ({marks})
""",  # noqa: S608 - names of columns
        f"""
-- own_prices.create_override, own_prices.create_alias
insert into {table} (workspace_id, id, {columns})
values (
  :workspace_id,
  (select coalesce(max(id), 0) + 1 from {table} where workspace_id = :workspace_id),
  {marks}
)
""",  # noqa: S608 - names of columns
    )


def _revokes(table: str) -> tuple[str, str]:
    change = "set revoked_ms = :now_ms, revoked_by = :by"
    which = "public_id = :public_id and revoked_ms is null"
    return (
        f"""
-- own_prices.revoke
update global_{table} {change} where {which} returning id
""",
        f"""
-- own_prices.revoke
update {table} {change} where workspace_id = :workspace_id and {which} returning id
""",
    )


class Kind(NamedTuple):
    noun: str
    """Its table, and what the audit log calls it."""
    word: str
    held_in: str
    fields: str
    adds: tuple[str, str]
    revokes: tuple[str, str]


def _kind(noun: str, word: str, held_in: str, fields: str) -> Kind:
    return Kind(noun, word, held_in, fields, _adds(noun, fields), _revokes(noun))


OVERRIDE = _kind("price_override", "price", "overrides", OVERRIDE_FIELDS)
ALIAS = _kind("model_alias", "alias", "aliases", ALIAS_FIELDS)
