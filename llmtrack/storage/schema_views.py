"""Saved views of the analytics pages, and links that show one to whoever has them."""

VIEWS = """
create table saved_view (
  workspace_id integer not null references workspace (id),
  id integer not null,
  user_id integer not null references user (id) on delete cascade,
  name text not null,
  place text not null,
  query text not null,
  is_shared integer not null,
  created_ms integer not null,
  primary key (workspace_id, id)
) strict, without rowid;

create table shared_link (
  workspace_id integer not null references workspace (id),
  id integer not null,
  token_digest blob not null,
  name text not null,
  place text not null,
  query text not null,
  created_ms integer not null,
  created_by text not null,
  expires_ms integer not null,
  revoked_ms integer,
  used_ms integer,
  primary key (workspace_id, id)
) strict, without rowid;
create unique index shared_link_digest on shared_link (workspace_id, token_digest);
"""

# A period's end is called `to`, and so was the model of What if, which knew no such period.
RENAMED = "\n".join(
    f"""
update {table} set query = substr(replace('&' || query, '&to=', '&target='), 2)
where place = 'what-if';
"""  # noqa: S608 - names of tables
    for table in ("saved_view", "shared_link")
)
