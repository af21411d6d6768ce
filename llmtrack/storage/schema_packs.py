"""Sums of many values over some days, packed into one row: what rankings read instead of days."""

PACKS = """
create table usage_pack (
  workspace_id integer not null references workspace (id),
  days integer not null,
  bucket integer not null,
  kind integer not null,
  value integer not null,
  reserved integer,
  sums blob,
  primary key (workspace_id, days, bucket, kind, value)
) strict, without rowid;
"""

PACKED_ANEW = """
-- Written in another order of bytes, and with the quarters of customers: made again by the server.
delete from usage_pack
"""
