"""Which members of metadata a workspace counts by, and the dictionary of their values."""

TAGS = """
create table tracked_tag (
  workspace_id integer not null references workspace (id),
  number integer not null,
  key text not null,
  counted_quarter integer not null,
  known_ms integer,
  tracked_ms integer not null,
  removed_ms integer,
  primary key (workspace_id, number)
) strict, without rowid;

create table tag_value (
  workspace_id integer not null references workspace (id),
  number integer not null,
  id integer not null,
  text text,
  digest blob,
  primary key (workspace_id, number, id)
) strict, without rowid;
create unique index tag_value_text on tag_value (workspace_id, number, text);
"""
