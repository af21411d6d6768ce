"""Shorter digests for workspaces that have none yet: see `storage.digests`."""

DIGESTS = """
alter table workspace add column digest_bytes integer not null default 12;
update workspace
set digest_bytes = 16
where exists (select 1 from idempotency where workspace_id = workspace.id)
  or exists (select 1 from response where workspace_id = workspace.id)
"""
