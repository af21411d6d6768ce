"""The tables of what the server does by itself, and of what was deleted for good.

`deletion_ledger` outlives what it names, and is replayed on a restored backup: so it names a
workspace, key or user by public id, and a customer by a digest alone.
"""

OPERATIONS = """
create table deletion_ledger (
  id integer primary key,
  public_id text not null unique,
  kind text not null check (kind in ('events', 'customer', 'key', 'user', 'workspace')),
  workspace_public_id text not null default '',
  subject text not null,
  keep_totals integer not null default 1,
  begun_ms integer not null,
  finished_ms integer,
  removed text not null default '{}'
) strict;

create table retention (
  workspace_id integer not null references workspace (id),
  id integer not null,
  event_days integer not null,
  keep_totals integer not null default 1,
  set_ms integer not null,
  set_by text not null,
  primary key (workspace_id, id)
) strict, without rowid;

create table job (
  name text primary key,
  started_ms integer,
  finished_ms integer,
  succeeded_ms integer,
  failures integer not null default 0,
  result text not null default ''
) strict, without rowid;
"""
