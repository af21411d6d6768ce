"""The schema: append-only migrations; the length of `MIGRATIONS` is the schema version.

A shipped migration is never edited. Tenant tables lead every key and index with
`workspace_id`; tables without that column belong to the instance. `key_digest` is the one
door from a credential to a workspace, so it alone is keyed by something else.

Integers inside: times are epoch milliseconds (`_ms`), quarters are epoch ms / 900,000,
days are days since 1970-01-01 in the workspace's zone, money is pico-USD or the two limbs
of `domain.money`. `kind` and pair codes are in `storage.dimensions`.
"""

from llmtrack.storage.dimensions import MEASURES
from llmtrack.storage.schema_access import ACCESS
from llmtrack.storage.schema_at_risk import AT_RISK
from llmtrack.storage.schema_audit import AUDIT
from llmtrack.storage.schema_content import CONTENT
from llmtrack.storage.schema_customers import CUSTOMERS
from llmtrack.storage.schema_digests import DIGESTS
from llmtrack.storage.schema_grants import GRANTS
from llmtrack.storage.schema_identities import IDENTITIES
from llmtrack.storage.schema_keys import KEYS
from llmtrack.storage.schema_levels import LEVELLED, digest_tables
from llmtrack.storage.schema_links import LINKS
from llmtrack.storage.schema_notices import NOTICES
from llmtrack.storage.schema_operations import OPERATIONS
from llmtrack.storage.schema_packs import PACKED_ANEW, PACKS
from llmtrack.storage.schema_prices import PRICES
from llmtrack.storage.schema_repricing import REPRICING
from llmtrack.storage.schema_sessions import SESSIONS
from llmtrack.storage.schema_sums import SUMS
from llmtrack.storage.schema_tags import TAGS
from llmtrack.storage.schema_views import RENAMED, VIEWS
from llmtrack.storage.schema_zones import ZONES

APPLICATION_ID = 0x4C4C4D54  # "LLMT", so that `file` and a stranger's database are told apart
LOOKUP_TABLES = ("key_digest",)

_MEASURES = ",\n".join(f"  {name} integer not null default 0" for name in MEASURES)

_INSTANCE = """
create table workspace (
  id integer primary key,
  public_id text not null unique,
  name text not null,
  time_zone text not null default 'UTC',
  plan_name text not null default 'unlimited',
  plan_monthly_events integer,
  plan_billing_status text not null default 'active',
  created_ms integer not null,
  suspended_ms integer
) strict;

create table user (
  id integer primary key,
  public_id text not null unique,
  email text not null unique,
  name text not null default '',
  password_hash text,
  is_admin integer not null default 0,
  created_ms integer not null,
  last_sign_in_ms integer,
  disabled_ms integer
) strict;

create table session (
  token_digest blob primary key,
  user_id integer not null references user (id) on delete cascade,
  created_ms integer not null,
  last_seen_ms integer not null,
  expires_ms integer not null,
  ip text not null default '',
  user_agent text not null default ''
) strict, without rowid;

create table login_link (
  token_digest blob primary key,
  purpose text not null check (purpose in ('setup', 'sign_in')),
  user_id integer references user (id) on delete cascade,
  created_ms integer not null,
  expires_ms integer not null
) strict, without rowid;

create table rate_card (
  id integer primary key,
  digest text not null unique,
  card text not null
) strict;
"""

_TENANT = f"""
create table membership (
  workspace_id integer not null references workspace (id),
  user_id integer not null references user (id) on delete cascade,
  role text not null check (role in ('owner', 'admin', 'analyst', 'viewer')),
  created_ms integer not null,
  primary key (workspace_id, user_id)
) strict, without rowid;

create table api_key (
  workspace_id integer not null references workspace (id),
  id integer not null,
  public_id text not null,
  name text not null,
  source text,
  prefix text not null,
  created_ms integer not null,
  created_by integer,
  deactivated_ms integer,
  deleted_ms integer,
  last_used_ms integer,
  primary key (workspace_id, id)
) strict, without rowid;
create unique index api_key_public_id on api_key (workspace_id, public_id);

create table key_digest (
  digest blob primary key,
  workspace_id integer not null,
  key_id integer not null,
  expires_ms integer,
  revoked_ms integer
) strict, without rowid;

create table name (
  workspace_id integer not null references workspace (id),
  id integer not null,
  kind integer not null,
  text text not null,
  label text,
  primary key (workspace_id, id)
) strict, without rowid;
create unique index name_text on name (workspace_id, kind, text);

create table event (
  workspace_id integer not null,
  timestamp_ms integer not null,
  id integer not null,
  arrival_delay_ms integer not null default 0,
  provider_id integer not null,
  model_id integer not null,
  feature_id integer not null,
  environment_id integer not null,
  key_id integer not null,
  source_id integer not null,
  customer_id integer,
  operation_id integer,
  service_id integer,
  service_tier_id integer,
  status integer not null,
  input_tokens integer,
  output_tokens integer,
  total_tokens integer,
  cache_read_tokens integer,
  cache_write_tokens integer,
  cache_write_1h_tokens integer,
  reasoning_tokens integer,
  input_audio_tokens integer,
  output_audio_tokens integer,
  web_searches integer,
  usage_convention integer not null default 0,
  latency_ms integer,
  ttft_ms integer,
  cost_pico integer,
  cost_status integer not null,
  cost_flags integer not null default 0,
  rate_card_id integer,
  client_cost_pico integer,
  response_id text,
  metadata text,
  primary key (workspace_id, timestamp_ms, id)
) strict, without rowid;

{digest_tables()}
create table quota_month (
  workspace_id integer not null,
  month integer not null,
  events integer not null,
  primary key (workspace_id, month)
) strict, without rowid;

create table usage_quarter (
  workspace_id integer not null,
  kind integer not null,
  bucket integer not null,
  value integer not null,
{_MEASURES},
  primary key (workspace_id, kind, bucket, value)
) strict, without rowid;

create table usage_day (
  workspace_id integer not null,
  kind integer not null,
  bucket integer not null,
  value integer not null,
{_MEASURES},
  primary key (workspace_id, kind, bucket, value)
) strict, without rowid;

create table usage_pair_day (
  workspace_id integer not null,
  kind integer not null,
  bucket integer not null,
  value integer not null,
  other integer not null,
{_MEASURES},
  primary key (workspace_id, kind, bucket, value, other)
) strict, without rowid;

create table latency_quarter (
  workspace_id integer not null,
  kind integer not null,
  bucket integer not null,
  value integer not null,
  step integer not null,
  events integer not null,
  primary key (workspace_id, kind, bucket, value, step)
) strict, without rowid;

create table latency_day (
  workspace_id integer not null,
  kind integer not null,
  bucket integer not null,
  value integer not null,
  step integer not null,
  events integer not null,
  primary key (workspace_id, kind, bucket, value, step)
) strict, without rowid;
"""

MIGRATIONS: tuple[str, ...] = (
    _INSTANCE + _TENANT,
    PRICES,
    OPERATIONS,
    REPRICING,
    AUDIT,
    AT_RISK,
    CUSTOMERS,
    CONTENT,
    KEYS,
    SESSIONS,
    ACCESS,
    ZONES,
    GRANTS,
    PACKS,
    SUMS,
    VIEWS,
    IDENTITIES,
    DIGESTS,
    TAGS,
    NOTICES,
    LINKS,
    PACKED_ANEW,
    LEVELLED,
    RENAMED,
)
