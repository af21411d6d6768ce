"""The tables of repricing: every run, and what each changed event cost before and after.

`cursor_ms` and `cursor_id` are the last event that a run has passed; they move in the
transaction of the events' new costs. Sums of costs are in the two limbs of `domain.money`.
"""

REPRICING = """
create table reprice_run (
  workspace_id integer not null references workspace (id),
  id integer not null,
  public_id text not null,
  state text not null check (
    state in ('queued', 'applying', 'applied', 'stopped', 'undoing', 'undone')
  ),
  start_ms integer not null,
  end_ms integer not null,
  model text,
  only_unpriced integer not null,
  prices_digest text not null,
  reason text not null,
  created_ms integer not null,
  created_by text not null,
  touched_ms integer not null,
  finished_ms integer,
  undone_ms integer,
  undone_by text,
  cursor_ms integer not null,
  cursor_id integer not null default -1,
  total_events integer not null,
  seen_events integer not null default 0,
  changed_events integer not null default 0,
  priced_events integer not null default 0,
  before_micro integer not null default 0,
  before_rest integer not null default 0,
  after_micro integer not null default 0,
  after_rest integer not null default 0,
  restored_events integer not null default 0,
  kept_events integer not null default 0,
  primary key (workspace_id, id)
) strict, without rowid;
create unique index reprice_run_public_id on reprice_run (workspace_id, public_id);

create table reprice_change (
  workspace_id integer not null,
  run_id integer not null,
  timestamp_ms integer not null,
  event_id integer not null,
  old_cost_pico integer,
  old_cost_status integer not null,
  old_cost_flags integer not null,
  old_rate_card_id integer,
  new_cost_pico integer,
  new_cost_status integer not null,
  new_cost_flags integer not null,
  new_rate_card_id integer,
  primary key (workspace_id, run_id, timestamp_ms, event_id)
) strict, without rowid;
"""
