"""What customers pay, for their margin: optional, typed in by people."""

CUSTOMERS = """
create table customer_price (
  workspace_id integer not null references workspace (id),
  customer_id integer not null,
  monthly_pico integer not null check (monthly_pico >= 0),
  changed_ms integer not null,
  primary key (workspace_id, customer_id)
) strict, without rowid;
"""
