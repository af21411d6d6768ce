"""Explain this cost: an event's lines, and how its name led to the price that was taken."""

from typing import NamedTuple

from llmtrack.domain.costs import RateCard
from llmtrack.domain.custom_prices import Override
from llmtrack.domain.explanations import Explanation, explained
from llmtrack.domain.price_match import Match
from llmtrack.domain.price_reasons import (
    alias_text,
    match_text,
    names_model,
    override_text,
    sentence,
    since_texts,
)
from llmtrack.domain.pricing import PriceBook
from llmtrack.services.price_books import PriceBooks
from llmtrack.storage.event_costs import EventCost, event_cost
from llmtrack.storage.own_prices import OwnPrices, Record, own_prices
from llmtrack.storage.scope import Scope


class Source(NamedTuple):
    """Where the rates come from."""

    how: str
    """`exact`, `pattern`, `alias`, `override`; `none` without a price, `gone` if not to be told."""
    text: str


class ExplainedEvent(NamedTuple):
    event: EventCost
    explanation: Explanation
    source: Source


async def explain_event(scope: Scope, books: PriceBooks, event_id: str) -> ExplainedEvent:
    """By the card that was stored with the event, whatever holds today. Raises NotFound."""
    event = await event_cost(scope, event_id)
    explanation = explained(
        event.usage,
        event.card,
        cost_pico=event.cost_pico,
        client_cost_pico=event.client_cost_pico,
        status=event.status,
        flags=event.flags,
    )
    own = await own_prices(scope)
    book = await books.listed(event.card.origin) if event.card else None
    now = await books.find(scope.workspace_id)
    return ExplainedEvent(event, explanation, _source(event, own, book, now))


def _source(event: EventCost, own: OwnPrices, book: PriceBook | None, now: PriceBook) -> Source:
    card = event.card
    if card is None:
        return Source("none", f"No cost was computed for {event.provider}/{event.model}.")
    kind, _, name = card.origin.partition(":")
    if kind == "override":
        return _override_source(event, own, name, now)
    match = book.match(event.provider, event.model) if book else None
    if match is not None and _is_row_of(card, match):
        how = "exact" if match.pattern is None else "pattern"
        return Source(how, sentence([match_text(match, name), *since_texts(card)]))
    for alias, record in own.aliases:
        if not names_model(alias, event.provider, event.model) or book is None:
            continue
        match = book.match(alias.to_provider, alias.to_model)
        if match is not None and _is_row_of(card, match):
            text = alias_text(alias) + _whose(record)
            texts = [text, match_text(match, name), *since_texts(card)]
            return Source("alias", sentence(texts))
    row = f"row {card.provider}/{card.model} of price list {name}, by what holds here no more"
    return Source("gone", sentence([row]))


def _is_row_of(card: RateCard, match: Match) -> bool:
    return (match.provider, match.model.id) == (card.provider, card.model)


def _override_source(event: EventCost, own: OwnPrices, public_id: str, now: PriceBook) -> Source:
    found = next((item for item in own.overrides if item.override.id == public_id), None)
    if found is None:
        return Source("gone", f"Own price {public_id}, which is not here any more.")
    override, record = found
    texts = [override_text(override) + _whose(record)]
    if override.percent is not None and event.card is not None:
        texts += _beneath(event, own, public_id, now)
        texts.append(f"that is {event.card.provider}/{event.card.model}")
    if names_model(override, event.provider, event.model):
        return Source("override", sentence(texts))
    through = [
        alias_text(alias) + _whose(by)
        for alias, by in own.aliases
        if names_model(alias, event.provider, event.model)
    ]
    return Source("alias" if through else "override", sentence([*through[:1], *texts]))


def _beneath(event: EventCost, own: OwnPrices, public_id: str, now: PriceBook) -> list[str]:
    """The own prices that a percentage was taken of: the card names the last one alone.

    Told only while they lead to the very rates that were stored.
    """
    lookup = now.lookup(
        event.provider,
        event.model,
        at_ms=event.timestamp_ms,
        service_tier=event.service_tier,
        input_tokens=event.usage.input_tokens,
    )
    if lookup.card != event.card:
        return []
    used = {step.id for step in lookup.steps if isinstance(step, Override)} - {public_id}
    return [
        override_text(override) + _whose(record)
        for override, record in own.overrides
        if override.id in used
    ]


def _whose(record: Record) -> str:
    notes = ["of every workspace"] if record.is_global else []
    notes += [f"reason: {record.reason}"] if record.reason else []
    notes += ["revoked since"] if record.revoked_ms is not None else []
    return f" ({', '.join(notes)})" if notes else ""
