"""What a key is good for, how it is used, and the secret that a rotation leaves behind.

A key has one current secret and at most one old one; digests of earlier ones stay in
`key_digest`, so that a leaked old secret is recognised.
"""

KEYS = """
alter table api_key add column access text not null default 'ingest' check (access in ('ingest', 'read'));
alter table api_key add column networks text not null default '';
alter table api_key add column not_before_ms integer;
alter table api_key add column expires_ms integer;
alter table api_key add column uses integer not null default 0;
alter table api_key add column last_used_ip text;
alter table api_key add column refused_ms integer;
alter table api_key add column refused_ip text;
alter table api_key add column refused_why text;
alter table api_key add column rotated_ms integer;
alter table api_key add column old_prefix text;
alter table api_key add column old_expires_ms integer;
alter table api_key add column old_last_used_ms integer;
"""  # noqa: E501 - one statement a line: migrations are split where a line ends in a semicolon
