"""Sums by provider that only models have: those of its models, where each is of one provider."""

import json

from llmtrack.domain.periods import day_of
from llmtrack.storage.dimensions import Kind, kept_pair, pair_code
from llmtrack.storage.questions import Pair, Question
from llmtrack.storage.scope import ScopedReading

FIND_MODELS = f"""
-- provider_models.pair_of_models
select u.value, min(u.other = :provider)
from json_each(:days) d
cross join usage_pair_day u
where u.workspace_id = :workspace_id
  and u.kind = {pair_code(Kind.MODEL, Kind.PROVIDER)}
  and u.bucket = d.value
  and u.events > 0
group by 1
having max(u.other = :provider)
"""  # noqa: S608 - a number


async def pair_of_models(reading: ScopedReading, question: Question) -> Pair | None:
    """Rows of the models of the provider that the question is filtered by.

    None if it is about something else, or another provider has one of the models, too, on one of
    the days that the span touches.
    """
    provider = dict(question.filters.items()).get(Kind.PROVIDER)
    pair = kept_pair(Kind.MODEL, question.kind)
    if provider is None or len(question.filters) > 1 or pair is None or not question.is_counted:
        return None
    span, zone = question.span, question.time_zone
    days = range(day_of(span.start_ms, zone), day_of(span.end_ms, zone) + 1)
    rows = await reading.rows(FIND_MODELS, days=json.dumps(list(days)), provider=provider)
    if not rows or not all(is_alone for _, is_alone in rows):
        return None
    return Pair(pair.code, True, tuple(row[0] for row in rows), Kind.MODEL)
