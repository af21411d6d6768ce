"""Leave for an administrator of the instance to look into a workspace, for a while."""

GRANTS = """
create table access_grant (
  workspace_id integer not null references workspace (id),
  public_id text not null,
  user_id integer not null references user (id) on delete cascade,
  reason text not null,
  created_ms integer not null,
  created_by text not null,
  expires_ms integer not null,
  ended_ms integer,
  primary key (workspace_id, public_id)
) strict, without rowid;
"""
