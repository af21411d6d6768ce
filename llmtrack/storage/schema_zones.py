"""A change of a workspace's time zone that is under way: the totals of days are moved."""

ZONES = """
create table zone_change (
  workspace_id integer not null references workspace (id),
  old_zone text not null,
  first_quarter integer not null,
  moved_quarter integer not null,
  started_ms integer not null,
  primary key (workspace_id)
) strict, without rowid;
"""
