"""The queries behind `event_pages`: which quarters may hold matches, and the events in them."""

from llmtrack.storage.dimensions import Kind
from llmtrack.storage.tag_values import FILTER_TAGS
from llmtrack.storage.usage_rows import FILTER_EVENTS, FILTERS


def named(column: str, name: str, text: str = "text") -> str:
    """The text behind a number of the dictionary, as a column `name`; `e` is the event."""
    # Row by row, for a page at most: a join would let the planner start from the dictionary.
    return (
        f"(select {text} from name where workspace_id = e.workspace_id and id = e.{column})"  # noqa: S608
        f" as {name}"
    )


def of_key(column: str) -> str:
    """What the event's key has in a column, as `key_` and its name."""
    return (
        f"(select {column} from api_key where workspace_id = e.workspace_id and id = e.key_id)"  # noqa: S608
        f" as key_{column}"
    )


_COLUMNS = f"""
  e.timestamp_ms,
  e.id,
  arrival_delay_ms,
  {named("provider_id", "provider")},
  {named("model_id", "model")},
  {named("feature_id", "feature")},
  {named("environment_id", "environment")},
  {named("source_id", "source")},
  {named("customer_id", "customer")},
  {named("customer_id", "customer_name", "label")},
  {named("operation_id", "operation")},
  {named("service_tier_id", "service_tier")},
  {of_key("public_id")},
  {of_key("name")},
  status,
  input_tokens,
  output_tokens,
  cache_read_tokens,
  cache_write_tokens,
  reasoning_tokens,
  latency_ms,
  ttft_ms,
  cost_pico,
  cost_status,
  response_id,
  metadata
"""
# Without a filter: the newest come first, and reading ends with the page.
READ_PAGE = f"""
-- event_pages.event_page
select {_COLUMNS}
from event e
where workspace_id = :workspace_id
  and (timestamp_ms, id) < (:before_ms, :before_id)
  and timestamp_ms >= :start_ms
order by timestamp_ms desc, id desc
limit :most
"""  # noqa: S608 - names of columns


def _read_spans(filters: str) -> str:
    """Only what is on the page is read whole. `first` and `end` of a span are in ms."""
    return f"""
-- event_pages.event_page
with found as materialized (
  select f.timestamp_ms, f.id
  from json_each(:spans) s
  cross join event f
  where f.workspace_id = :workspace_id
    and f.timestamp_ms >= s.value ->> 0
    and f.timestamp_ms < s.value ->> 1
    and (f.timestamp_ms < :before_ms or f.id < :before_id)
  {filters}
  order by f.timestamp_ms desc, f.id desc
  limit :most
)
select {_COLUMNS}
from found
cross join event e
where e.workspace_id = :workspace_id
  and e.timestamp_ms = found.timestamp_ms
  and e.id = found.id
order by e.timestamp_ms desc, e.id desc
"""  # noqa: S608 - names of columns


READ_SPANS = _read_spans(FILTER_EVENTS)
READ_SPANS_BY_TAGS = _read_spans(FILTER_TAGS)
# One condition where one is asked: eight take longer than the rest of looking at an event.
READ_SPANS_BY_ONE: dict[Kind, str] = {
    kind: _read_spans(f"and f.{column} = :{kind.name.lower()}") for kind, column in FILTERS
}
FIND_OLDEST = """
-- event_pages.event_page
select min(timestamp_ms)
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
"""


def _all_present(table: str, wanted: str, bucket: str, other: str = "") -> str:
    """True where a bucket has events of every wanted value: [kind, value] or [.., other]."""
    return f"""not exists (
    select 1
    from json_each(:{wanted}) w
    where not exists (
      select 1
      from {table}
      where workspace_id = :workspace_id
        and kind = json_extract(w.value, '$[0]')
        and bucket = {bucket}
        and value = json_extract(w.value, '$[1]')
        {other}
        and events > 0
    )
  )"""  # noqa: S608 - names of ours


FIND_DAYS = f"""
-- event_pages.days_with_all
select d.value
from json_each(:days) d
where exists (select 1 from zone_change where workspace_id = :workspace_id)
  or {_all_present("usage_day", "values", "d.value")}
  and {_all_present("usage_pair_day", "pairs", "d.value", "and other = json_extract(w.value, '$[2]')")}
order by d.key
"""  # noqa: S608, E501 - names of ours
# One dimension's own rows also say how many events match.
FIND_QUARTERS_OF_ONE = f"""
-- event_pages.quarters_with_all
select q.value, t.events, o.events
from json_each(:quarters) q
cross join usage_quarter o
cross join usage_quarter t
where o.workspace_id = :workspace_id
  and o.kind = :kind
  and o.bucket = q.value
  and o.value = :value
  and o.events > 0
  and t.workspace_id = :workspace_id
  and t.kind = {int(Kind.TOTAL)}
  and t.bucket = q.value
  and t.value = 0
order by q.key
"""  # noqa: S608 - a number
FIND_QUARTERS = f"""
-- event_pages.quarters_with_all
select q.value, t.events
from json_each(:quarters) q
cross join usage_quarter t
where t.workspace_id = :workspace_id
  and t.kind = {int(Kind.TOTAL)}
  and t.bucket = q.value
  and t.value = 0
  and t.events > 0
  and {_all_present("usage_quarter", "values", "q.value")}
order by q.key
"""  # noqa: S608 - names of ours
