"""What a price of one's own would do, before it is made."""

from typing import NamedTuple

from llmtrack.domain.custom_prices import ANY, Alias, Override
from llmtrack.domain.model_names import provider_id
from llmtrack.domain.pricing import Lookup
from llmtrack.services.price_books import PriceBooks, book_of
from llmtrack.storage.models_in_use import models_in_use
from llmtrack.storage.own_prices import OwnAlias, OwnOverride, Record, own_prices
from llmtrack.storage.scope import Scope

MODELS_MAX = 10


class Preview(NamedTuple):
    provider: str
    model: str
    before: Lookup
    after: Lookup


async def previewed(
    scope: Scope, books: PriceBooks, made: Override | Alias, *, now_ms: int
) -> list[Preview]:
    """For the model, or for those in use that `*` means; at its start if that is to come."""
    at_ms = max(now_ms, made.effective_from_ms or now_ms)
    own = await own_prices(scope)
    before = await books.find(scope.workspace_id)
    record = Record(False, "", now_ms, "", None, None)
    if isinstance(made, Override):
        own = own._replace(overrides=[*own.overrides, OwnOverride(made, record)])
    else:
        own = own._replace(aliases=[*own.aliases, OwnAlias(made, record)])
    after = book_of(before, own)
    tier = made.service_tier if isinstance(made, Override) else None
    return [
        Preview(
            provider,
            model,
            before.lookup(provider, model, at_ms=at_ms, service_tier=tier),
            after.lookup(provider, model, at_ms=at_ms, service_tier=tier),
        )
        for provider, model in await _models(scope, made, now_ms)
    ]


async def _models(scope: Scope, made: Override | Alias, now_ms: int) -> list[tuple[str, str]]:
    if made.model != ANY:
        return [(made.provider, made.model)]
    wanted = None if made.provider == ANY else provider_id(made.provider)
    used = await models_in_use(scope, now_ms=now_ms)
    found = [(m.provider, m.model) for m in used if wanted in {None, provider_id(m.provider)}]
    return found[:MODELS_MAX]
