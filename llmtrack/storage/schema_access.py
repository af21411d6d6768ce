"""Invitations, second factors, reviews of access, and the contact for security."""

ACCESS = """
create table invitation (
  workspace_id integer not null references workspace (id),
  public_id text not null,
  token_digest blob not null,
  email text not null,
  role text not null check (role in ('owner', 'admin', 'analyst', 'viewer')),
  created_ms integer not null,
  created_by text not null,
  expires_ms integer not null,
  used_ms integer,
  revoked_ms integer,
  primary key (workspace_id, public_id)
) strict, without rowid;
create unique index invitation_token on invitation (workspace_id, token_digest);

create table second_factor (
  user_id integer not null references user (id) on delete cascade,
  public_id text not null,
  kind text not null check (kind in ('totp', 'passkey')),
  name text not null,
  secret blob not null,
  credential_id blob unique,
  counter integer not null default 0,
  created_ms integer not null,
  last_used_ms integer,
  primary key (user_id, public_id)
) strict, without rowid;

create table recovery_code (
  user_id integer not null references user (id) on delete cascade,
  digest blob not null,
  used_ms integer,
  primary key (user_id, digest)
) strict, without rowid;

create table access_review (
  workspace_id integer not null references workspace (id),
  id integer not null,
  reviewed_ms integer not null,
  reviewed_by text not null,
  members integer not null,
  keys integer not null,
  primary key (workspace_id, id)
) strict, without rowid;

create table contact (
  id integer primary key,
  address text not null,
  code_digest blob,
  code_expires_ms integer,
  code_attempts integer not null default 0,
  verified_ms integer,
  expires_ms integer
) strict;

alter table workspace add column requires_second_factor integer not null default 0;
"""
