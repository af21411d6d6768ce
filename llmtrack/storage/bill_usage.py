"""What we recorded of some providers per UTC day and model: the other side of a bill.

Bills count UTC days, which the day rollups of another zone do not have; quarters do, but by
one dimension only. So models used through one provider are read from quarters, and only
models used through several from their events.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from llmtrack.domain.bill_matching import RecordedRow
from llmtrack.domain.model_names import provider_id
from llmtrack.domain.periods import DAY_MS, QUARTER_MS, date_of_day, day_number
from llmtrack.domain.reconciliation import Recorded, Tokens
from llmtrack.domain.spans import Span
from llmtrack.storage.dimensions import Kind, pair_code
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.sums import EVENT_SUMS, ROLLUP_SUMS, sums_of
from llmtrack.storage.usage_rows import check_bound

MODEL_PROVIDERS = int(pair_code(Kind.MODEL, Kind.PROVIDER))
QUARTERS_PER_DAY = DAY_MS // QUARTER_MS

READ_PROVIDERS_OF_MODELS = """
-- bill_usage.providers_of_models
select
  value as model_id,
  other as provider_id,
  (select text from name where workspace_id = pair.workspace_id and id = value) as model,
  (select text from name where workspace_id = pair.workspace_id and id = other) as provider
from usage_pair_day pair
where workspace_id = :workspace_id
  and kind = :kind
  and bucket >= :first
  and bucket < :end
group by value, other
having sum(events) > 0
"""
READ_MODEL_DAYS = f"""
-- bill_usage.model_days
select bucket / :quarters_per_day as day, value,
  {ROLLUP_SUMS}
from usage_quarter
where workspace_id = :workspace_id
  and kind = :kind
  and bucket >= :first
  and bucket < :end
  and value in (select value from json_each(:models))
group by 1, 2
having sum(events) > 0
"""  # noqa: S608 - names of columns
READ_EVENT_DAYS = f"""
-- bill_usage.event_days
select timestamp_ms / :day_ms as day, model_id, provider_id,
  {EVENT_SUMS}
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
  and model_id in (select value from json_each(:models))
  and provider_id in (select value from json_each(:providers))
group by 1, 2, 3
"""  # noqa: S608 - names of columns


async def recorded_usage(
    reading: ScopedReading,
    days: tuple[date, date],
    provider: str,
    *,
    read_events_max: int | None = None,
) -> list[RecordedRow]:
    """Of the days from the first to the last, both included; provider `""` is any.

    Raises TooMuchToRead.
    """
    first, end = day_number(days[0]), day_number(days[1]) + 1
    # A zone's days begin up to a day apart from UTC's.
    pairs = await reading.rows(
        READ_PROVIDERS_OF_MODELS, kind=MODEL_PROVIDERS, first=first - 1, end=end + 1
    )
    of_models: dict[int, list[sqlite3.Row]] = defaultdict(list)
    for pair in pairs:
        of_models[pair["model_id"]].append(pair)
    wanted = _wanted(pairs, provider)
    names = {model: str(found[0]["model"]) for model, found in of_models.items()}
    chosen = {
        model: [pair["provider_id"] for pair in found]
        for model, found in of_models.items()
        if any(pair["provider_id"] in wanted for pair in found)
    }
    of_one = {model: ids[0] for model, ids in chosen.items() if len(ids) == 1}
    of_many = [model for model in chosen if model not in of_one]
    rows = [
        RecordedRow(date_of_day(row["day"]), wanted[of_one[row["value"]]], names[row["value"]],
                    _recorded(row, 2))
        for row in await _model_days(reading, first, end, list(of_one))
    ]  # fmt: skip
    span = Span(first * DAY_MS, end * DAY_MS)
    if of_many:
        await check_bound(reading, [span], read_events_max)
        rows += [
            RecordedRow(date_of_day(row["day"]), wanted[row["provider_id"]],
                        names[row["model_id"]], _recorded(row, 3))
            for row in await _event_days(reading, span, of_many, list(wanted))
        ]  # fmt: skip
    return rows


def _wanted(pairs: Sequence[sqlite3.Row], provider: str) -> dict[int, str]:
    return {
        pair["provider_id"]: str(pair["provider"])
        for pair in pairs
        if not provider or provider_id(pair["provider"]) == provider_id(provider)
    }


async def _model_days(
    reading: ScopedReading, first: int, end: int, models: Sequence[int]
) -> Sequence[sqlite3.Row]:
    return await reading.rows(
        READ_MODEL_DAYS,
        kind=Kind.MODEL,
        quarters_per_day=QUARTERS_PER_DAY,
        first=first * QUARTERS_PER_DAY,
        end=end * QUARTERS_PER_DAY,
        models=json.dumps(list(models)),
    )


async def _event_days(
    reading: ScopedReading, span: Span, models: Sequence[int], providers: Sequence[int]
) -> Sequence[sqlite3.Row]:
    return await reading.rows(
        READ_EVENT_DAYS,
        day_ms=DAY_MS,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        models=json.dumps(list(models)),
        providers=json.dumps(list(providers)),
    )


def _recorded(row: sqlite3.Row, first_measure: int) -> Recorded:
    sums = sums_of(row, first_measure)
    cached = sums.cache_read_tokens + sums.cache_write_tokens
    return Recorded(
        events=sums.events,
        calls=sums.events - sums.unknown_usage_events,
        unpriced_events=sums.unpriced_events,
        tokens=Tokens(
            # A report of a cache alone, without an input, must not make it negative.
            max(0, sums.input_tokens - cached),
            sums.cache_read_tokens,
            sums.cache_write_tokens,
            sums.output_tokens,
        ),
        cost_pico=sums.cost_pico,
    )
