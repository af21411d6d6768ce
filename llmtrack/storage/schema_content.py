"""Whether a workspace keeps content and secrets in metadata, and how often they came."""

CONTENT = """
create table content_rule (
  workspace_id integer not null references workspace (id),
  keeps_content integer not null,
  set_ms integer not null,
  set_by text not null,
  primary key (workspace_id)
) strict, without rowid;

create table scrubbed_day (
  workspace_id integer not null references workspace (id),
  day integer not null,
  key_id integer not null,
  events integer not null,
  dropped integer not null,
  masked integer not null,
  primary key (workspace_id, day, key_id)
) strict, without rowid;
"""
