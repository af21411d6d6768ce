"""Whether a sign-in link went out by mail: whoever reads the mailbox has it, without an admin."""

LINKS = """
alter table login_link add column is_mailed integer not null default 0;
"""
