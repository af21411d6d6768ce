"""The tables of own prices, of imported price lists and of the currency that pages show.

Rows are added and revoked, never edited: what once held can be read for as long as there are
costs that were computed by it. `global_...` tables belong to the instance and hold for every
workspace. `rates` is a JSON object of decimal texts by price key.
"""

_OVERRIDE = """
  public_id text not null,
  provider text not null,
  model text not null,
  service_tier text not null default '',
  rates text,
  percent text,
  free integer not null default 0,
  effective_from_ms integer,
  effective_to_ms integer,
  reason text not null default '',
  created_ms integer not null,
  created_by text not null,
  revoked_ms integer,
  revoked_by text"""

_ALIAS = """
  public_id text not null,
  provider text not null,
  model text not null,
  to_provider text not null,
  to_model text not null,
  effective_from_ms integer,
  effective_to_ms integer,
  reason text not null default '',
  created_ms integer not null,
  created_by text not null,
  revoked_ms integer,
  revoked_by text"""

PRICES = f"""
create table price_override (
  workspace_id integer not null references workspace (id),
  id integer not null,{_OVERRIDE},
  primary key (workspace_id, id)
) strict, without rowid;
create unique index price_override_public_id on price_override (workspace_id, public_id);

create table model_alias (
  workspace_id integer not null references workspace (id),
  id integer not null,{_ALIAS},
  primary key (workspace_id, id)
) strict, without rowid;
create unique index model_alias_public_id on model_alias (workspace_id, public_id);

create table global_price_override (
  id integer primary key,{_OVERRIDE}
) strict;
create unique index global_price_override_public_id on global_price_override (public_id);

create table global_model_alias (
  id integer primary key,{_ALIAS}
) strict;
create unique index global_model_alias_public_id on global_model_alias (public_id);

create table display_currency (
  workspace_id integer not null references workspace (id),
  id integer not null,
  currency text not null,
  usd_rate text not null,
  rate_date text not null,
  set_ms integer not null,
  set_by text not null,
  primary key (workspace_id, id)
) strict, without rowid;

create table price_list (
  id integer primary key,
  source text not null,
  version text not null unique,
  price_date text not null,
  sha256 text not null unique,
  file_sha256 text not null,
  imported_ms integer not null,
  imported_by text not null,
  note text not null default '',
  held_back text not null default '[]',
  data blob not null
) strict;
"""
