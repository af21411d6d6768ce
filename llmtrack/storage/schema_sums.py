"""Events that are stored but not yet in the sums: see `storage.pending_sums`."""

SUMS = """
create table unsummed (
  id integer primary key,
  events blob not null
) strict
"""
