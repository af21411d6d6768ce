"""What the writer knows by heart: names, workspaces and rate cards.

Caches of committed rows only; `forget` after a failed transaction and whenever anything
else may have written.
"""

import sqlite3
from typing import NamedTuple

from llmtrack.domain.plans import Plan
from llmtrack.domain.pricing import RateCard
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.names import NameCache

FIND_WORKSPACE = """
-- catalog.workspace
select time_zone, plan_name, plan_monthly_events, plan_billing_status, digest_bytes
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
    digest_bytes: int


class EventNames(NamedTuple):
    """The numbers of the names that every event has, or may have."""

    provider_id: int
    model_id: int
    feature_id: int
    environment_id: int
    source_id: int
    operation_id: int | None
    service_id: int | None
    service_tier_id: int | None


_KINDS = (
    Kind.PROVIDER,
    Kind.MODEL,
    Kind.FEATURE,
    Kind.ENVIRONMENT,
    Kind.SOURCE,
    Kind.OPERATION,
    Kind.SERVICE,
    Kind.SERVICE_TIER,
)
COMBINATIONS_MAX = 10_000


class Catalog:
    def __init__(self) -> None:
        self.names = NameCache()
        self._combinations: dict[tuple[int, tuple[str | None, ...]], EventNames] = {}
        self._workspaces: dict[int, WorkspaceFacts] = {}
        self._rate_cards: dict[str, int] = {}

    def forget(self) -> None:
        self.names.forget()
        self._combinations.clear()
        self._workspaces.clear()
        self._rate_cards.clear()

    def event_names(
        self, connection: sqlite3.Connection, workspace_id: int, texts: tuple[str | None, ...]
    ) -> EventNames:
        """`texts` in the order of EventNames: one look-up for what mostly comes together."""
        found = self._combinations.get((workspace_id, texts))
        if found is None:
            if len(self._combinations) >= COMBINATIONS_MAX:
                self._combinations.clear()
            ids = [
                None if text is None else self.names.id_of(connection, workspace_id, kind, text)
                for kind, text in zip(_KINDS, texts, strict=True)
            ]
            found = self._combinations[workspace_id, texts] = EventNames(*ids)  # type: ignore[arg-type]
        return found

    def workspace(self, connection: sqlite3.Connection, workspace_id: int) -> WorkspaceFacts:
        found = self._workspaces.get(workspace_id)
        if found is None:
            row = connection.execute(FIND_WORKSPACE, (workspace_id,)).fetchone()
            time_zone, name, monthly_events, billing_status, digest_bytes = row
            plan = Plan(name, monthly_events, billing_status)
            found = WorkspaceFacts(time_zone, plan, digest_bytes)
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
