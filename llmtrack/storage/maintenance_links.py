"""Shared links of all workspaces."""

import sqlite3

ALL_LINKS_END = """
-- maintenance_links.all_revoke_links
update shared_link set revoked_ms = created_ms where revoked_ms is null
"""


def all_revoke_links(connection: sqlite3.Connection) -> None:
    """A restored file would open links again that have been revoked since."""
    connection.execute(ALL_LINKS_END)
