"""What a session is called, how it was opened, and when its user last proved to be there."""

SESSIONS = """
alter table session add column public_id text not null default '';
alter table session add column how text not null default 'password';
alter table session add column proved_ms integer not null default 0;
"""
