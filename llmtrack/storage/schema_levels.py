"""Recent digests in smaller tables before the large ones: see `storage.digest_levels`."""

from llmtrack.storage.digest_levels import LEVELS

LEVELLED = "".join(
    f"""
create table idempotency_{level} (
  workspace_id integer not null,
  digest blob not null,
  primary key (workspace_id, digest)
) strict, without rowid;

create table response_{level} (
  workspace_id integer not null,
  digest blob not null,
  timestamp_ms integer not null,
  event_id integer not null,
  primary key (workspace_id, digest)
) strict, without rowid;
"""
    for level in LEVELS
) + (
    """
create table digest_level (
  name text primary key,
  digests integer not null,
  moved_workspace integer not null,
  moved_digest blob not null
) strict, without rowid;

alter table unsummed add column digests blob not null default x''
"""
)
