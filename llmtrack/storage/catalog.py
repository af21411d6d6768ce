"""What the writer knows by heart: names, workspaces and rate cards.

Caches of committed rows only; `forget` after a failed transaction and whenever anything
else may have written.
"""

import sqlite3
from typing import NamedTuple

from llmtrack.domain.plans import Plan
from llmtrack.domain.pricing import RateCard
from llmtrack.storage.names import NameCache

FIND_WORKSPACE = """
-- catalog.workspace
select time_zone, plan_name, plan_monthly_events, plan_billing_status
from workspace where id = ?
"""
FIND_RATE_CARD = """
-- catalog.rate_card_id
select id from rate_card where digest = ?
"""
ADD_RATE_CARD = """
-- catalog.rate_card_id
insert into rate_card (digest, card) values (?, ?) returning id
"""


class WorkspaceFacts(NamedTuple):
    """What the write path needs of a workspace."""

    time_zone: str
    plan: Plan


class Catalog:
    def __init__(self) -> None:
        self.names = NameCache()
        self._workspaces: dict[int, WorkspaceFacts] = {}
        self._rate_cards: dict[str, int] = {}

    def forget(self) -> None:
        self.names.forget()
        self._workspaces.clear()
        self._rate_cards.clear()

    def workspace(self, connection: sqlite3.Connection, workspace_id: int) -> WorkspaceFacts:
        found = self._workspaces.get(workspace_id)
        if found is None:
            row = connection.execute(FIND_WORKSPACE, (workspace_id,)).fetchone()
            time_zone, name, monthly_events, billing_status = row
            found = WorkspaceFacts(time_zone, Plan(name, monthly_events, billing_status))
            self._workspaces[workspace_id] = found
        return found

    def rate_card_id(self, connection: sqlite3.Connection, card: RateCard | None) -> int | None:
        """The stored card's id; a card that is new is stored. Cards never change."""
        if card is None:
            return None
        found = self._rate_cards.get(card.digest)
        if found is None:
            row = connection.execute(FIND_RATE_CARD, (card.digest,)).fetchone()
            row = row or connection.execute(ADD_RATE_CARD, (card.digest, card.as_json())).fetchone()
            found = int(row[0])
            self._rate_cards[card.digest] = found
        return found
