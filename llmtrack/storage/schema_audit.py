"""The audit log's table: rows can be added at the end of a chain, and nothing else."""

# A trigger stands on one line each: migrations are split where a line ends in a semicolon.
# The first one also stops `insert or replace`, which deletes without a delete trigger.
AUDIT = """
create table audit_log (
  workspace_id integer not null,
  id integer not null,
  timestamp_ms integer not null,
  actor_user_id integer,
  actor text not null,
  ip text,
  action text not null,
  target text not null,
  details text not null,
  previous_hash blob not null,
  hash blob not null,
  primary key (workspace_id, id)
) strict, without rowid;

create trigger audit_log_insert before insert on audit_log when exists (select 1 from audit_log where workspace_id = new.workspace_id and id >= new.id) begin select raise(abort, 'the audit log is append-only'); end;

create trigger audit_log_update before update on audit_log begin select raise(abort, 'the audit log is append-only'); end;

create trigger audit_log_delete before delete on audit_log begin select raise(abort, 'the audit log is append-only'); end;
"""  # noqa: E501 - see above
