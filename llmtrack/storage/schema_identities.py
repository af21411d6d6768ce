"""Who somebody is at the provider of single sign-on."""

IDENTITIES = """
create table identity (
  issuer text not null,
  subject text not null,
  user_id integer not null references user (id) on delete cascade,
  public_id text not null unique,
  email text not null default '',
  created_ms integer not null,
  last_used_ms integer,
  primary key (issuer, subject)
) strict, without rowid;
create index identity_user on identity (user_id);
"""
