"""Tables of digests, the recent ones in smaller ones: see `storage.digest_levels`."""

from llmtrack.storage.digest_levels import LEVELS


def digest_tables(level: str = "") -> str:
    """The two of a level, which is the end of their names; the last level has none."""
    return f"""create table idempotency{level} (
  workspace_id integer not null,
  digest blob not null,
  primary key (workspace_id, digest)
) strict, without rowid;

create table response{level} (
  workspace_id integer not null,
  digest blob not null,
  timestamp_ms integer not null,
  event_id integer not null,
  primary key (workspace_id, digest)
) strict, without rowid;
"""


LEVELLED = f"""
{"".join(digest_tables(f"_{level}") for level in LEVELS)}
create table digest_level (
  name text primary key,
  digests integer not null,
  moved_workspace integer not null,
  moved_digest blob not null
) strict, without rowid;

alter table unsummed add column digests blob not null default x''
"""
