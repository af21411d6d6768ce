"""What the members of a workspace are told on every page of it, until it ends or is withdrawn."""

NOTICES = """
create table notice (
  workspace_id integer not null references workspace (id),
  public_id text not null,
  text text not null,
  created_ms integer not null,
  created_by text not null,
  ends_ms integer not null,
  withdrawn_ms integer,
  primary key (workspace_id, public_id)
) strict, without rowid;
"""
